"""A rotation of the keys of subject ids that is killed half-way."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from slipway.audit import Place

KILLED = """
import os, sys
from pathlib import Path
from slipway.audit.upkeep import rotation
rotation.AT_ONCE = int(sys.argv[1])
pages = []
rotation.time.sleep = lambda _: pages.append(1) or len(pages) == int(sys.argv[2]) and os.kill(os.getpid(), 9)
home = Path(sys.argv[3])
rotation.rotate(home, sys.argv[4] if len(sys.argv) > 4 else home, "root", pseudonyms=True)
"""


def stop_rotation(home: Path, place: Place, *, at_once: int, after: int) -> None:
    """Replace keys and pseudonyms in a process of its own, and kill it after so many pages of `at_once` lines."""
    url = [] if place == home else [str(place)]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(at_once), str(after), str(home), *url])
    assert killed.returncode == -signal.SIGKILL
