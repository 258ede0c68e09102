"""Rows from outcomes: which answered rows a release learns from, which are set apart to judge it, and how far they speak for all answers.

`joining` reads the log, `apart` divides what it found, `coverage` compares it with all answers, `callers` looks for outcomes that
contradict the others, and `evidence` puts them together.
"""
