"""Running a flow from the shell, recorded on the platform if it is up, else by itself."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from deployments import local
from deployments.local.services import STEADY
from slipway.catalogue.imports import without_collector
from slipway.errors import PlatformError
from slipway.files.storage import require_storage
from slipway.lifecycle.ports import needed_ports
from slipway.settings import Settings

RECORDING = (local.PREFECT, local.MLFLOW)  # the programs that record a run; without both of them, a run is by itself
NEEDED = ("flows.release", "mlflow.sklearn", "matplotlib.figure", "skops.io")  # by every release, sooner or later


@contextmanager
def session(
    settings: Settings,
    report: Callable[[str], None],
    needed: Sequence[str] = NEEDED,
    *,
    gateway: bool = True,
    model: str | None = None,
) -> Iterator[Settings]:
    """Prepare this process to run flows, and yield the settings they will find. The modules `needed` are imported on the way.

    With the platform up, runs are recorded on its Prefect server and in its MLflow server. Without it, a Prefect server
    lives as long as the block, MLflow writes to the home folder's database, and the gateway is started to stay, because an
    endpoint is what a release is for.

    Args:
        needed: Modules to import at once; those of a release if left out.
        gateway: Whether the flow asks the gateway; if not, it is not started.
        model: The model that the flow may put into service: its port must be free, or the gateway's. Ports of other models may be taken.
    Raises:
        PortTakenError: Another program has a port that this command needs.
        PlatformError: A program did not start, or runs with other settings than these.
    """
    require_storage(settings.home)
    with ExitStack() as stack:
        if gateway:
            _provide_gateway(settings, needed_ports(settings, model), report)
        if local.is_up(settings, RECORDING):
            local.require_usable(settings, RECORDING)
            use_prefect(settings)
            os.environ["MLFLOW_TRACKING_URI"] = settings.tracking_uri or settings.mlflow_url
        else:
            report("the platform is not up (`slipway up`), so this runs by itself; starting Prefect")
            os.environ["MLFLOW_TRACKING_URI"] = settings.tracking
            stack.enter_context(_temporary_prefect(settings))
        with without_collector():
            for name in needed:
                importlib.import_module(name)
        yield Settings.load()


def require_run_page(name: str, settings: Settings, *, approval: bool) -> None:
    """Refuse a release or a promotion that a person must approve where there is no run page to approve it in.

    Raises:
        PlatformError: The platform is not up.
    """
    if approval and not local.is_up(settings, RECORDING):
        raise PlatformError(
            f"{name}: a person is to approve in the run page, and the platform is not up. "
            f"Run `slipway up`, then the same command again, or start the deployment in the run page."
        )


def _provide_gateway(settings: Settings, ports: dict[str, int], report: Callable[[str], None]) -> None:
    """Start the gateway, unless it runs; refuse one that cannot serve a model on its port."""
    if local.is_up(settings, (local.GATEWAY,)):
        local.require_usable(settings, (local.GATEWAY,), ports)
    else:
        local.up(settings, programs=(local.GATEWAY,), model_ports=ports, on_progress=report)


def use_prefect(settings: Settings) -> None:
    """Have this process record its runs on the platform's Prefect server."""
    os.environ["PREFECT_API_URL"] = f"{settings.prefect_url}/api"
    os.environ.update(STEADY)
    quiet_prefect(settings)


def quiet_prefect(settings: Settings) -> None:
    """Set what keeps Prefect private and leaves the terminal to Slipway's own lines, also where Prefect is imported already."""
    (settings.home / "prefect").mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "SLIPWAY_HOME": str(settings.home),
            "PREFECT_HOME": str(settings.home / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "slipway",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # seconds; after three without one the run is taken for dead
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # what a cancelled run logs last would print a warning instead
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        }
    )
    if "prefect.context" in sys.modules:  # it read its settings when an earlier command of this process imported it
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


@contextmanager
def _temporary_prefect(settings: Settings) -> Iterator[None]:
    quiet_prefect(settings)
    from prefect.settings import PREFECT_API_URL, temporary_settings

    # without an address Prefect starts a server of its own; pyproject.toml names the platform's, which is not up
    with temporary_settings({PREFECT_API_URL: None}):
        yield
