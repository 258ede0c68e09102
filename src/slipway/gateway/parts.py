"""The parts of one worker, which are made once and passed to every handler."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from slipway.access.gatekeeper import Gatekeeper
from slipway.audit import AuditLog, OutcomeBook
from slipway.gateway.bodies.uploads import Uploads
from slipway.gateway.configuration import Configuration
from slipway.gateway.health import Check, Health, in_place, writable
from slipway.gateway.limits.admission import gatekeeper_of
from slipway.gateway.limits.limiting import Limits
from slipway.gateway.limits.places import Places
from slipway.gateway.logs import FLOOD
from slipway.gateway.metrics import declarations
from slipway.gateway.metrics.counts import Metrics, Samples
from slipway.gateway.metrics.exposition import CONTENT_TYPE, text
from slipway.gateway.network.connections import Connections
from slipway.gateway.network.forwarding import Proxies
from slipway.gateway.network.headers import security
from slipway.gateway.network.tls import ServerCertificate
from slipway.gateway.openapi.documents import Documents
from slipway.gateway.replies import Header, Reply
from slipway.gateway.versions.batching import Batches
from slipway.gateway.versions.fleet import ServedFleet
from slipway.gateway.versions.shadowing import Shadows
from slipway.gateway.workers.operations import Operations
from slipway.gateway.workers.state import FOLDER, WorkerStates
from slipway.monitoring.published import Watches

EXPLAINED_AT_ONCE, EXPLANATIONS_WAITING = 1, 16  # requests of one worker: an explanation takes up to some hundred ms of a core a row
READ_AT_ONCE, READERS_WAITING = 2, 32  # pages of one worker that read the audit log: one looks for about a second at most
SOON = 14 * 86_400
LEDGER = "It says what is in service and why: put it back from a backup before the next release, then restart the gateway."


@dataclass(frozen=True)
class Parts:
    """What the handlers of one worker work with: settings, models, callers, log, limits, counts, health, certificate."""

    configuration: Configuration
    fleet: ServedFleet
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
    uploads: Uploads
    documents: Documents = field(default_factory=Documents)
    batches: Batches = field(default_factory=Batches)
    operations: Operations = field(default_factory=Operations)
    explaining: Places = field(default_factory=lambda: Places(EXPLAINED_AT_ONCE, EXPLANATIONS_WAITING))
    reading: Places = field(default_factory=lambda: Places(READ_AT_ONCE, READERS_WAITING))

    async def exposition(self) -> Reply:
        """Return what `/metrics` answers, for all workers; put together in a thread."""
        counts = self.workers.counts()
        return Reply(200, await asyncio.to_thread(lambda: text(counts, dict(self.watches.found()))), CONTENT_TYPE)

    async def follow(self) -> None:
        """Do the work beside answering, until cancelled: slow connections, changed keys, a new certificate, the other workers, shadows."""
        tasks = [FLOOD.follow(), self.connections.watch(), self.gatekeeper.follow(), self.workers.follow(), self.shadows.follow()]
        tasks.append(self.uploads.follow())
        await asyncio.gather(*tasks, *([self.certificate.follow()] if self.certificate else []))


def make(configuration: Configuration, fleet: ServedFleet, log: AuditLog, number: int = 0) -> Parts:
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
        keep_alive_seconds=configuration.keep_alive_seconds,
        proxies=Proxies(configuration.trusted_proxies),
    )
    limits = Limits(configuration.rate_per_caller, configuration.rate_per_address, configuration.limits_storage)
    places, metrics = Places(configuration.concurrency, configuration.queue), Metrics()
    gatekeeper = gatekeeper_of(configuration)
    blocking = [*_blocking(configuration, log), gatekeeper.problem]
    warning: list[Check] = [partial(_expiring, tls), lambda: limits.error, log.keys_problem, in_place(home / "ledger.db", LEDGER)]
    health = Health(fleet, blocking, warning)

    _read(metrics, places, connections, limits, log)
    metrics.read(declarations.READY, lambda: not health.reasons()[0])
    metrics.read_all(declarations.MODEL_INFO, lambda: _versions(fleet))
    if tls:
        _read_certificate(metrics, tls)
    return Parts(
        configuration=configuration,
        fleet=fleet,
        gatekeeper=gatekeeper,
        log=log,
        limits=limits,
        places=places,
        metrics=metrics,
        shadows=Shadows(log, metrics),
        book=OutcomeBook(home, configuration.audit_url, log.file),
        watches=Watches(home),
        health=health,
        workers=WorkerStates(home / FOLDER, fleet, metrics.counts, number, configuration.workers, gatekeeper.locked),
        connections=connections,
        certificate=tls,
        security=security(tls is not None),
        uploads=Uploads(home),
    )


def _certificate_of(configuration: Configuration) -> ServerCertificate | None:
    if configuration.tls_certificate and configuration.tls_key:
        return ServerCertificate(Path(configuration.tls_certificate), Path(configuration.tls_key))
    return None


def _blocking(configuration: Configuration, log: AuditLog) -> list[Check]:
    """Check a log in the home folder by its folder; one in a database by its own failures."""
    found: list[Check] = [log.problem]
    return found if configuration.audit_url else [*found, writable(Path(configuration.home) / "gateway")]


def _expiring(certificate: ServerCertificate | None) -> str | None:
    if certificate is None:
        return None
    if certificate.error:
        return f"the new certificate cannot be used: {certificate.error}"
    left = certificate.seconds_left
    return f"the certificate {'has ended' if left < 0 else f'ends in {left / 86_400:.1f} days'}" if left < SOON else None


def _read(metrics: Metrics, places: Places, connections: Connections, limits: Limits, log: AuditLog) -> None:
    metrics.read(declarations.IN_FLIGHT, lambda: places.busy)
    metrics.read(declarations.QUEUE_DEPTH, lambda: places.waiting)
    metrics.read(declarations.CONNECTIONS_OPEN, lambda: len(connections.open))
    metrics.read(declarations.CONNECTIONS_REFUSED, lambda: connections.refused)
    metrics.read(declarations.CONNECTIONS_TIMED_OUT, connections.timed_out.total)
    metrics.read(declarations.UPGRADES_IGNORED, lambda: connections.upgrades)
    metrics.read(declarations.LOG_LINES_LEFT_OUT, lambda: FLOOD.left_out)
    metrics.read(declarations.DESCRIPTORS_EXHAUSTED, lambda: FLOOD.exhausted)
    metrics.read(declarations.LIMITS_STORAGE_LOST, lambda: limits.error is not None)
    metrics.read(declarations.AUDIT_QUEUE, lambda: log.queued)
    metrics.read(declarations.AUDIT_REFUSALS_LOST, lambda: log.dropped)


def _read_certificate(metrics: Metrics, certificate: ServerCertificate) -> None:
    metrics.read(declarations.CERTIFICATE_SECONDS_LEFT, lambda: certificate.seconds_left)
    metrics.read(declarations.CERTIFICATE_DAMAGED, lambda: certificate.error is not None)
    metrics.read(declarations.CERTIFICATE_RELOADS, lambda: certificate.reloads)


def _versions(fleet: ServedFleet) -> Samples:
    found = {model: fleet.find(model) for model in fleet.models()}
    return [((model, str(one.contract.version), one.contract.run_id), 1) for model, one in found.items() if one]
