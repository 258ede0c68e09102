"""What a person sees before an act: the versions that it is about, what waits for approval, what holds automations back."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt

from deployments.server import approvals
from slipway.catalogue import listings
from slipway.errors import ApprovalError
from slipway.lifecycle import holds, record
from slipway.lifecycle.ledger import IN_SERVICE, Ledger, LedgerEntry
from slipway.monitoring.journal import Journal
from slipway.pages.service.acts import AwaitedApproval, Preview, VersionFacts
from slipway.settings import Settings

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_inline", "html_block"])


def preview(settings: Settings, model: str) -> Preview:
    """Return what every act of a model starts from. Prefect is asked for approvals only; without its answer, the rest is there."""
    listing = listings().served(model)
    entries = Ledger(settings.ledger).history(model)
    now, trial = record.of_entries(model, entries, settings), record.challenger_of(model, settings)
    latest = {(entry.version, entry.run_id): entry for entry in entries if not (now and record.same(entry, now))}
    was = {(entry.version, entry.run_id) for entry in entries if entry.event in IN_SERVICE}
    before = record.before(entries, now) if now else None
    waiting, silent = _approvals(settings, model)
    return Preview(
        model=model,
        metric=listing.metric,
        now=_now(now, listing.metric),
        before=before.version if before else None,
        earlier=_newest_first([entry for key, entry in latest.items() if key in was], listing.metric),
        others=_newest_first([*latest.values()], listing.metric),
        challenger=trial.version if trial else None,
        held=holds.why_held(entries, now),
        frozen=Journal(settings.ledger).frozen(model),
        asks=listing.approval,
        approvals=waiting,
        silent=silent,
        rivals=sorted(name for name, one in listings().items() if one.challenges == model),
    )


def _now(now: record.InService | None, metric: str) -> VersionFacts | None:
    if now is None:
        return None
    entry = now.entry
    at, who, why = (entry.at, entry.who, entry.why) if entry else ("", "", "")
    return VersionFacts(now.version, now.metrics.get(metric), at, who, why, entry.event if entry else "", now.sample)


def _newest_first(entries: Sequence[LedgerEntry], metric: str) -> list[VersionFacts]:
    return [
        VersionFacts(one.version, one.metrics.get(metric), one.at, one.who, one.why, one.event, one.sample)
        for one in sorted(entries, key=lambda one: -one.version)
    ]


def _approvals(settings: Settings, model: str) -> tuple[list[AwaitedApproval], str]:
    try:
        found = approvals.waiting(settings, model)
        return [
            AwaitedApproval(
                id=one.id,
                version=one.version,
                release=one.release,
                since=one.since,
                until=one.until,
                page=one.page,
                findings=MARKDOWN.render(approvals.findings(settings, one)),
                trusted=one.trusted,
            )
            for one in found
        ], ""
    except ApprovalError as error:
        return [], str(error)
