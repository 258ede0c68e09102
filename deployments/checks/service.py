"""Whether callers and operators get what they wait for: the models answer, answers are logged, messages have a channel."""

from __future__ import annotations

from functools import partial

import httpx

from deployments.checks.finding import Asked, Finding
from deployments.local import hand_moves
from deployments.local.answering import client
from deployments.local.services import GATEWAY, MLFLOW
from deployments.server import channels
from slipway.audit import AuditError, Wanted, administration
from slipway.audit.places import missing, shown
from slipway.catalogue import listings
from slipway.errors import ReleaseInProgressError
from slipway.lifecycle import mirroring
from slipway.lifecycle.locking import exclusive

RESTART = "slipway down && slipway up"


def model_files(asked: Asked) -> Finding:
    """No model file is left out of the catalogue."""
    if wrong := listings().left_out:
        return Finding("wrong", "; ".join(wrong.values()), "slipway check")
    return Finding("well", "every model file declares a model")


def models(asked: Asked) -> Finding:
    """Every model in service is loaded."""
    settings = asked.settings
    if GATEWAY not in asked.answering:
        return Finding("unknown", "the gateway does not answer", "slipway up")
    try:
        with client(settings) as http:
            reply = http.get(f"{settings.gateway_url}/health/ready").json()
    except (httpx.HTTPError, ValueError) as error:
        return Finding("unknown", f"the gateway does not say whether it is ready: {error}", RESTART)
    log = f"tail -n 50 {settings.home / 'logs' / 'gateway.log'}"
    if reasons := reply.get("reasons"):
        return Finding("wrong", "; ".join(reasons), log)
    if warnings := reply.get("warnings"):
        return Finding("look", "; ".join(warnings), log)
    return Finding("well", "the gateway is ready")


def records(asked: Asked) -> Finding:
    """Gateway, ledger and MLflow agree about what is in service, and no promotion was cut short."""
    settings = asked.settings
    if MLFLOW not in asked.answering:
        return Finding("unknown", "MLflow does not answer", "slipway up")
    found: dict[str, list[str]] = {}
    with client(settings) as http:
        for name, model in listings().services().items():
            try:
                with exclusive(name, settings):
                    found[name] = mirroring.disagreements(model, settings, partial(hand_moves.registered, settings, http))
            except ReleaseInProgressError:
                continue  # alias and stage follow at its end
            except httpx.HTTPError as error:
                return Finding("unknown", f"MLflow does not answer: {error}", RESTART)
    wrong = {name: what for name, what in found.items() if what}
    if not wrong:
        return Finding("well", "gateway, ledger and MLflow agree about what is in service")
    reason = "; ".join(f"{name}: {', '.join(what)}" for name, what in wrong.items())
    return Finding("wrong", reason, f"slipway reconcile {next(iter(wrong))}")


def audit_log(asked: Asked) -> Finding:
    """The log is where the gateway writes it, and can be read."""
    place = asked.settings.audit_url or asked.settings.home
    if missing(place):
        if GATEWAY in asked.answering:
            return Finding("wrong", f"{shown(place)} is gone, although the gateway runs", RESTART)
        return Finding("well", "nothing was logged yet")
    try:
        administration(place, Wanted(limit=1))
    except AuditError as error:
        return Finding("wrong", str(error), "slipway audit show")
    return Finding("well", f"can be read: {shown(place)}")


def notifications(asked: Asked) -> Finding:
    """Somebody is notified when a person is needed."""
    if found := channels.configured(asked.settings):
        return Finding("well", ", ".join(channel.name for channel in found))
    return Finding("look", f"nobody is notified when a person is needed: none of {', '.join(channels.SETTINGS)} is set", "slipway notify")
