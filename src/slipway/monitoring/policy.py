"""What several windows of a version amount to. Windows in, one verdict out; nothing is read, written or told here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from slipway.monitoring.findings import Alarm, AlarmKind, State, Window, WindowKind
from slipway.spec.watch import Watch

KINDS: tuple[AlarmKind, ...] = get_args(AlarmKind)  # the weightiest last


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done: `alarm` is to be told, or there is none; `reason` says why, or why not, in words.

    `state` and `kind` as in `WatchReport`.
    """

    state: State
    reason: str
    alarm: Alarm | None = None
    kind: AlarmKind | None = None


@dataclass(frozen=True, slots=True)
class _Sign:
    """What a kind of alarm looks for in windows, and how it is said."""

    of: WindowKind
    shows: Callable[[Window], bool]
    words: str


_SIGNS: dict[AlarmKind, _Sign] = {
    "outcomes": _Sign("outcomes", lambda w: bool(w.performance and w.performance.below_floor), "fell below the floor"),
    "concept": _Sign("outcomes", lambda w: bool(w.performance and w.performance.worse), "were less right than at registration"),
    "drift": _Sign("served", lambda w: bool(w.drift and w.drift.drifted), "drifted"),
}


def judge(windows: Sequence[Window], plan: Watch, *, now: datetime, last_alarm: Alarm | None = None, frozen: str = "") -> Verdict:
    """Decide by the windows of the version in service whether to raise an alarm.

    An alarm takes `plan.needed` bad windows among the last `plan.of` that were judged, outside of seasons. None is raised while the
    switch is on, while an alarm of the same weight or more cools down, or when every bad window was part of an alarm already.

    Args:
        windows: Of one version, both kinds, oldest first.
        last_alarm: The model's latest alarm, of whatever version.
        frozen: Why alarms are switched off; "" when they are not.
    """
    counted = [window for window in windows if window.judged and not window.season]
    if not counted:
        return Verdict("unjudged", "no window has rows enough to judge by yet, outside of seasons")
    suspect = ""
    for kind, sign in _SIGNS.items():
        last = [window for window in counted if window.kind == sign.of][-plan.of :]
        bad = [window for window in last if sign.shows(window)]
        if len(bad) >= plan.needed:
            return _raised(kind, bad, len(last), plan, now, last_alarm, frozen)
        if bad and not suspect:
            suspect = f"{len(bad)} of the last {len(last)} windows {sign.words}; an alarm takes {plan.needed} of {plan.of}"
    return Verdict("suspect", suspect) if suspect else Verdict("steady", f"none of the last windows is bad ({len(counted)} judged)")


def _raised(
    kind: AlarmKind, bad: Sequence[Window], looked_at: int, plan: Watch, now: datetime, last_alarm: Alarm | None, frozen: str
) -> Verdict:
    latest = bad[-1]
    found = f"{len(bad)} of the last {looked_at} windows {_SIGNS[kind].words}; the latest: {latest.reason}"
    if frozen:
        return Verdict("held", f"alarms are switched off ({frozen}). {found}", kind=kind)
    if last_alarm and KINDS.index(kind) <= KINDS.index(last_alarm.kind):
        over = last_alarm.at + timedelta(days=plan.cooldown_days)
        if now < over:
            return Verdict(
                "held", f"an alarm was raised at {_short(last_alarm.at)}, and there is none before {_short(over)}. {found}", kind=kind
            )
        if last_alarm.version == latest.version and latest.number <= max(last_alarm.windows, default=0):
            return Verdict("held", f"the alarm of {_short(last_alarm.at)} told all of it already. {found}", kind=kind)
    alarm = Alarm(model=latest.model, version=latest.version, kind=kind, windows=[window.number for window in bad], reason=found, at=now)
    return Verdict("alarm", found, alarm, kind)


def _short(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
