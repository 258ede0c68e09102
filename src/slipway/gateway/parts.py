"""The parts of one worker: models, callers, log, limits, counts, health, certificate. Made once, and passed to every handler."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from slipway.access.gatekeeper import Gatekeeper
from slipway.audit import AuditLog, OutcomeBook
from slipway.gateway.configuration import Configuration
from slipway.gateway.health import Check, Health, writable
from slipway.gateway.limits.admission import gatekeeper_of
from slipway.gateway.limits.limiting import Limits
from slipway.gateway.limits.places import Places
from slipway.gateway.metrics.counts import Counts, Metrics
from slipway.gateway.metrics.exposition import CONTENT_TYPE, text
from slipway.gateway.network.connections import Connections
from slipway.gateway.network.headers import security
from slipway.gateway.network.tls import ServerCertificate
from slipway.gateway.openapi.documents import Documents
from slipway.gateway.replies import Header, Reply
from slipway.gateway.versions.batching import Batches
from slipway.gateway.versions.fleet import Fleet
from slipway.gateway.versions.shadowing import Shadows
from slipway.gateway.workers.state import FOLDER, WorkerStates
from slipway.monitoring.published import Watches

SOON = 14 * 86_400


@dataclass(frozen=True)
class Parts:
    """The objects that handlers work with; each one's methods say how."""

    configuration: Configuration
    fleet: Fleet
    gatekeeper: Gatekeeper
    log: AuditLog
    limits: Limits
    places: Places
    metrics: Metrics
    shadows: Shadows
    book: OutcomeBook
    watches: Watches
    health: Health
    workers: WorkerStates
    connections: Connections
    certificate: ServerCertificate | None
    security: tuple[Header, ...]
    documents: Documents = field(default_factory=Documents)
    batches: Batches = field(default_factory=Batches)

    async def exposition(self) -> Reply:
        """Return what `/metrics` answers, for all workers; put together in a thread."""
        counts = self.workers.counts()
        return Reply(200, await asyncio.to_thread(lambda: text(counts, dict(self.watches.found()))), CONTENT_TYPE)

    async def follow(self) -> None:
        """Do the work beside answering, until cancelled: slow connections, a new certificate, the state for the other workers, shadows."""
        tasks = [self.connections.watch(), self.workers.follow(), self.shadows.follow()]
        await asyncio.gather(*tasks, *([self.certificate.follow()] if self.certificate else []))


def make(configuration: Configuration, fleet: Fleet, log: AuditLog, number: int = 0) -> Parts:
    """Return the parts of worker `number`.

    Raises:
        PlatformError: The certificate cannot be used.
        ProviderError: The settings of the identity provider cannot be right.
    """
    home, tls = Path(configuration.home), _certificate_of(configuration)
    connections = Connections(
        most=configuration.connections,
        most_per_address=configuration.connections_per_address,
        header_seconds=configuration.header_seconds,
        body_seconds=configuration.body_seconds,
    )
    limits = Limits(configuration.rate_per_caller, configuration.rate_per_address, configuration.limits_storage)
    places, metrics = Places(configuration.concurrency, configuration.queue), Metrics()
    health = Health(fleet, _blocking(configuration, log), [partial(_expiring, tls), lambda: limits.error])

    def counts() -> Counts:
        found = metrics.counts()
        found.versions = _versions(fleet)
        found.gauges |= _gauges(places, connections, limits, tls)
        found.gauges |= {"ready": float(not health.reasons()[0]), "audit_queue": log.queued, "audit_refusals_lost": log.dropped}
        return found

    return Parts(
        configuration=configuration,
        fleet=fleet,
        gatekeeper=gatekeeper_of(configuration),
        log=log,
        limits=limits,
        places=places,
        metrics=metrics,
        shadows=Shadows(log, metrics),
        book=OutcomeBook(home, configuration.audit_url),
        watches=Watches(home),
        health=health,
        workers=WorkerStates(home / FOLDER, fleet, counts, number, configuration.workers),
        connections=connections,
        certificate=tls,
        security=security(tls is not None),
    )


def _certificate_of(configuration: Configuration) -> ServerCertificate | None:
    if configuration.tls_certificate and configuration.tls_key:
        return ServerCertificate(Path(configuration.tls_certificate), Path(configuration.tls_key))
    return None


def _blocking(configuration: Configuration, log: AuditLog) -> list[Check]:
    """Check a log in the home folder by its folder; one in a database by its own failures."""
    found: list[Check] = [lambda: "the audit log cannot be written" if log.failing else None]
    return found if configuration.audit_url else [*found, writable(Path(configuration.home) / "gateway")]


def _expiring(certificate: ServerCertificate | None) -> str | None:
    if certificate is None:
        return None
    if certificate.error:
        return f"the new certificate cannot be used: {certificate.error}"
    left = certificate.seconds_left
    return f"the certificate {'has ended' if left < 0 else f'ends in {left / 86_400:.1f} days'}" if left < SOON else None


def _gauges(places: Places, connections: Connections, limits: Limits, certificate: ServerCertificate | None) -> dict[str, float]:
    found: dict[str, float] = {
        "in_flight": places.busy,
        "queue_depth": places.waiting,
        "connections_open": len(connections.open),
        "connections_refused": connections.refused,
        "connections_timed_out": connections.timed_out.total(),
        "limits_storage_lost": float(limits.error is not None),
    }
    if certificate:
        found["certificate_seconds_left"] = certificate.seconds_left
        found["certificate_damaged"] = float(certificate.error is not None)
        found["certificate_reloads"] = certificate.reloads
    return found


def _versions(fleet: Fleet) -> dict[str, tuple[str, str]]:
    found = {model: fleet.find(model) for model in fleet.models()}
    return {model: (str(one.contract.version), one.contract.run_id) for model, one in found.items() if one}
