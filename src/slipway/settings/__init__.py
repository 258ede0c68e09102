"""Every setting of Slipway, read from `SLIPWAY_*` variables and `.env`: of the platform, of the gateway, of notifications."""

from slipway.settings.gateway import LOOPBACK
from slipway.settings.settings import CREDENTIALS_FILE, Port, Settings, home_folder

__all__ = ["CREDENTIALS_FILE", "LOOPBACK", "Port", "Settings", "home_folder"]
