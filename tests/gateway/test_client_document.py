"""The examples of docs/client.md run, and print the output below them."""

from __future__ import annotations

import re
from pathlib import Path

from slipway import client

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
ADDRESS = "https://gateway.example.org:8000"


def test_every_example_runs_and_prints_the_output_below_it(answering, write_bundle, tmp_path, until, monkeypatch, capsys, free_port):
    bundle = write_bundle(tmp_path / "bundle")
    answering.point_at(bundle.folder, free_port())
    until(lambda: answering.status("heart-failure").get("version") == 1, 30)
    monkeypatch.setenv("SLIPWAY_API_KEY", answering.key)
    names: dict[str, object] = {}

    try:
        for code, shown in re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", DOCUMENT, re.DOTALL):
            exec(code.replace(ADDRESS, answering.url), names)
            assert capsys.readouterr().out == shown
    finally:
        answering.withdraw("heart-failure")


def test_every_error_is_in_the_table():
    listed = set(re.findall(r"^\| `([A-Z]\w+)` \|", DOCUMENT, re.MULTILINE))

    kinds = {name for name in client.__all__ if isinstance(getattr(client, name), type) and issubclass(getattr(client, name), Exception)}
    assert listed == kinds - {"ClientError"}
