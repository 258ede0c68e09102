"""The home folder in one file: its databases as they are at one moment, and every file that they refer to."""

from slipway.backup.making import back_up
from slipway.backup.manifest import Backup
from slipway.backup.restoring import restore

__all__ = ["Backup", "back_up", "restore"]
