"""Whether the machine has what the platform needs: room on the disk, and certificates that are valid."""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path

from deployments.checks.finding import Asked, Finding
from slipway.gateway.network.validity import not_after

LEAST_FREE = 2**30  # bytes: some releases, with their artifacts, and the logs until somebody looks
LEAST_DAYS = 14.0


def disk(asked: Asked) -> Finding:
    """The disk of the home folder has room and can be written."""
    home = asked.settings.home
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    found = os.statvfs(there)
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    reason = f"{free / 2**30:,.1f} of {size / 2**30:,.1f} GiB are free at {home}"
    largest = f"du -xh --max-depth=2 {home} | sort -h | tail"
    if found.f_flag & os.ST_RDONLY:
        return Finding("wrong", f"the file system of {home} is read-only", f"mount -o remount,rw {_mount(there)}")
    if free < LEAST_FREE:
        return Finding("wrong", f"{reason}; a release needs more", largest)
    if found.f_files and not found.f_favail:
        return Finding("wrong", f"the file system of {home} takes no more files", largest)
    return Finding("well", reason)


def certificates(asked: Asked) -> Finding:
    """The gateway's certificate, and the authority's, are valid for some days."""
    settings = asked.settings
    if settings.tls_certificate is None:
        return Finding("well", "TLS is off")
    ends = []
    for path in (settings.tls_certificate, settings.tls_authority):
        if path is None:
            continue
        try:
            days = (_end(path) - time.time()) / 86_400
        except (OSError, ValueError) as error:
            return Finding("wrong", f"{path} cannot be read: {error}", _renewal(path, settings.home))
        if days < LEAST_DAYS:
            when = f"ends in {days:.0f} days" if days > 0 else f"ended {-days:.0f} days ago"
            return Finding("wrong", f"{path} {when}", _renewal(path, settings.home))
        ends.append(f"{path.name} ends in {days:.0f} days")
    return Finding("well", "; ".join(ends))


def _end(path: Path) -> float:
    """Return when the first certificate of a PEM file ends, in seconds since the epoch."""
    return not_after(ssl.PEM_cert_to_DER_cert(_first(path.read_text(encoding="ascii"))))


def _first(text: str) -> str:
    rest = text.partition(ssl.PEM_HEADER)[2]
    content, end, _ = rest.partition(ssl.PEM_FOOTER)
    if not end:
        raise ValueError("it has no certificate in the PEM format")
    return f"{ssl.PEM_HEADER}{content}{ssl.PEM_FOOTER}\n"


def _renewal(path: Path, home: Path) -> str:
    """Return the command that makes a new certificate, if `slipway certs` made this one, or that installs another; the gateway reads it."""
    return "slipway certs --renew" if path.is_relative_to(home) else f"cp NEW_CERTIFICATE {path}"


def _mount(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_mount())
