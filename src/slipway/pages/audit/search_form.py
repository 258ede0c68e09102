"""The form that searches the audit log: what was typed, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from slipway.access.callers import Kind as CallerKind
from slipway.pages.languages import Language
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text
from slipway.rows.claims import ID
from slipway.rows.subjects import LONGEST_SUBJECT, is_subject

Kind = Literal["answers", "requests", "refusals", "acts"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES = ("kind", "subject", "prediction", "caller", "model", "since_day", "since_time", "until_day", "until_time")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SearchForm:
    """A search as it was typed, by the name of the field. Blanks around a value are no part of it."""

    sent: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.sent.get(name, "").strip()

    @property
    def kind(self) -> Kind:
        return next((kind for kind in KINDS if kind == self.get("kind")), "answers")

    @property
    def fields(self) -> dict[str, str]:
        """What was typed, for the hidden fields of the next form."""
        return {name: value for name in NAMES if (value := self.get(name))}

    @property
    def callers(self) -> set[str] | None:
        """The callers that a name means: `anna` is the user, the key and the person of a provider of that name."""
        name = self.get("caller")
        if not name:
            return None
        return {name} if ":" in name else {name, *(f"{kind}:{name}" for kind in get_args(CallerKind))}

    @property
    def since(self) -> datetime | None:
        """The first moment. Raises ValueError: it is none."""
        return _moment(self.get("since_day"), self.get("since_time"))

    @property
    def until(self) -> datetime | None:
        """The end of the last minute, or of the last day. Raises ValueError: it is none."""
        last = _moment(self.get("until_day"), self.get("until_time"))
        return last and last + (MINUTE if self.get("until_time") else DAY)

    def errors(self, language: Language) -> list[FieldError]:
        """Return what is wrong with it, in the order of the fields."""
        found = []
        if self.get("subject") and not is_subject(self.get("subject")):
            found.append(FieldError("subject", text(language, "predictions.wrong_subject", longest=LONGEST_SUBJECT)))
        if self.get("subject") and self.kind != "answers":
            found.append(FieldError("subject", text(language, "search.subject_of_answers")))
        if self.get("prediction") and not ID.fullmatch(self.get("prediction")):
            found.append(FieldError("prediction", text(language, "search.wrong_prediction")))
        found += [
            FieldError(f"{name}_day", text(language, f"search.wrong_{name}")) for name in ("since", "until") if not self._is_moment(name)
        ]
        if not found and self.since and self.until and self.since >= self.until:
            found.append(FieldError("until_day", text(language, "search.nothing_between")))
        return found

    def _is_moment(self, name: Literal["since", "until"]) -> bool:
        try:
            return bool(self.since if name == "since" else self.until) or not self.get(f"{name}_time")
        except ValueError:
            return False


def _moment(day: str, time: str) -> datetime | None:
    """Return the beginning of a day or of a minute, in the time zone of the machine; None if no day was typed."""
    if not day:
        return None
    try:
        found = datetime.strptime(f"{day} {time or '00:00'}", "%Y-%m-%d %H:%M")
        return found.astimezone()
    except OverflowError:
        raise ValueError("the day is out of range") from None
