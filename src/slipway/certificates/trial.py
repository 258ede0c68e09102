"""A local authority and a server certificate, for trying out TLS. In production, use the authority of your organisation."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError
from slipway.files.replacing import replace

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

AUTHORITY_DAYS = 3_650
SERVER_DAYS = 397  # the longest that browsers accept
SOON = timedelta(days=30)
CLOCKS = timedelta(hours=1)  # machines whose clocks are behind by less accept it too
NAMES = ("localhost", "127.0.0.1", "::1")


class CertificateError(SlipwayError):
    """A certificate or key file cannot be used."""


@dataclass(frozen=True)
class CertificateFiles:
    """The files of a certificate and its key, the names in it, and until when it is valid (UTC)."""

    certificate: Path
    key: Path
    names: tuple[str, ...]
    ends_at: datetime
    made: bool = False


def authority(folder: Path) -> CertificateFiles:
    """Return the folder's authority; make one if there is none, or if it expires within 30 days."""
    certificate, key = folder / "authority.pem", folder / "authority.key"
    if certificate.exists() and key.exists() and (found := _stored(certificate, key)).ends_at > datetime.now(UTC) + SOON:
        return found
    from slipway.certificates import issuing

    signing = issuing.new_key()
    _keep(certificate, key, issuing.authority(signing, _until(AUTHORITY_DAYS)), signing)
    return _stored(certificate, key, made=True)


def server(folder: Path, names: Sequence[str] = NAMES, *, renew: bool = False) -> CertificateFiles:
    """Return the folder's server certificate for these names and addresses.

    A new one is made if there is none, if it has other names, expires within 30 days or was signed by an earlier authority, or to
    `renew` it. The key is written first, so a gateway that reads between the two keeps its old pair.

    Raises:
        CertificateError: A file of the folder cannot be used, or no name is given.
    """
    if not names:
        raise CertificateError("a certificate needs at least one name, such as localhost or 10.0.0.5.")
    from slipway.certificates import issuing

    ours = authority(folder)
    certificate, key = folder / "server.pem", folder / "server.key"
    if not renew and certificate.exists() and key.exists():
        found = _stored(certificate, key)
        by_ours = issuing.signed(_read(certificate, key)[0], _read(ours.certificate, ours.key)[0])
        if by_ours and set(found.names) == set(map(normal, names)) and found.ends_at > datetime.now(UTC) + SOON:
            return found
    signing = issuing.new_key()
    issuer, issuer_key = _read(ours.certificate, ours.key)
    issued = issuing.server(signing, [normal(name) for name in names], _until(SERVER_DAYS), issuer=issuer, signing=issuer_key)
    _keep(certificate, key, issued, signing)
    return _stored(certificate, key, made=True)


def normal(name: str) -> str:
    """Return a host name in lower case, or an address in its shortest form.

    Raises:
        CertificateError: It is neither.
    """
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        pass
    parts = name.lower().split(".")
    if len(name) > 253 or not all(part and len(part) < 64 and part.isascii() and part.replace("-", "a").isalnum() for part in parts):
        raise CertificateError(f"{name[:60]!r} is neither a host name nor an IP address; expected one such as gateway.example or 10.0.0.5.")
    return ".".join(parts)


def _until(days: int) -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(microsecond=0)
    return now - CLOCKS, now + timedelta(days=days)


def _stored(certificate: Path, key: Path, made: bool = False) -> CertificateFiles:
    from slipway.certificates import issuing

    found = _read(certificate, key)[0]
    return CertificateFiles(certificate, key, names=tuple(issuing.names(found)), ends_at=found.not_valid_after_utc, made=made)


def _read(certificate: Path, key: Path) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    from slipway.certificates import issuing

    try:
        return issuing.read(certificate.read_bytes(), key.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise CertificateError(f"{certificate} and {key} cannot be used ({error}). Move both away and run `slipway certs` again.") from None


def _keep(certificate: Path, key: Path, issued: x509.Certificate, signing: EllipticCurvePrivateKey) -> None:
    from slipway.certificates import issuing

    certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace(key, issuing.key_pem(signing), private=True)
    replace(certificate, issuing.certificate_pem(issued))
