"""The challenger of the bundle in service: one file a model, which is replaced atomically and which the gateway watches.

<store>/<model>/challenger.json      the bundle of the challenger, and the share of the requests that it answers
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec

from slipway.bundle.contents import content_of
from slipway.bundle.contract import Contract
from slipway.bundle.reading import read
from slipway.bundle.store.active import active, keep, name_of, needed, write
from slipway.errors import BundleError

CHALLENGER = "challenger.json"


class Challenge(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the gateway should try. `share` is the fraction of requests that the challenger answers; 0 is shadow: it answers none.

    `trusted` is that of a pointer.
    """

    bundle: str
    installation: str
    share: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    trusted: tuple[str, ...] = ()


def challenge(bundle: Path, store: Path, share: float = 0.0, trusted: tuple[str, ...] = ()) -> Challenge:
    """Verify a bundle, copy it into the store, and make it the challenger. The caller holds the model's lock.

    If the process is killed, the store has the old state or the new.

    Args:
        share: From 0, in shadow, to less than 1.
        trusted: Types that the model may contain; see `slipway.bundle.store.active.install`.
    Raises:
        BundleError: The bundle is damaged, or cannot be compared with the version in service; nothing was changed.
    """
    if not 0 <= share < 1:
        raise ValueError(f"expected a share from 0 to less than 1, received {share}. To let it answer all requests, release the version.")
    contract = read(bundle).contract
    model = contract.model
    pointer = active(store, model)
    if pointer is None:
        raise BundleError(f"{model} has no version in service, so there is nothing to challenge. Run `slipway release {model}` first.")
    if pointer.bundle == name_of(contract):
        raise BundleError(f"{model}: version {contract.version} is in service already. Name another version.")
    champion = read(store / model / pointer.bundle).contract
    if why := mismatch(champion, contract):
        raise BundleError(f"{model}: version {contract.version} cannot challenge version {champion.version}: {why}")
    if share and contract.sample and not champion.sample:
        raise BundleError(
            f"{model}: version {contract.version} was trained on sample rows, so it must not answer callers. "
            "Leave the share out to try it in shadow."
        )
    name = keep(bundle, contract, store)
    made = Challenge(name, installation=uuid.uuid4().hex, share=share, trusted=needed(contract, trusted))
    set_challenge(store, model, made)
    return made


def challenged(store: Path, model: str) -> Challenge | None:
    """Return the challenge of the version in service, or None.

    Raises:
        BundleError: The file is damaged.
    """
    path = store / model / CHALLENGER
    try:
        return msgspec.json.decode(content_of(path, store), type=Challenge)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise BundleError(f"{path}: not a challenge ({error}). Begin it again, or end it: `slipway challenge {model} --end`.") from None


def set_challenge(store: Path, model: str, challenge: Challenge | None) -> None:
    """Write a challenge; None ends it. Its bundle stays in the store."""
    write(store / model / CHALLENGER, challenge)


def end(store: Path, model: str) -> bool:
    """End the challenge, even if its file is damaged; return whether there was one. Its bundle stays in the store."""
    there = (store / model / CHALLENGER).exists()
    set_challenge(store, model, None)
    return there


def end_promoted(store: Path, model: str) -> None:
    """End the challenge if its version is in service now. A damaged file is ignored: it must not stop the caller."""
    pointer = active(store, model)
    with suppress(BundleError):
        if pointer and (challenge := challenged(store, model)) and challenge.bundle == pointer.bundle:
            end(store, model)


def mismatch(champion: Contract, challenger: Contract) -> str:
    """Return why the challenger cannot answer the champion's rows, or its answers cannot be compared; "" if they can.

    Descriptions of columns may differ: they change no answer.
    """
    if differing := sorted(set(_columns(champion).items()) ^ set(_columns(challenger).items()), key=str):
        names = ", ".join(dict.fromkeys(name for name, _ in differing))
        return f"their columns differ ({names}). A release puts a version with other columns into service."
    if list(_columns(champion)) != list(_columns(challenger)):
        return "their columns are in another order. A release puts the version into service."
    other_classes = champion.output.mismatch(challenger.output)
    return f"{other_classes}. A release puts the version into service." if other_classes else ""


def _columns(contract: Contract) -> dict[str, bytes]:
    return {column.name: msgspec.json.encode(msgspec.structs.replace(column, description="")) for column in contract.columns}
