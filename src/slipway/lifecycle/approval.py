"""A person's decision on a candidate that passed the gate: the question, and whether the answer counts."""

from __future__ import annotations

import logging

from slipway.lifecycle import promotion, record
from slipway.lifecycle.ledger import DecisionEvent, Ledger
from slipway.lifecycle.report import SAMPLE_WARNING, verdict_and_figures
from slipway.records import Admission, Candidate, Decision, Origin, Verdict
from slipway.settings import Settings
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


def question(
    spec: ModelSpec, candidate: Candidate, verdict: Verdict, card: str, run_url: str | None, admission: Admission | None = None
) -> str:
    """Return, as Markdown, the question and the facts to decide it by: verdict, figures beside the champion's, the model card.

    Args:
        card: The model card, as Markdown.
        run_url: The page of the MLflow run, with pictures and evidence; None if MLflow has no pages.
        admission: What the data gate found; None if the rows were not judged.
    """
    place = f"in the place of version {verdict.champion}" if verdict.champion else "as the first version"
    lines = [
        f"# Put version {candidate.version} of {spec.name} into service, {place}?\n",
        SAMPLE_WARNING if candidate.sample else "",
        f"It passed the gate. {'Version ' + str(verdict.champion) + ' answers until you approve.' if verdict.champion else ''}"
        f"{f' Pictures and evidence: [MLflow run]({run_url}).' if run_url else ''}\n",
        *verdict_and_figures(candidate, verdict, admission),
        "",
        card,
    ]
    return "\n".join(lines)


def settle(
    candidate: Candidate, verdict: Verdict, decision: Decision, settings: Settings, run_url: str | None, origin: Origin | None = None
) -> Decision:
    """Write the decision into the ledger, and return the one that counts. Service and registry are left alone.

    An approval counts only while the champion is the one that the candidate was compared with: the person saw no other figures.
    The caller holds the model's lock.
    """
    event: DecisionEvent = "approved" if decision.approved else "rejected"
    origin = origin or Origin()
    _write(event, candidate, decision.why, settings, run_url, origin.model_copy(update={"who": decision.who}))
    if not decision.approved:
        return decision
    entries = Ledger(settings.ledger).history(candidate.model)
    now = record.of_entries(candidate.model, entries, settings)
    if (objection := outdated(candidate, verdict, now.version if now else None)) is None:
        return decision
    _write("rejected", candidate, objection, settings, run_url, origin.model_copy(update={"who": "slipway"}))
    logger.warning("%s: the approval does not count: %s", candidate.model, objection)
    return Decision(approved=False, who="slipway", why=objection)


def _write(event: DecisionEvent, candidate: Candidate, why: str, settings: Settings, run_url: str | None, origin: Origin) -> None:
    """Enter it into the ledger once: if MLflow stops answering half-way, the run settles again."""
    entries = Ledger(settings.ledger).history(candidate.model)
    if any(
        (one.event, one.version, one.who, one.why, one.run_url) == (event, candidate.version, origin.who, why, run_url) for one in entries
    ):
        return
    promotion.note(event, candidate, settings, why, run_url, origin)
    logger.info("%s: version %s was %s by %s: %s", candidate.model, candidate.version, event, origin.who, why)


def outdated(candidate: Candidate, verdict: Verdict, champion: int | None) -> str | None:
    """Return why a verdict is out of date; None while `champion` is the one of the verdict."""
    if champion == verdict.champion:
        return None
    now, then = (f"version {version}" if version else "no version" for version in (champion, verdict.champion))
    return (
        f"version {candidate.version} was compared with {then} in service, and now {now} is. "
        f"Release {candidate.model} again, so that it is compared with that."
    )
