"""MLflow's tracking server in one process: `python -m deployments.local.mlflow_server DATABASE ARTIFACTS PORT`.

`mlflow server` imports MLflow, then starts uvicorn, which imports it again: twice the start, and when the first of the
two is killed the second one keeps the port, so that no restart can succeed.
"""

from __future__ import annotations

import os
import sys

from deployments.local.own_pages import OwnPagesOnly
from slipway.catalogue.imports import without_collector
from slipway.settings import LOOPBACK


def main(database: str, artifacts: str, port: int) -> None:
    """Migrate the database, then serve on loopback until SIGTERM; artifacts are files that clients write themselves."""
    with without_collector():  # a fifth of the start
        import uvicorn
        from mlflow.server import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR, REGISTRY_STORE_URI_ENV_VAR

        os.environ |= {BACKEND_STORE_URI_ENV_VAR: database, REGISTRY_STORE_URI_ENV_VAR: database, ARTIFACT_ROOT_ENV_VAR: artifacts}
        from mlflow.server.handlers import initialize_backend_stores

        initialize_backend_stores(database, database, artifacts)
        from mlflow.server.fastapi_app import app
    uvicorn.run(OwnPagesOnly(app), host=LOOPBACK, port=port, workers=1, access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
