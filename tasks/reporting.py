"""What Prefect's pages show: of a release, of several, of a model's versions, and of a tunnel."""

from __future__ import annotations

import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from slipway.lifecycle import history
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.report import release_report
from slipway.records import Candidate, Fleet, Snapshot, Tuned, Verdict
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.comparisons import log_comparison, with_comparison
from slipway.tracking.connection import connect, run_page, version_page
from tasks.patience import FOR_MLFLOW, MINUTE

logger = logging.getLogger("slipway.tasks.reporting")

IMPORTANCE = {"Importance of columns": "permutation_importance.png"}
COMPARED = "Champion and challenger"
TUNNEL = "tunnel"  # each version of this artifact is one opening or closing


@task(task_run_name="report-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE, **FOR_MLFLOW)
def report(spec: ModelSpec, snapshot: Snapshot, tuned: Tuned, candidate: Candidate, verdict: Verdict, settings: Settings) -> None:
    """Show verdict, figures, pictures and the model card in the run page, with a link to the MLflow run that has all of it."""
    client = connect(settings)
    with tempfile.TemporaryDirectory() as folder:
        plots = Path(client.download_artifacts(candidate.run_id, "plots", folder))
        pictures = {shown: (plots / name).read_bytes() for shown, name in (spec.problem.pictures | IMPORTANCE).items()}
        card = Path(client.download_artifacts(candidate.run_id, "card.md", folder)).read_text(encoding="utf-8")
        if spec.challenges and verdict.paired:
            pictures[COMPARED] = log_comparison(client, spec, candidate.run_id, verdict.paired, Path(folder))
            card = with_comparison(card, spec, verdict.paired)
    if run_url := run_page(client, settings, candidate.run_id):
        contents = "Parameters, figures, pictures, evidence and the bundle"
        create_link_artifact(run_url, link_text=f"MLflow run of {spec.name}", key=f"mlflow-run-{spec.name}", description=contents)
    if candidate.version and (version_url := version_page(settings, candidate.registered_as, candidate.version)):
        text = f"{candidate.registered_as} version {candidate.version} in MLflow"
        contents = "The registered version: stage, aliases, tags"
        create_link_artifact(version_url, link_text=text, key=f"mlflow-version-{spec.name}", description=contents)
    create_markdown_artifact(
        release_report(spec, snapshot, tuned, candidate, verdict, pictures, run_url),
        key=f"release-{spec.name}",
        description=f"{spec.name}: verdict, figures and pictures",
    )
    logger.info("%s: report and model card are artifacts of this run", spec.name)
    create_markdown_artifact(card, key=f"card-{spec.name}", description=f"{spec.name}: model card")


@task(task_run_name="history-{spec.name}", cache_policy=NO_CACHE)
def show_history(spec: ModelSpec, settings: Settings) -> None:
    """Show every version, its last event and its present state, as a table in the run page.

    It comes after the work: call it with `return_state=True`, so that its failure is shown and fails no release.
    """
    state, entries = registry.state(connect(settings), spec.registered_as), Ledger(settings.ledger).history(spec.service)
    lines = history.versions(state, entries, spec.metric)
    create_table_artifact(lines, key=f"history-{spec.service}", description=f"{spec.service}: its versions, and the last event of each")


@task(task_run_name="report-fleet", cache_policy=NO_CACHE)
def report_fleet(fleet: Fleet) -> None:
    """Show how each release ended, as a table."""
    create_table_artifact([entry.model_dump() for entry in fleet.entries], key="fleet", description="How each model's release ended")


@task(task_run_name="tunnel-opened", cache_policy=NO_CACHE)
def show_tunnel_opened(address: str, minutes: float | None) -> None:
    """Link the public address. `minutes` is how long it stays open; None: until it is stopped."""
    now = datetime.now(UTC)
    end = f"closes by itself at {now + timedelta(minutes=minutes):%H:%M} UTC" if minutes else "open until it is stopped"
    create_link_artifact(
        address, link_text=address, key=TUNNEL, description=f"The gateway's public address since {now:%Y-%m-%d %H:%M} UTC; {end}."
    )


@task(task_run_name="tunnel-closed", cache_policy=NO_CACHE)
def show_tunnel_closed(address: str) -> None:
    """Show that the address leads nowhere any more."""
    now = datetime.now(UTC)
    create_link_artifact(
        address, link_text=f"{address} (closed)", key=TUNNEL, description=f"The tunnel was closed at {now:%Y-%m-%d %H:%M} UTC."
    )
