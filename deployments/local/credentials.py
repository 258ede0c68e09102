"""The key with which this machine's own programs call the gateway."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import SecretStr

from slipway.files.replacing import replace
from slipway.settings import CREDENTIALS_FILE, Settings

KEY_NAME = "local"

logger = logging.getLogger(__name__)


def ensure_api_key(settings: Settings) -> Settings:
    """Return the settings with an API key that the gateway accepts under the name "local"; make one if there is none.

    The key in use is kept in `credentials.env`, also when it came from the environment: the worker reads it there, so
    that no program's environment and no configuration file holds it. Safe to repeat; a key that is set stays.

    Raises:
        slipway.access.keys.WeakKeyError: The key that was set is too short; nothing was written.
    """
    from slipway.access import keys

    secret = settings.api_key or SecretStr(keys.generate())
    key = secret.get_secret_value()
    if keys.holder(settings.home, key) != KEY_NAME:
        keys.add(settings.home, KEY_NAME, key)
    _keep(settings.home / CREDENTIALS_FILE, f"SLIPWAY_API_KEY={key}\n")
    return settings if settings.api_key else settings.model_copy(update={"api_key": secret})


def _keep(path: Path, line: str) -> None:
    if path.exists() and path.read_text() == line and path.stat().st_mode & 0o777 == 0o600:
        return
    replace(path, line.encode(), private=True)
    logger.info("The gateway's API key is in %s.", path)
