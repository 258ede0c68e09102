"""Standard error is discarded inside the block only, also that of child processes."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, subprocess, sys
from slipway.files.standard_error import discarded_standard_error

try:
    with discarded_standard_error():
        os.write(2, b"inside\\n")
        subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('child')"], check=True)
        raise ValueError
except ValueError:
    os.write(2, b"after\\n")
"""


def test_standard_error_is_discarded_inside_the_block_only() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert ran.stderr == "after\n"
