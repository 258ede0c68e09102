"""Predicting one of a fixed list of classes."""

ClassLabel = int | str
