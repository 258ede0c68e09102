"""The style sheet, whose address contains a hash of its content, so that browsers may keep it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "templates" / "style.css"


@cache
def style_sheet() -> bytes:
    return FILE.read_bytes()


@cache
def style_hash() -> str:
    return hashlib.sha256(style_sheet()).hexdigest()[:16]
