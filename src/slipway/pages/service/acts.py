"""What an operator can do with a model: what each act needs to know, and the preview that a person decides by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from slipway.pages.languages import Language
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text

ActName = Literal["release", "approve", "roll_back", "promote", "challenge", "freeze", "resume"]

MOST_OF_A_REASON = 500  # characters
DONE = ("approve", "reject", "freeze", "resume")
END = "end"  # in place of a version: the trial ends
WHOLE = re.compile(r"[0-9]{1,2}")


class VersionFacts(msgspec.Struct, frozen=True):
    """A version as the ledger knows it. `figure` is the model's metric on its test rows; `at`, `who` and `why` are of its latest line."""

    version: int
    figure: float | None
    at: str
    who: str
    why: str
    event: str
    sample: bool

    def words(self, language: Language) -> str:
        """Return what its latest line says."""
        event = self.event.replace(" ", "_")
        return text(language, f"acts.event.{event}")


class AwaitedApproval(msgspec.Struct, frozen=True):
    """A version that waits for a person. `id` and `page` are of the approval's run; `findings` is HTML, in English.

    `trusted` are the further types that the model's file trusts.
    """

    id: str
    version: int
    release: str
    since: str
    until: str
    page: str
    findings: str
    trusted: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True):
    """What an act starts from.

    `before` is the version that a rollback goes back to unless another is named, among the `earlier` ones that were in service;
    `others` are all that are known and not in service. `held` and `frozen` say what holds automations back, "" if nothing does.
    `asks` says that the model's releases always wait for approval. `silent` says why it is not known what waits. `rivals` are the models
    of the catalogue that challenge this one, whose releases are tried beside the version in service.
    """

    model: str
    metric: str
    now: VersionFacts | None
    before: int | None
    earlier: list[VersionFacts]
    others: list[VersionFacts]
    challenger: int | None
    held: str
    frozen: str
    asks: bool
    approvals: list[AwaitedApproval]
    silent: str = ""
    rivals: list[str] = []

    @property
    def sample_allowed(self) -> bool:
        """Whether a release may be on sample rows, which never replace real ones."""
        return self.now is None or self.now.sample

    @property
    def choices(self) -> list[str]:
        """The models whose release can be started: this one and, beside a version in service, those that challenge it."""
        return [self.model, *(self.rivals if self.now else ())]

    def named(self, version: int | None) -> VersionFacts | None:
        """Return a version that is known, or None."""
        return next((one for one in self.others if one.version == version), None)


@dataclass(frozen=True, slots=True)
class Order:
    """What a person orders with the form of an act: the reason, and the parameters of the flow or the question that does it for a model."""

    why: str
    parameters: dict[str, Any]
    model: str


Wrong = Callable[..., None]
Reads = Callable[[Preview, Mapping[str, str], Wrong], dict[str, Any]]  # the parameters that a form orders, beside its reason


def _nothing_more(_: Preview, __: Mapping[str, str], ___: Wrong) -> dict[str, Any]:
    return {}


def _approve(preview: Preview, sent: Mapping[str, str], wrong: Wrong) -> dict[str, Any]:
    decision, approval = sent.get("decision", ""), sent.get("approval", "")
    if decision not in ("approve", "reject"):
        wrong("decision", "decision_missing")
    if approval not in {one.id for one in preview.approvals}:
        wrong("", "approval_gone")
    return {"approval": approval, "approved": decision == "approve"}


def _roll_back(preview: Preview, sent: Mapping[str, str], wrong: Wrong) -> dict[str, Any]:
    return {"to": _version(sent, wrong, [one.version for one in preview.earlier])}


def _promote(preview: Preview, sent: Mapping[str, str], wrong: Wrong) -> dict[str, Any]:
    if sent.get("version") != str(preview.challenger):
        wrong("", "challenger_gone")
    return {"version": preview.challenger} | _asks(sent)


def _challenge(preview: Preview, sent: Mapping[str, str], wrong: Wrong) -> dict[str, Any]:
    if sent.get("version") == END:
        return {"version": None}
    version, share = _version(sent, wrong, [one.version for one in preview.others]), sent.get("share", "").strip() or "0"
    if not WHOLE.fullmatch(share):
        wrong("share", "share_wrong")
        return {}
    return {"version": version, "share": int(share) / 100}


def _release(preview: Preview, sent: Mapping[str, str], wrong: Wrong) -> dict[str, Any]:
    model = _chosen_model(preview, sent)
    if model not in preview.choices:
        wrong("of", "release.of_missing")
    if model != preview.model and sent.get("asks"):
        wrong("asks", "release.asks_nothing")
    chosen = {name: True for name in ("sample", "dry_run") if sent.get(name)}
    if not preview.sample_allowed:
        chosen.pop("sample", None)
    return _asks(sent) | chosen


def _chosen_model(preview: Preview, sent: Mapping[str, str]) -> str:
    return sent.get("of") or preview.model


def _asks(sent: Mapping[str, str]) -> dict[str, Any]:
    return {"approval": True} if sent.get("asks") else {}


def _version(sent: Mapping[str, str], wrong: Wrong, known: list[int]) -> int | None:
    found = next((version for version in known if str(version) == sent.get("version")), None)
    if found is None:
        wrong("version", "version_missing")
    return found


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """One act. `possible` says whether there is something to do; `run` is the flow that does it, "" for what is done at once."""

    name: ActName
    possible: Callable[[Preview], bool]
    reads: Reads = _nothing_more
    run: str = ""
    alarming: bool = False

    @property
    def address(self) -> str:
        """The last part of the address of its page."""
        return self.name.replace("_", "-")

    def words(self, what: str, language: Language) -> str:
        """Return one of the act's own messages, such as its `title`."""
        return text(language, f"acts.{self.name}.{what}")


ACTS: dict[str, OperatorAct] = {
    act.address: act
    for act in (
        OperatorAct("approve", lambda found: bool(found.approvals), _approve),
        OperatorAct("roll_back", lambda found: bool(found.earlier), _roll_back, run="rollback", alarming=True),
        OperatorAct("promote", lambda found: found.challenger is not None, _promote, run="promote"),
        OperatorAct("challenge", lambda found: bool(found.now and (found.others or found.challenger)), _challenge, run="challenge"),
        OperatorAct("freeze", lambda found: found.now is not None and not found.frozen),
        OperatorAct("resume", lambda found: bool(found.held or found.frozen)),
        OperatorAct("release", lambda _: True, _release, run="release"),
    )
}


def act_links(language: Language) -> list[tuple[str, str]]:
    """Return the last part of the address of each act's page, and its title."""
    return [(address, act.words("title", language)) for address, act in ACTS.items()]


def done(language: Language, what: str) -> str:
    """Return what was done, by the query `done` of the address to which an act leads; "" for anything else."""
    return text(language, f"acts.done.{what}") if what in DONE else ""


def read_order(act: OperatorAct, preview: Preview, sent: Mapping[str, str], language: Language) -> tuple[Order, list[FieldError]]:
    """Return what a form orders, and what is wrong with it. The order counts only if nothing is."""
    errors: list[FieldError] = []

    def wrong(field: str, key: str, **values: Any) -> None:
        errors.append(FieldError(field, text(language, f"acts.{key}", **values)))

    parameters = act.reads(preview, sent, wrong)
    why = " ".join(sent.get("why", "").split())
    if not why:
        wrong("why", "why_missing")
    elif len(why) > MOST_OF_A_REASON:
        wrong("why", "why_long", most=MOST_OF_A_REASON, found=len(why))
    return Order(why, parameters, _chosen_model(preview, sent) if act.name == "release" else preview.model), errors
