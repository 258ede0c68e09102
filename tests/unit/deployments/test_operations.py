"""The process beside the gateway, asked as the gateway asks it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from slipway.gateway.replies import RequestError
from slipway.gateway.workers.operations import Operations

EXAMPLE = Path(__file__).parents[3] / "examples" / "models" / "hospital_stay.py"
pytestmark = pytest.mark.slow


def test_a_model_file_that_comes_later_is_known_without_a_restart(no_settings, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    for name, value in {"HOME": str(tmp_path / "home"), "MODELS": str(tmp_path / "models"), "PREFECT_PORT": "1"}.items():
        monkeypatch.setenv(f"SLIPWAY_{name}", value)

    async def ask():
        operations = Operations()
        try:
            with pytest.raises(RequestError, match="no model is called 'hospital-stay'") as unknown:
                await operations.ask("preview", dict, model="hospital-stay")
            shutil.copy(EXAMPLE, tmp_path / "models")
            asked = (operations.ask("preview", dict, model=model) for model in ("hospital-stay", "diabetes", "hospital-stay"))
            return unknown.value.status, [preview["model"] for preview in await asyncio.gather(*asked)]
        finally:
            await operations.close()

    assert asyncio.run(ask()) == (404, ["hospital-stay", "diabetes", "hospital-stay"])
