"""The question to a person about a candidate, and when their approval counts."""

from __future__ import annotations

import pytest

from slipway.gate import Champion, judge
from slipway.lifecycle.approval import outdated, question
from slipway.records import Candidate, Verdict
from slipway.spec import ModelSpec

CARD = "# Model card: heart-failure\n\nWhat it is for."


def about(champion: int | None) -> Verdict:
    return Verdict(model="heart-failure", champion=champion, champion_metrics={}, rules=[])


def test_the_question_shows_verdict_figures_beside_the_champions_and_the_card(heart: ModelSpec, candidate: Candidate) -> None:
    verdict = judge(heart, candidate, Champion(1, {"accuracy": 0.85}, sample=False))

    text = question(heart, candidate, verdict, CARD, "http://127.0.0.1:5000/#/runs/0123")

    assert text.startswith("# Put version 2 of heart-failure into service, in the place of version 1?\n")
    assert "Version 1 answers until you approve." in text
    assert "[MLflow run](http://127.0.0.1:5000/#/runs/0123)" in text
    assert "- ✓ **floor**: accuracy 0.8696 reaches the floor 0.8600" in text  # 160 / 184 = 0.86957
    assert "| accuracy | 0.8696 | 0.8500 |" in text
    assert text.endswith(CARD)
    assert "sample" not in text


def test_the_question_about_a_first_version_names_no_champion(heart: ModelSpec, candidate: Candidate) -> None:
    sampled = candidate.model_copy(update={"sample": True})

    text = question(heart, sampled, judge(heart, sampled, None), CARD, None)

    assert text.startswith("# Put version 2 of heart-failure into service, as the first version?\n")
    assert "answers until" not in text
    assert "**Trained on sample rows: not for use on patients or customers.**" in text
    assert "MLflow run" not in text


@pytest.mark.parametrize("champion", [None, 1])
def test_a_verdict_holds_while_its_champion_is_in_service(candidate: Candidate, champion: int | None) -> None:
    assert outdated(candidate, about(champion), champion) is None


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (3, 1, "version 2 was compared with version 3 in service, and now version 1 is."),
        (None, 1, "version 2 was compared with no version in service, and now version 1 is."),
        (1, None, "version 2 was compared with version 1 in service, and now no version is."),
    ],
)
def test_a_verdict_about_another_champion_is_outdated(candidate: Candidate, then: int | None, now: int | None, words: str) -> None:
    assert outdated(candidate, about(then), now) == f"{words} Release heart-failure again, so that it is compared with that."
