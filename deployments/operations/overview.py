"""The models in service at a glance, from gateway's pointers, ledger, journal and Prefect.

MLflow is left out: alias and stage only mirror what is in service, and asking for those of every model takes long. The page of one model
compares them, and the watchman puts them back if a person moved them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from deployments.server import approvals
from deployments.server.approvals import Waiting
from slipway.bundle.store import challenger
from slipway.bundle.store.active import POINTER
from slipway.catalogue import listings
from slipway.errors import ApprovalError, BundleError, ReleaseInProgressError
from slipway.lifecycle import holds, mirroring, promotion, record
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.lifecycle.locking import exclusive
from slipway.lifecycle.record import InService
from slipway.monitoring.journal import Journal
from slipway.monitoring.latest import latest_latencies, within
from slipway.monitoring.published import Latest, UnreadableWatchError, latest_of
from slipway.pages.service.shapes import MeasuredFigure, ModelAtAGlance, ServiceOverview, TriedVersion, WaitingVersion
from slipway.settings import Settings

PREFECT_WITHIN = 5.0  # seconds for each of its answers


@dataclass(frozen=True, slots=True)
class Sources:
    """What the questions about a service are answered from, read once for all models.

    `entries` are the ledger's by model, oldest first; `unfinished` are the models whose promotion was announced and has not ended;
    `awaited` are releases that wait for approval; `requests` are the latest by model, as `latest_latencies` returns them; `silent` names
    what did not answer.
    """

    settings: Settings
    journal: Journal
    entries: Mapping[str, Sequence[LedgerEntry]]
    unfinished: Collection[str]
    awaited: Sequence[Waiting]
    requests: Mapping[str, Sequence[tuple[float, float]]]
    silent: Sequence[str] = ()


def sources(settings: Settings, model: str | None = None) -> Sources:
    """Read what is needed for one model, or for all."""
    ledger, entries, silent = Ledger(settings.ledger), defaultdict[str, list[LedgerEntry]](list), []
    for entry in ledger.history(model):
        entries[entry.model].append(entry)
    try:
        awaited = approvals.waiting(settings, model, PREFECT_WITHIN)
    except ApprovalError:
        awaited, silent = [], ["Prefect"]
    requests = latest_latencies(settings.audit_url or settings.home, model)
    return Sources(settings, Journal(settings.ledger), dict(entries), ledger.all_unfinished(), awaited, requests, silent)


def overview(settings: Settings) -> Any:
    """Return a `ServiceOverview` of every model that has a service, or had one in this home. Nothing is changed."""
    found = sources(settings)
    known = {*listings().services(), *found.entries, *(path.parent.name for path in settings.bundles.glob(f"*/{POINTER}"))}
    return msgspec.to_builtins(ServiceOverview([at_a_glance(model, found) for model in sorted(known)], list(found.silent)))


def at_a_glance(model: str, found: Sources) -> ModelAtAGlance:
    """Return a model's service in short."""
    settings, entries, requests = found.settings, found.entries.get(model, ()), found.requests.get(model, ())
    now = record.of_entries(model, entries, settings)
    return ModelAtAGlance(
        model=model,
        version=now.version if now else None,
        since=now.entry.at if now and now.entry else "",
        sample=now.sample if now else False,
        figure=_own_figure(model, now.metrics) if now else None,
        watch=_last_watch(model, settings),
        p95_ms=within(sorted(latency for _, latency in requests), 0.95) if requests else None,
        frozen=found.journal.frozen(model),
        held=holds.why_held(entries, now if now and now.entry else None),
        disagreements=_disagreements(model, now, found),
        awaited=[WaitingVersion(one.version, one.until) for one in found.awaited if one.model == model],
        challenger=_challenger(model, settings),
    )


def _disagreements(model: str, now: InService | None, found: Sources) -> list[str]:
    """Return in words where gateway and ledger disagree, and which promotion was cut short.

    The model's lock is tried only if a promotion was announced: a page that took it each time might hold up a release.
    """
    if model in found.unfinished:
        try:
            with exclusive(model, found.settings):
                if cut_short := promotion.cut_short(model, found.settings):
                    return [cut_short]
        except ReleaseInProgressError:
            return []  # it is under way
    return mirroring.without_mlflow(now) if now else []


def _own_figure(model: str, metrics: dict[str, float]) -> MeasuredFigure | None:
    """Return the figure by which the model is tuned and judged."""
    listing = listings().get(model)
    return MeasuredFigure(listing.metric, metrics[listing.metric]) if listing and listing.metric in metrics else None


def _last_watch(model: str, settings: Settings) -> Latest | None:
    try:
        return latest_of(settings.home, model)
    except UnreadableWatchError:
        return None  # the gateway logs it, and has a gauge for it


def _challenger(model: str, settings: Settings) -> TriedVersion | None:
    contract = record.challenger_of(model, settings)
    if contract is None or contract.version is None:
        return None
    try:
        challenge = challenger.challenged(settings.bundles, model)
    except BundleError:
        return None
    return TriedVersion(contract.version, challenge.share if challenge else 0.0, _own_figure(model, contract.metrics))
