"""Second factors: codes of six digits that change every 30 s, from an authenticator app (TOTP, RFC 6238)."""

from __future__ import annotations

import re

CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """Return 160 random bits in base 32."""
    import pyotp

    return pyotp.random_base32()


def provisioning_uri(name: str, secret: str) -> str:
    """Return the address that an authenticator app reads, usually as a QR code. It contains the secret: show it once."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Slipway")


def used_step(secret: str, code: str | None, now: float, last_step: int) -> int | None:
    """Return the step of the code, or None if it is wrong, more than one step off, or not newer than the last code used.

    Args:
        now: Unix seconds.
        last_step: The step of the last code that was accepted. RFC 6238, 5.2: a code is valid once.
    """
    import pyotp
    from pyotp.exceptions import OTPVerificationError

    if code is None or not CODE.fullmatch(code):
        return None
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None
    return step if step > last_step else None
