"""What surrounds the application: limits, places, counts, health, certificate. Made once in each worker, and handed to the application."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slipway.audit import AuditLog, OutcomeBook
from slipway.gateway.configuration import Configuration
from slipway.gateway.health import Check, Health, writable
from slipway.gateway.limits.limiting import Limits
from slipway.gateway.limits.places import Places
from slipway.gateway.metrics.counts import Counts, Metrics
from slipway.gateway.metrics.exposition import CONTENT_TYPE, text
from slipway.gateway.network.connections import Connections
from slipway.gateway.network.headers import security
from slipway.gateway.network.tls import ServerCertificate
from slipway.gateway.replies import Header, Reply
from slipway.gateway.versions.fleet import Fleet
from slipway.gateway.versions.shadowing import Shadows
from slipway.gateway.workers.state import FOLDER, WorkerStates
from slipway.monitoring.published import Watches

SOON = 14 * 86_400


@dataclass(frozen=True)
class Parts:
    """The objects that the application calls; each one's methods say how."""

    configuration: Configuration
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

    async def exposition(self) -> Reply:
        """Return what `/metrics` answers, for all workers; put together in a thread."""
        counts = self.workers.counts()
        return Reply(200, await asyncio.to_thread(lambda: text(counts, dict(self.watches.found()))), CONTENT_TYPE)

    async def follow(self) -> None:
        """Do what is to be done beside answering, for ever: slow connections, a new certificate, the state for the other workers,
        and shadows.
        """
        tasks = [self.connections.watch(), self.workers.follow(), self.shadows.follow()]
        await asyncio.gather(*tasks, *([self.certificate.follow()] if self.certificate else []))


def make(configuration: Configuration, fleet: Fleet, log: AuditLog, number: int = 0) -> Parts:
    """Return the parts of worker `number`.

    Raises:
        PlatformError: The certificate cannot be used.
    """
    told = configuration
    tls = ServerCertificate(Path(told.tls_certificate), Path(told.tls_key)) if told.tls_certificate and told.tls_key else None
    connections = Connections(told.connections, told.connections_per_address, told.header_seconds, told.body_seconds)
    limits = Limits(told.rate_per_caller, told.rate_per_address, told.limits_storage)
    places, metrics = Places(told.concurrency, told.queue), Metrics()
    health = Health(fleet, _blocking(told, log), [partial(_certificate, tls), lambda: limits.error])

    def counts() -> Counts:
        found = metrics.counts()
        found.versions = _versions(fleet)
        found.gauges |= _gauges(places, connections, limits, tls)
        found.gauges |= {"ready": float(not health.reasons()[0]), "audit_queue": log.queued, "audit_refusals_lost": log.dropped}
        return found

    states = WorkerStates(Path(told.home) / FOLDER, fleet, counts, number, told.workers)
    shadows, book = Shadows(log, metrics), OutcomeBook(Path(told.home), told.audit_url)
    return Parts(
        told, limits, places, metrics, shadows, book, Watches(Path(told.home)), health, states, connections, tls, security(tls is not None)
    )


def _blocking(configuration: Configuration, log: AuditLog) -> list[Check]:
    """An audit log elsewhere is not a folder; its own failures tell."""
    found: list[Check] = [lambda: "the audit log cannot be written" if log.failing else None]
    return found if configuration.audit_url else [*found, writable(Path(configuration.home) / "gateway")]


def _certificate(certificate: ServerCertificate | None) -> str | None:
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
