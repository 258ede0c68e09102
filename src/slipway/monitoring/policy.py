"""Whether the windows of a version raise an alarm. Windows in, one judgement out: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from slipway.monitoring.falls import slow_fall
from slipway.monitoring.findings import Alarm, AlarmKind, State, Window, WindowKind
from slipway.spec.watch import Watch

KINDS: tuple[AlarmKind, ...] = get_args(AlarmKind)  # the weightiest last


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether there is an alarm, and the `reason` in words. `state` and `kind` as in `WatchReport`."""

    state: State
    reason: str
    alarm: Alarm | None = None
    kind: AlarmKind | None = None


@dataclass(frozen=True, slots=True)
class _Sign:
    """What makes a window bad for a kind of alarm, and the words for it."""

    of: WindowKind
    shows: Callable[[Window], bool]
    words: str
    of_errors: str = ""

    def said(self, windows: Sequence[Window]) -> str:
        """Return the words; for windows whose metric is an error, those of errors."""
        errors = any(window.performance and window.performance.lower_is_better for window in windows)
        return self.of_errors if errors and self.of_errors else self.words


_SIGNS: dict[AlarmKind, _Sign] = {
    "outcomes": _Sign(
        "outcomes", lambda w: bool(w.performance and w.performance.below_floor), "fell below the floor", "rose above the floor"
    ),
    "concept": _Sign("outcomes", lambda w: bool(w.performance and w.performance.worse), "were less right than at registration"),
    "drift": _Sign("served", lambda w: bool(w.drift and w.drift.drifted), "drifted"),
}


def judge(windows: Sequence[Window], plan: Watch, *, now: datetime, last_alarm: Alarm | None = None, frozen: str = "") -> Judgement:
    """Decide by the windows of the version in service whether to raise an alarm.

    An alarm takes `plan.needed` bad windows among the last `plan.of` that were judged, outside of seasons, or a `slow_fall` of the last
    `plan.of` together, which is an alarm of the kind "concept". It is held back while the switch is on, while an alarm of the same weight
    or more cools down, and when an earlier alarm reported all of the bad windows.

    Args:
        windows: Windows of one version, both kinds, oldest first.
        last_alarm: The model's latest alarm, of any version.
        frozen: Why alarms are switched off; "" if they are not.
    """
    counted = [window for window in windows if window.judged and not window.season]
    if not counted:
        return Judgement("unjudged", "no window outside of seasons has enough rows to be judged yet")
    suspect = ""
    for kind, sign in _SIGNS.items():
        last = [window for window in counted if window.kind == sign.of][-plan.of :]
        bad = [window for window in last if sign.shows(window)]
        if len(bad) >= plan.needed:
            found = f"{len(bad)} of the last {len(last)} windows {sign.said(bad)}; the latest: {bad[-1].reason}"
            return _raised(kind, bad, found, plan, now, last_alarm, frozen)
        if kind == "concept" and (slow := slow_fall(counted, plan)):
            return _raised(kind, slow.windows, slow.words, plan, now, last_alarm, frozen)
        if bad and not suspect:
            suspect = f"{len(bad)} of the last {len(last)} windows {sign.said(bad)}; an alarm takes {plan.needed} of {plan.of}"
    return Judgement("suspect", suspect) if suspect else Judgement("steady", f"none of the last windows is bad ({len(counted)} judged)")


def _raised(
    kind: AlarmKind, bad: Sequence[Window], found: str, plan: Watch, now: datetime, last_alarm: Alarm | None, frozen: str
) -> Judgement:
    latest = bad[-1]
    if frozen:
        return Judgement("held", f"alarms are switched off ({frozen}). {found}", kind=kind)
    if last_alarm and KINDS.index(kind) <= KINDS.index(last_alarm.kind):
        over = last_alarm.at + timedelta(days=plan.cooldown_days)
        if now < over:
            return Judgement(
                "held", f"an alarm was raised at {_short(last_alarm.at)}; the next one can be raised at {_short(over)}. {found}", kind=kind
            )
        if last_alarm.version == latest.version and latest.number <= max(last_alarm.windows, default=0):
            return Judgement("held", f"the alarm of {_short(last_alarm.at)} reported all of these windows. {found}", kind=kind)
    alarm = Alarm(model=latest.model, version=latest.version, kind=kind, windows=[window.number for window in bad], reason=found, at=now)
    return Judgement("alarm", found, alarm, kind)


def standing(windows: Sequence[Window], plan: Watch) -> str:
    """Return in words that what raises an alarm is still so: the latest judged window of a kind is bad, or there is a slow fall; else "".

    Args:
        windows: As for `judge`.
    """
    for sign in _SIGNS.values():
        last = [window for window in windows if window.kind == sign.of and window.judged and not window.season][-1:]
        if last and sign.shows(last[0]):
            return f"the latest window {sign.said(last)}: {last[0].reason}"
    slow = slow_fall(windows, plan)
    return slow.words if slow else ""


def _short(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
