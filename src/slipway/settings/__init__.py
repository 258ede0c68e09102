"""All settings of Slipway, read from `SLIPWAY_*` variables and `.env`: platform, gateway and notifications."""

from slipway.settings.gateway import LOOPBACK
from slipway.settings.settings import CREDENTIALS_FILE, Port, Settings, home_folder

__all__ = ["CREDENTIALS_FILE", "LOOPBACK", "Port", "Settings", "home_folder"]
