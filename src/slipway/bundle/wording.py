"""The words of a bundle: what pages say about its model and its columns, by language. A bundle may have none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from slipway.errors import BundleError

WORDING = "wording.json"


class ColumnWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """The words about one column. `unit` is None if that of the contract is meant; `values` are by the value as text."""

    name: str
    unit: str | None = None
    help: str = ""
    values: dict[str, str] = {}


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """The words about one model in one language; "" where nothing was written. `answers` are by the class as text."""

    title: str = ""
    purpose: str = ""
    not_for: str = ""
    quantity: str = ""
    answers: dict[str, str] = {}
    columns: dict[str, ColumnWords] = {}


WordsByLanguage = Mapping[str, Words]
NO_WORDS: WordsByLanguage = MappingProxyType({})


def encoded(words: WordsByLanguage) -> bytes:
    """Return the content of the file."""
    return msgspec.json.format(msgspec.json.encode(dict(words)), indent=1)


def decoded(content: bytes, place: object) -> WordsByLanguage:
    """Return the words of the file at a place.

    Raises:
        BundleError: This version of Slipway cannot read it.
    """
    try:
        return msgspec.json.decode(content, type=dict[str, Words])
    except msgspec.MsgspecError as error:
        raise BundleError(f"{place}: not a bundle file this version of Slipway can read ({error}). Release the model again.") from None
