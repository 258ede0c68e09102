"""A version on trial beside the champion: it begins and ends in gateway and registry together, and may be chosen for promotion."""

from __future__ import annotations

from slipway.bundle.reading import Bundle
from slipway.bundle.store.active import active
from slipway.bundle.store.challenger import Challenge
from slipway.errors import ChallengeError
from slipway.lifecycle import record, serving
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.rollback import candidate_of
from slipway.records import Candidate, Record
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect
from slipway.tracking.unfinished import MODEL_TAG


class Chosen(Record):
    """A version to promote, and the name of the spec that made it: the model's own, or that of a challenger."""

    candidate: Candidate
    made_by: str


def require_champion(spec: ModelSpec, settings: Settings) -> None:
    """Refuse a challenger without a version in service beside which it could be tried.

    Raises:
        ChallengeError: None is in service.
    """
    if active(settings.bundles, spec.service) is None:
        raise ChallengeError(
            f"{spec.name} challenges {spec.service}, and no version of {spec.service} is in service on this host. "
            f"Run `slipway release {spec.service}` first."
        )


def begin(spec: ModelSpec, bundle: Bundle, share: float, settings: Settings) -> Challenge:
    """Have the gateway try a registered version, and give it the alias `challenger`. Safe to repeat; the caller holds the model's lock.

    Args:
        share: The fraction of requests that it answers, less than 1; 0: none, in shadow.
    Raises:
        BundleError: It cannot be compared with what is in service; nothing was changed.
        ServingError: The gateway does not answer, or refused the bundle. An earlier challenger is still tried.
    """
    version = bundle.contract.version
    about = f"{spec.service}: version {version}, {how(share)}"
    _log_change(settings, "challenge", about)  # first: no version answers a caller before its challenge is logged
    try:
        made = serving.challenge(bundle, share, settings)
        registry.challenge(connect(settings), spec.registered_as, version)
    except BaseException:
        _log_change(settings, "challenge failed", about)
        raise
    return made


def end(spec: ModelSpec, settings: Settings) -> bool:
    """End the challenge and remove the alias, even if only one of the two is left. Return whether the gateway had one."""
    ended = serving.end_challenge(spec.service, settings)
    if ended:
        _log_change(settings, "end challenge", spec.service)
    registry.challenge(connect(settings), spec.registered_as, None)
    return ended


def how(share: float) -> str:
    """Return in words which requests a challenger answers."""
    return f"it answers {share * 100:.4g}% of the requests" if share else "in shadow, it answers nobody"


def choose(spec: ModelSpec, settings: Settings, version: int | None = None) -> Chosen:
    """Choose the version to promote, and verify its bundle. The caller holds the model's lock. Nothing is changed.

    Args:
        spec: The spec of the model that has the service.
        version: None for the one that is tried beside it.
    Raises:
        ChallengeError: There is no challenger, the version is in service already, or it has no record of the model that made it.
        RegistryError: There is no such version, or it has no bundle.
        BundleError: Its bundle is altered, or is another model's.
    """
    client = connect(settings)
    now, trial = record.in_service(spec, settings), record.challenger_of(spec.service, settings)
    if (wanted := version or (trial.version if trial else None)) is None:
        raise ChallengeError(
            f"{spec.name} has no challenger, so there is nothing to promote. Release a model that challenges it, try a version with "
            f"`slipway challenge {spec.name} --version N`, or name one with --version."
        )
    if now and wanted == now.version:
        raise ChallengeError(f"{spec.name}: version {wanted} is in service already. Name another version.")
    run_id = registry.run_of(client, spec.registered_as, wanted)
    with record.bundle_of(spec.service, wanted, run_id, settings) as bundle:
        contract = bundle.contract
    registered = client.get_model_version(spec.registered_as, str(wanted))
    if (made_by := registered.tags.get(MODEL_TAG)) is None:
        raise ChallengeError(
            f"{spec.registered_as} version {wanted} has no record of its model, so it comes from no release. Name another version."
        )
    candidate = candidate_of(spec, wanted, contract, run_id, Ledger(settings.ledger).history(spec.name))
    return Chosen(candidate=candidate, made_by=made_by)


def _log_change(settings: Settings, what: str, about: str) -> None:
    from slipway.audit import record_act
    from slipway.audit.acts import myself

    record_act(settings.audit_url or settings.home, myself(), what, about)
