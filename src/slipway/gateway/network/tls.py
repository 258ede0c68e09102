"""TLS: one context for all ports. Its certificate and key are read again when their files change.

A new pair gets a context of its own, and new handshakes use it once both files are read and match. A damaged pair changes nothing: the old
one stays in service, and log, health and metrics report it. Open connections keep the certificate that they began with.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.errors import PlatformError
from slipway.files.readers import HangingError, Readers, require_regular

LOOK_EVERY = 1.0
PATIENCE = 5.0  # seconds that one look may take
# TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
WAY_OUT = "Replace the pair, or make one with `slipway certs`."

logger = logging.getLogger(__name__)
Stamp = tuple[tuple[int, int, int], ...]


class ServerCertificate:
    """The certificate and key in service. `context` is for the listening sockets; `follow` keeps it up to date."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both files.

        Raises:
            PlatformError: They are missing, damaged, or do not belong together.
        """
        self._certificate, self._key = certificate, key
        self._stamp = self._tried = self._look()
        self.error: str | None = None
        self.reloads = 0
        try:
            self.context = self._current = _context(certificate, key)
            self.ends_at = ends_at(certificate)
        except (OSError, ValueError) as error:
            raise PlatformError(f"{_problem(certificate, key, error)} {WAY_OUT}") from None
        self.context.sni_callback = self._hand_over

    @property
    def seconds_left(self) -> float:
        """Seconds until the certificate ends; negative after its end."""
        return self.ends_at - time.time()

    async def follow(self) -> None:
        """Check the files every second, until cancelled. A read that hangs holds up nothing, and is reported."""
        readers = Readers(PATIENCE)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await readers.read("the certificate", self.refresh)
            except HangingError as error:
                self._refuse(self._tried, str(error))

    def refresh(self) -> None:
        """Put a new pair into service. Log once what is wrong with one that cannot be used."""
        stamp = self._look()
        if stamp == self._stamp and self.error is None:
            return
        try:
            current, end = _context(self._certificate, self._key), ends_at(self._certificate)
        except (OSError, ValueError) as error:
            self._refuse(stamp, _problem(self._certificate, self._key, error))
            return
        self._current, self.ends_at, self._stamp, self.error = current, end, stamp, None
        self.reloads += 1
        logger.info("%s: the new certificate is in service and ends in %.1f days", self._certificate, self.seconds_left / 86_400)

    def _hand_over(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Use the current context. Called at the beginning of every handshake, with or without a server name."""
        handshake.context = self._current

    def _refuse(self, stamp: Stamp, problem: str) -> None:
        if stamp != self._tried or problem != self.error:
            logger.error("%s The certificate that was in service stays. %s", problem, WAY_OUT)
        self._tried, self.error = stamp, problem

    def _look(self) -> Stamp:
        return tuple(_stamps(self._certificate, self._key))


def ends_at(certificate: Path) -> float:
    """Return when the first certificate of a PEM file ends, in seconds since the epoch.

    Raises:
        ValueError: The file contains no certificate.
    """
    from slipway.gateway.network.validity import not_after

    text = certificate.read_text("latin-1")
    begin, end = text.find(ssl.PEM_HEADER), text.find(ssl.PEM_FOOTER)
    if begin < 0 or end < 0:
        raise ValueError("it contains no certificate")
    return not_after(ssl.PEM_cert_to_DER_cert(text[begin : end + len(ssl.PEM_FOOTER)]))


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    for path in (certificate, key):
        require_regular(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key, password=_no_passphrase)
    return context


def _no_passphrase() -> str:
    raise ValueError(
        "the key has a passphrase, which nobody can type when it is read again; store it without one, readable by its owner only"
    )


def _problem(certificate: Path, key: Path, error: Exception) -> str:
    why = error.reason if isinstance(error, ssl.SSLError) and error.reason else error.strerror if isinstance(error, OSError) else error
    missing = [str(path) for path in (certificate, key) if not os.access(path, os.R_OK)]
    what = f"{' and '.join(missing)} cannot be read" if missing else f"certificate {certificate} and key {key} cannot be used ({why})"
    return f"{what}."


def _stamps(*paths: Path) -> Iterator[tuple[int, int, int]]:
    for path in paths:
        try:
            found = path.stat()
            yield found.st_ino, found.st_mtime_ns, found.st_size
        except OSError:
            yield 0, 0, 0
