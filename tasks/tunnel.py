"""What Prefect's page of artifacts shows of a tunnel. Each version of the artifact is one opening or closing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

KEY = "tunnel"


@task(task_run_name="tunnel-opened", cache_policy=NO_CACHE)
def show_opened(address: str, minutes: float | None) -> None:
    """Link the public address; `minutes` is for how long, None for until it is stopped."""
    now = datetime.now(UTC)
    end = f"closes by itself at {now + timedelta(minutes=minutes):%H:%M} UTC" if minutes else "open until it is stopped"
    create_link_artifact(
        address, link_text=address, key=KEY, description=f"The gateway's public address since {now:%Y-%m-%d %H:%M} UTC; {end}."
    )


@task(task_run_name="tunnel-closed", cache_policy=NO_CACHE)
def show_closed(address: str) -> None:
    """Say that the address leads nowhere any more."""
    now = datetime.now(UTC)
    create_link_artifact(
        address, link_text=f"{address} (closed)", key=KEY, description=f"The tunnel was closed at {now:%Y-%m-%d %H:%M} UTC."
    )
