"""The versions of a registered model: their aliases, their stages, and their bundles.

Alias and stage mirror what is in service; see `slipway.lifecycle.mirroring`. Only `candidate` and Staging are MLflow's own.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.bundle.reading import Bundle, read
from slipway.errors import RegistryError
from slipway.records import RegistryState
from slipway.tracking.connection import is_away, without_password
from slipway.tracking.unfinished import MODEL_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from slipway.training.seen_rows import Hashes

logger = logging.getLogger(__name__)

CANDIDATE, CHALLENGER, CHAMPION, PREVIOUS = "candidate", "challenger", "champion", "previous"
STAGING, PRODUCTION = "Staging", "Production"
BUNDLE_PATH = "bundle"


def state(client: MlflowClient, registered_as: str) -> RegistryState:
    """Return all aliases and stages of a registered model; empty if there is no such model yet."""
    models = client.search_registered_models(filter_string=f"name='{registered_as}'")
    if not models:
        return RegistryState(registered_as=registered_as, aliases={}, stages={})
    with stages_without_warning():
        versions = client.search_model_versions(f"name='{registered_as}'")
        stages = {int(version.version): str(version.current_stage) for version in versions}
    aliases = {alias: int(version) for alias, version in models[0].aliases.items()}
    return RegistryState(registered_as=registered_as, aliases=aliases, stages=stages)


def runs(client: MlflowClient, registered_as: str) -> dict[int, str]:
    """Return the run of every registered version; "" for one that no run made."""
    return {int(version.version): version.run_id or "" for version in client.search_model_versions(f"name='{registered_as}'")}


def made_by(client: MlflowClient, registered_as: str, version: int) -> str:
    """Return the name of the spec that made a version; "" if MLflow has lost the version, or its tag."""
    found = client.search_model_versions(f"name='{registered_as}'")
    return next((str(one.tags.get(MODEL_TAG, "")) for one in found if int(one.version) == version), "")


def nominate(client: MlflowClient, registered_as: str, version: int) -> None:
    """Make a new version the candidate, in Staging."""
    with stages_without_warning():
        client.transition_model_version_stage(registered_as, str(version), STAGING)
    client.set_registered_model_alias(registered_as, CANDIDATE, str(version))


def challenge(client: MlflowClient, registered_as: str, version: int | None) -> None:
    """Make a version the challenger: it keeps its stage and is no longer the candidate. None: no challenger. Safe to repeat."""
    aliases = state(client, registered_as).aliases
    if version is None:
        if CHALLENGER in aliases:
            client.delete_registered_model_alias(registered_as, CHALLENGER)
        return
    client.set_registered_model_alias(registered_as, CHALLENGER, str(version))
    if aliases.get(CANDIDATE) == version:
        client.delete_registered_model_alias(registered_as, CANDIDATE)


def restore(client: MlflowClient, before: RegistryState) -> None:
    """Restore every alias and stage. Versions that came later keep their stage, unless it is Production."""
    name, now = before.registered_as, state(client, before.registered_as)
    with stages_without_warning():
        for version, stage in now.stages.items():
            wanted = before.stages.get(version, "Archived" if stage == PRODUCTION else stage)
            if wanted != stage:
                client.transition_model_version_stage(name, str(version), wanted)
    for alias in now.aliases.keys() - before.aliases.keys():
        client.delete_registered_model_alias(name, alias)
    for alias, version in before.aliases.items():
        if now.aliases.get(alias) != version:
            client.set_registered_model_alias(name, alias, str(version))
    logger.info("%s: aliases are back to %s", name, before.aliases or "none")


@contextmanager
def downloaded_bundle(client: MlflowClient, run_id: str) -> Iterator[Bundle]:
    """Download the bundle of a run and verify it. Its folder lasts as long as the block.

    Raises:
        RegistryError: MLflow has lost the run or its bundle.
        BundleError: The bundle is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-bundle-") as folder:
        yield read(_download(client, run_id, Path(folder)))


def _download(client: MlflowClient, run_id: str, folder: Path) -> Path:
    from mlflow.exceptions import MlflowException

    try:
        return Path(client.download_artifacts(run_id, BUNDLE_PATH, str(folder)))
    except (MlflowException, OSError) as error:
        if is_away(error):
            raise
        raise RegistryError(
            f"MLflow has no bundle of run {run_id} any more ({without_password(error)}). Release the model again."
        ) from None


@contextmanager
def bundle_of(client: MlflowClient, registered_as: str, version: int) -> Iterator[Bundle]:
    """Download the bundle of a registered version and verify it. Its folder lasts as long as the block.

    Raises:
        RegistryError: There is no such version, or its run has no bundle.
    """
    with downloaded_bundle(client, run_of(client, registered_as, version)) as bundle:
        yield bundle


def run_of(client: MlflowClient, registered_as: str, version: int) -> str:
    """Return the run of a registered version, after a look at whether it has a bundle.

    Raises:
        RegistryError: There is no such version, or its run has no bundle.
    """
    if version not in (known := runs(client, registered_as)):
        there = ", ".join(map(str, sorted(known))) or "none"
        raise RegistryError(f"{registered_as} has no version {version}; the registry has: {there}.")
    if BUNDLE_PATH not in _artifacts(client, known[version]):
        raise RegistryError(f"{registered_as} version {version} has no bundle, so it comes from no release. Name a version of a release.")
    return known[version]


def _artifacts(client: MlflowClient, run_id: str) -> set[str]:
    """Return the names of a run's artifacts; none if MLflow has lost the run."""
    from mlflow.exceptions import MlflowException

    try:
        return {found.path for found in client.list_artifacts(run_id)} if run_id else set()
    except (MlflowException, OSError) as error:
        if is_away(error):
            raise
        return set()


def training_rows(client: MlflowClient, run_id: str) -> Hashes | None:
    """Return the hashes of the training rows of a run's model; None if they were not stored or cannot be read."""
    from slipway.training import seen_rows

    if seen_rows.FILE not in _artifacts(client, run_id):
        return None
    with tempfile.TemporaryDirectory(prefix="slipway-rows-") as folder:
        try:
            return seen_rows.read(Path(client.download_artifacts(run_id, seen_rows.FILE, folder)))
        except ValueError as error:
            logger.warning("run %s: the hashes of its training rows cannot be read: %s", run_id, error)
            return None


@contextmanager
def stages_without_warning() -> Iterator[None]:
    """MLflow deprecates stages, which we use on purpose; its warning would flood the log of the run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
