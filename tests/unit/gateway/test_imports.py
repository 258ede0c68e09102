"""The gateway answers before its first bundle is loaded, so it must not import the engines' libraries itself."""

from __future__ import annotations

import subprocess
import sys


def test_the_server_imports_no_numpy_before_its_first_bundle() -> None:
    code = (
        "import sys, slipway.gateway.server; "
        "print([name for name in ('numpy', 'onnxruntime', 'prometheus_client', 'jinja2', 'segno', 'jwt') if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "[]"
