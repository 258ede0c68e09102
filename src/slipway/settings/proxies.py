"""Requests of Slipway's programs to each other, with keys and rows in them, go through no proxy."""

from __future__ import annotations

from collections.abc import Mapping

NAMES = ("NO_PROXY", "no_proxy")  # libraries read one or the other
OWN_HOSTS = ("127.0.0.1", "localhost")


def without_proxy(environ: Mapping[str, str], *hosts: str) -> dict[str, str]:
    """Return the variables by which HTTP clients reach this machine and these hosts directly, beside those that the environment names."""
    named = next((environ[name] for name in NAMES if environ.get(name)), "")
    direct = [host.strip() for host in named.split(",") if host.strip()]
    value = ",".join(dict.fromkeys([*direct, *OWN_HOSTS, *hosts]))
    return dict.fromkeys(NAMES, value)
