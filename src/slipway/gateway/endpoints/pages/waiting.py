"""How long a person must wait after wrong attempts, in words."""

from __future__ import annotations

import math

from slipway.access.refusals import LockedOutError
from slipway.pages.languages import Language
from slipway.pages.texts import text


def waiting(error: LockedOutError, language: Language) -> str:
    """Return the message: seconds up to a minute and a half, then minutes, rounded up."""
    seconds = error.retry_after or 1
    unit, number = ("minutes", math.ceil(seconds / 60)) if seconds > 90 else ("seconds", seconds)
    return text(language, "sign_in.locked", wait=text(language, f"time.{unit}", number=number))
