"""The gate's comparison of champion and challenger, added to the MLflow run of the challenger: the run is logged before the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slipway.comparison.plot import paired_differences
from slipway.comparison.report import paired_lines
from slipway.records import Paired
from slipway.spec import ModelSpec

if TYPE_CHECKING:
    from mlflow import MlflowClient

CARD, PICTURE, EVIDENCE = "card.md", "paired_differences.png", "evidence/paired.json"
HEADING = "## Against the champion"


def log_comparison(client: MlflowClient, spec: ModelSpec, run_id: str, found: Paired, folder: Path) -> bytes:
    """Add the comparison to the run: as JSON, as a picture, and as a section of its model card. Returns the picture, a PNG.

    Safe to repeat. `folder` is for temporary files.
    """
    picture = folder / PICTURE
    paired_differences(picture, found, f"{spec.name} against {spec.service}: {found.rows:,} rows")
    client.log_artifact(run_id, str(picture), "plots")
    client.log_text(run_id, found.model_dump_json(indent=2), EVIDENCE)
    card = Path(client.download_artifacts(run_id, CARD, str(folder))).read_text(encoding="utf-8")
    client.log_text(run_id, with_comparison(card, spec, found), CARD)
    return picture.read_bytes()


def with_comparison(card: str, spec: ModelSpec, found: Paired) -> str:
    """Return a model card with the comparison as its last section; it replaces an earlier one."""
    lines = [HEADING, "", f"On the test rows of {spec.service}, which both answered.", "", *paired_lines(found), ""]
    return f"{card.partition(HEADING)[0].rstrip()}\n\n" + "\n".join(lines)
