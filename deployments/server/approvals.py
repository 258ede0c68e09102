"""Releases that wait for a person, as Prefect's server lists them, and the person's decision for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from deployments.server.prefect_api import SECONDS, PrefectServer, api_of, page_of
from slipway.errors import ApprovalError, PlatformError
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.report import verdict_and_figures
from slipway.pages.runs import ENDED
from slipway.records import Admission, Candidate, Decision, Verdict
from slipway.retries import wait_until
from slipway.settings import Settings

TAKEN_WITHIN = 60.0  # seconds until the release must have noticed the answer; it looks every 2
LOOK = 0.2


@dataclass(frozen=True)
class Waiting:
    """One release that waits. `release` is its run's name; `id`, `page` and `form` are those of the paused run.

    `form`: whether the run page has a form for the decision. `trusted` are the further types that the model's file trusts.
    """

    id: str
    model: str
    version: int
    release: str
    since: str
    until: str
    page: str
    form: bool = True
    trusted: tuple[str, ...] = ()


def waiting(settings: Settings, model: str | None = None, seconds: float = SECONDS) -> list[Waiting]:
    """Return the releases that wait for approval, of one model or of all, oldest first. Those whose release has ended are left out.

    Args:
        seconds: How long each answer of Prefect may take.
    Raises:
        ApprovalError: Prefect does not answer.
    """
    asked = {"flows": {"name": {"any_": ["approval"]}}, "flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}, "sort": "START_TIME_ASC"}
    paused = [run for run in _post(settings, "/flow_runs/filter", asked, seconds) if model in (None, run["parameters"]["name"])]
    found = [(run, _release(settings, run, seconds)) for run in paused]
    return [_waiting(settings, run, release) for run, release in found if release and release["state_type"] not in ENDED]


def findings(settings: Settings, asked: Waiting) -> str:
    """Return what the gates found about the version that waits and its rows, and its figures beside the champion's, as Markdown.

    Raises:
        ApprovalError: Prefect does not answer.
    """
    given = _ask(settings, "GET", f"/flow_runs/{asked.id}")["parameters"]
    candidate, verdict = Candidate.model_validate(given["candidate"]), Verdict.model_validate(given["verdict"])
    admission = Admission.model_validate(given["admission"]) if given.get("admission") else None  # an earlier Slipway asked without
    return "\n".join(verdict_and_figures(candidate, verdict, admission))


def answer(settings: Settings, asked: Waiting, *, approved: bool, who: str, why: str) -> str:
    """Hand a decision to the release that waits, and return the state in which its approval ended, once it has taken it.

    With a form, it goes the form's way, so that a terminal needs no more than Prefect's API; without one, through the ledger.

    Raises:
        ApprovalError: Prefect refused the answer, or the release did not take it: its process is gone.
    """
    if not asked.form:
        return decide(settings, asked, Decision(approved=approved, who=who, why=why))
    given = {"decision": "approve" if approved else "reject", "reason": why, "name": who}
    reply = _post(settings, f"/flow_runs/{asked.id}/resume", {"run_input": given})
    if reply["status"] != "ACCEPT":
        reason = (reply.get("details") or {}).get("reason")
        raise ApprovalError(f"{asked.model}: Prefect did not take the answer for {asked.release}: {reason} See {asked.page}")
    return _taken(settings, asked)


def decide(settings: Settings, asked: Waiting, decision: Decision) -> str:
    """Hand a decision to the release through the ledger, where nobody but Slipway writes names. Return and raise as `answer` does."""
    counts = Ledger(settings.ledger).decide(asked.id, decision)
    if counts != decision:
        done = "approved" if counts.approved else "rejected"
        raise ApprovalError(f"{asked.model}: version {asked.version} was {done} already, by {counts.who}: {counts.why}")
    return _taken(settings, asked)


def _taken(settings: Settings, asked: Waiting) -> str:
    if state := wait_until(partial(_ended_as, settings, asked), every=LOOK, within=TAKEN_WITHIN):
        return state
    raise ApprovalError(
        f"{asked.model}: the answer was given, but {asked.release} did not take it within {TAKEN_WITHIN:.0f} s, so its process is gone. "
        f"Nothing was changed; release again. See {asked.page}"
    )


def _ended_as(settings: Settings, asked: Waiting) -> str:
    """Return the state in which the approval ended; "" until then."""
    run = _ask(settings, "GET", f"/flow_runs/{asked.id}")
    return str(run["state_name"]) if run["state_type"] in ENDED else ""


def _release(settings: Settings, run: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    """Return the run of the release that asks."""
    found = _post(settings, "/flow_runs/filter", {"task_runs": {"id": {"any_": [run["parent_task_run_id"]]}}}, seconds)
    return found[0] if found else None


def _waiting(settings: Settings, run: dict[str, Any], release: dict[str, Any]) -> Waiting:
    since = datetime.fromisoformat(run["state"]["timestamp"])
    return Waiting(
        id=run["id"],
        model=run["parameters"]["name"],
        version=run["parameters"]["candidate"]["version"],
        release=release["name"],
        since=since.isoformat(timespec="seconds"),
        until=(since + timedelta(hours=run["parameters"]["hours"])).isoformat(timespec="seconds"),
        page=page_of(settings, run["id"]),
        form=bool(run["state"]["state_details"].get("run_input_keyset")),
        trusted=tuple(run["parameters"]["candidate"].get("trusted", ())),
    )


def _post(settings: Settings, path: str, body: dict[str, Any], seconds: float = SECONDS) -> Any:
    return _ask(settings, "POST", path, body, seconds)


def _ask(settings: Settings, method: str, path: str, body: dict[str, Any] | None = None, seconds: float = SECONDS) -> Any:
    try:
        with PrefectServer(api_of(settings), seconds) as server:
            return server.call(method, path, body)
    except PlatformError as error:
        raise ApprovalError(f"no approval can be read or given: {error} See `slipway status`; PREFECT_API_URL names another.") from error
