"""Predicting a number, with an interval around it."""
