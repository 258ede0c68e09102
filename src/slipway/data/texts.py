"""Texts for sample rows: invented words in the place of real ones, because a text may name a person.

The statistics have how many words a text has, and how the words are spread over 64 groups. A word's group is its checksum, so that no
word can be read from the statistics; a group that one class uses more than another still helps a model to separate the two.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.rows.words import words
from slipway.spec import Text

GROUPS = 64
INVENTED = np.array([f"word{number:02}" for number in range(GROUPS)], dtype=object)


def lengths(texts: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Return how many words each text has."""
    return np.array([len(words(text)) for text in texts], dtype=np.float64)


def groups(texts: pd.Series[Any], fewest: int) -> list[int]:
    """Return how many words of all texts are in each group, 0 for a group that fewer than `fewest` texts have."""
    found = [[crc32(word.encode()) % GROUPS for word in words(text)] for text in texts]
    counts = np.bincount([group for each in found for group in each], minlength=GROUPS)
    texts_with = np.bincount([group for each in found for group in set(each)], minlength=GROUPS)
    return [int(count) for count in np.where(texts_with >= fewest, counts, 0)]


def draw(kind: Text, known: dict[str, Any], rows: int, generator: np.random.Generator) -> list[str]:
    """Return texts of invented words, each with one word at least and no longer than the column allows."""
    levels = np.linspace(0, 1, len(known["words"]))
    counts = np.maximum(1, np.interp(generator.random(rows), levels, known["words"]).round().astype(np.int64))
    shares = np.array(known["groups"], dtype=np.float64) + (0 if any(known["groups"]) else 1)
    return [" ".join(generator.choice(INVENTED, size=count, p=shares / shares.sum()))[: kind.longest].strip() for count in counts]
