"""The bundle in service on this host: one pointer file a model, which is replaced atomically and which the gateway watches.

<store>/<model>/<version>-<run>/     the bundles, kept so that an earlier one can be restored
<store>/<model>/active.json          the pointer
<store>/<model>/challenger.json      the challenger, if there is one: see `slipway.bundle.store.challenger`
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path

import msgspec

from slipway.bundle.contract import Contract, decode
from slipway.bundle.reading import read
from slipway.files.replacing import replace

POINTER = "active.json"


class Pointer(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the gateway should serve. Every request has a new `installation`, which shows whether the gateway has carried out this one.

    `trusted` are types that the model may contain beside those of our list: see `slipway.bundle.trusted_types`.
    """

    bundle: str
    port: int
    installation: str
    trusted: tuple[str, ...] = ()


def install(bundle: Path, store: Path, port: int, trusted: tuple[str, ...] = ()) -> Pointer:
    """Verify a bundle, copy it into the store, and point the gateway at it.

    The pointer moves only after the copy is complete and verified: if the process is killed, the store has the old state or the new.

    Args:
        trusted: Types that the model may contain; only the engine that loads the pipeline itself needs them.
    Raises:
        BundleError: The bundle, or its copy in the store, is damaged; nothing was changed.
    """
    contract = read(bundle).contract
    name = keep(bundle, contract, store)
    pointer = Pointer(name, port, installation=uuid.uuid4().hex, trusted=needed(contract, trusted))
    point(store, contract.model, pointer)
    return pointer


def keep(bundle: Path, contract: Contract, store: Path) -> str:
    """Copy a verified bundle into the store, unless it is there, and return its name there. The caller holds the model's lock.

    Raises:
        BundleError: The copy is damaged.
    """
    name, home = name_of(contract), store / contract.model
    home.mkdir(parents=True, exist_ok=True)
    if not (home / name).exists():
        for abandoned in home.glob(".copying-*"):  # left by a killed process
            shutil.rmtree(abandoned)
        scratch = Path(tempfile.mkdtemp(prefix=".copying-", dir=home))
        shutil.copytree(bundle, scratch / name)
        read(scratch / name)
        os.replace(scratch / name, home / name)
        scratch.rmdir()
    else:
        read(home / name, within=store)  # it may have been damaged since it was copied
    return name


def needed(contract: Contract, trusted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the trusted types if the engine loads the pipeline itself; no other engine makes objects of a type that a file names."""
    return trusted if contract.engine == "pyfunc" else ()


def name_of(contract: Contract) -> str:
    """Return the name of a version's bundle in the store."""
    return f"{contract.version}-{contract.run_id[:8]}"


def active(store: Path, model: str) -> Pointer | None:
    """Return the pointer of one model, None if nothing is in service."""
    path = store / model / POINTER
    return decode(path, Pointer, store) if path.exists() else None


def point(store: Path, model: str, pointer: Pointer | None) -> None:
    """Move the pointer; None takes the model out of service."""
    write(store / model / POINTER, pointer)


def write(path: Path, content: msgspec.Struct | None) -> None:
    """Replace a pointer file; None removes it."""
    if content is None:
        path.unlink(missing_ok=True)
    else:
        replace(path, msgspec.json.encode(content), durable=True)


def installed(store: Path) -> dict[str, Pointer]:
    """Return the pointer of every model in the store."""
    return {path.parent.name: decode(path, Pointer, store) for path in sorted(store.glob(f"*/{POINTER}"))}
