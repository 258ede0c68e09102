"""The words that the watch and the statistics count are those that the model counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer

from slipway.rows.words import words

AS_THE_MODEL = HashingVectorizer(strip_accents="unicode").build_analyzer()


def test_words_are_lower_case_and_without_accents():
    assert words("Dolor torácico, 2 días; año 2025: SIN fiebre_alta") == ["dolor", "toracico", "dias", "ano", "2025", "sin", "fiebre_alta"]
    assert words("") == words(" - a ") == []


@given(st.text(max_size=60))
def test_they_are_those_of_scikit_learns_vectorizers(text: str):
    assert words(text) == AS_THE_MODEL(text)
