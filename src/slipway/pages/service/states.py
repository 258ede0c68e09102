"""Whether a model's service is well, and if not, what is the matter: a word, a colour and the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from slipway.pages.languages import Language
from slipway.pages.prediction.words import Phrase
from slipway.pages.service.shapes import ModelAtAGlance, WaitingVersion
from slipway.pages.service.words import short_moment
from slipway.pages.texts import text

Condition = Literal["alarm", "disagree", "approval", "frozen", "held", "sample", "well", "none"]
ORDER: tuple[Condition, ...] = get_args(Condition)  # what a person must look at first
COLOURS: dict[Condition, str] = {
    "alarm": "wrong", "disagree": "wrong", "approval": "warn", "frozen": "warn", "held": "warn", "sample": "warn", "well": "good",
    "none": "quiet",
}  # fmt: skip
CALM: frozenset[Condition] = frozenset({"sample", "well", "none"})  # nobody is waited for


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the gateway itself knows of a model: the version that answers, what failed, and the answered requests since it was started."""

    version: int | None = None
    error: str = ""
    requests: int = 0


@dataclass(frozen=True, slots=True)
class ShownState:
    """A condition in words, its colour (a class of the style sheet), and the reasons."""

    condition: Condition
    words: str
    colour: str
    reasons: tuple[Phrase, ...] = ()


def states(glance: ModelAtAGlance, traffic: Traffic, language: Language) -> list[ShownState]:
    """Return what is the matter with a model, the most urgent first; that it is well, or not in service, if nothing is."""
    found = sorted(_conditions(glance, traffic, language), key=lambda one: ORDER.index(one[0]))
    if all(condition == "sample" for condition, _ in found):
        found.append(("well" if glance.version is not None else "none", ()))
    return [
        ShownState(condition, text(language, f"service.state.{condition}"), COLOURS[condition], reasons) for condition, reasons in found
    ]


def urgency(found: Sequence[ShownState]) -> int:
    """Return a number by which models are sorted: those that need a person come first, those that are not in service last."""
    return min(ORDER.index(state.condition) for state in found if state.condition != "sample")


def needs_a_person(found: Sequence[ShownState]) -> bool:
    return any(state.condition not in CALM for state in found)


def english(words: str, language: Language) -> Phrase:
    """Return words of a program, which are in English."""
    return Phrase(words, "" if language == "en" else "en")


def _conditions(glance: ModelAtAGlance, traffic: Traffic, language: Language) -> Iterator[tuple[Condition, tuple[Phrase, ...]]]:
    if (watch := glance.own_watch) and watch.alarm:
        yield "alarm", (Phrase(text(language, f"service.alarm.{watch.alarm}")),)
    if disagreements := (*glance.disagreements, *_of_gateway(glance, traffic)):
        yield "disagree", tuple(english(one, language) for one in disagreements)
    if glance.awaited:
        yield "approval", tuple(_awaited(one, language) for one in glance.awaited)
    if glance.frozen:
        yield "frozen", (Phrase(glance.frozen),)
    if glance.held:
        yield "held", (english(glance.held, language),)
    if glance.sample:
        yield "sample", ()


def _awaited(one: WaitingVersion, language: Language) -> Phrase:
    return Phrase(text(language, "service.awaited", version=one.version, until=short_moment(language, one.until)))


def _of_gateway(glance: ModelAtAGlance, traffic: Traffic) -> Iterator[str]:
    """Yield where what answers is not what should; while a version is being loaded, nothing has failed yet."""
    if traffic.error:
        yield traffic.error
    elif glance.version is not None and traffic.version is not None and traffic.version != glance.version:
        yield f"the gateway answers with version {traffic.version}, and version {glance.version} should be in service"
