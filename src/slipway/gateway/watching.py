"""What the watch hands to the gateway: its latest figures, and the report about them."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Latest(msgspec.Struct, kw_only=True):
    model: str
    version: int
    windows: int
    at: str
    rows: int | None
    distances: dict[str, float]
    drifted: list[str]
    prediction: float | None
    metric: str | None
    figure: float | None
    low: float | None
    high: float | None
    registered: float | None
    outcomes: int | None
    alarm: str
    frozen: bool


def publish(home: Path, model: str, report_html: bytes | None, latest: Latest) -> None:
    folder = home / "watch" / model
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.json").write_bytes(msgspec.json.encode(latest))
    if report_html:
        (folder / "report.html").write_bytes(report_html)
