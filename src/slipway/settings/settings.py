"""All settings of Slipway in one table, read from `SLIPWAY_*` variables and `.env`, never from code.

`.env.example` documents them; a test keeps the two equal.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from slipway.files import addresses
from slipway.settings.gateway import LOOPBACK, AbsolutePath, GatewaySettings, reachable
from slipway.settings.notifications import NotificationSettings
from slipway.settings.proxies import without_proxy
from slipway.settings.variables import Variables

__all__ = ["CREDENTIALS_FILE", "LOOPBACK", "Port", "Settings"]

Port = Annotated[int, Field(ge=1, le=65_535)]

CREDENTIALS_FILE = "credentials.env"


class HomeFolder(Variables):
    """The folder of all state. It can be read even if other settings are wrong."""

    model_config = SettingsConfigDict(env_file=".env")

    home: AbsolutePath = Path(".slipway")


def home_folder() -> Path:
    """Return the folder for all state of the local platform."""
    return HomeFolder().home


class Settings(NotificationSettings, GatewaySettings):
    """Where things are and how to reach them. Settings never change after they are read."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    home: AbsolutePath = Field(Path(".slipway"), description="Folder for all state of the local platform.")
    mirror: str | None = Field(None, description="Folder, base URL or other address with the data sets' files; for remote origins.")
    sql_user: str | None = Field(None, repr=False, description="User of the databases that rows come from.")
    sql_password: str | None = Field(None, repr=False, description="Password of that user.")
    models: AbsolutePath | None = Field(None, description="Folder of additional model files.")
    prefect_port: Port = Field(4200, description="Port of the Prefect server and its run page.")
    mlflow_port: Port = Field(5000, description="Port of the MLflow server.")
    gateway_port: Port = Field(8000, description="Main port of the gateway; every model is under /models/<name>/.")
    model_ports: dict[str, Port] = Field(
        default_factory=dict, description='Ports of models that differ from those in their files, as JSON: {"heart-failure": 9001}.'
    )
    tracking_uri: str | None = Field(
        None,
        validation_alias=AliasChoices("SLIPWAY_TRACKING_URI", "MLFLOW_TRACKING_URI"),
        repr=False,  # it may contain a password, and so may the ledger's address
        description="MLflow to use instead of the local platform's (MLFLOW_TRACKING_URI is read as well).",
    )
    ledger_url: str | None = Field(
        None, repr=False, description="SQLAlchemy URL of the promotion ledger; default: SQLite in the home folder."
    )
    api_key: SecretStr | None = Field(
        None,
        validation_alias="SLIPWAY_API_KEY",
        description="API key for the endpoint; `slipway up` makes one if it is not set.",
    )
    approval_hours: float = Field(
        72.0, gt=0, allow_inf_nan=False, description="Hours that a release waits for a person's approval; then it counts as rejected."
    )
    approval_form: Literal["open", "closed"] = Field(
        "open",
        description="The form for approvals in the run page, where anybody who reaches Prefect types any name. If it is closed, "
        "decisions are made on the gateway's page and with `slipway approve`.",
    )
    hand_moves: Literal["gate", "restore"] = Field(
        "gate", description="A version that a person makes champion or Production in MLflow: gate judges it, restore puts it back."
    )
    # only `slipway tunnel` uses these two; they are excluded, so the platform's programs do not receive them with the other settings
    ngrok_token: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("SLIPWAY_NGROK_TOKEN", "NGROK_AUTHTOKEN"),
        exclude=True,
        description="Token with which `slipway tunnel` opens a public address (NGROK_AUTHTOKEN is read as well).",
    )
    ngrok_path: AbsolutePath | None = Field(None, exclude=True, description="ngrok's agent, if installed; otherwise it is downloaded.")

    @classmethod
    def load(cls) -> Self:
        """Read the environment, then `.env`. Without a key in them, it is the one that `slipway up` keeps in the home folder.

        From then on, this process reaches the gateway and this machine's other servers through no proxy.
        """
        settings = cls(_env_file=".env")
        os.environ.update(without_proxy(os.environ, reachable(settings.gateway_address).strip("[]")))
        kept = None if settings.api_key else dotenv_values(settings.home / CREDENTIALS_FILE).get("SLIPWAY_API_KEY")
        return settings.model_copy(update={"api_key": SecretStr(kept)}) if kept else settings

    @field_validator("mirror")
    @classmethod
    def _readable(cls, mirror: str | None) -> str | None:
        if mirror and mirror.startswith(addresses.SQL):
            raise ValueError("SLIPWAY_MIRROR has files; a database has none. Name a folder, a base URL, s3:// or dvc+")
        return mirror and addresses.checked(mirror, "SLIPWAY_MIRROR")

    @cached_property
    def gateway_url(self) -> str:
        """The gateway's URL for this machine's own programs."""
        return self.address_of(self.gateway_port)

    def address_of(self, port: int) -> str:
        """Return the URL of one of the gateway's ports, for this machine's own programs."""
        return f"{'https' if self.tls_certificate else 'http'}://{reachable(self.gateway_address)}:{port}"

    @cached_property
    def trust(self) -> SSLContext | bool:
        """What this machine's HTTP clients trust when they call the gateway: `httpx.Client(verify=settings.trust)`.

        Raises:
            ssl.SSLError, OSError: SLIPWAY_TLS_AUTHORITY is not a file of certificates.
        """
        if self.tls_certificate is None:
            return False  # nothing to verify, and reading the public authorities takes longer than an answer
        if self.tls_authority is None:
            return True
        return create_default_context(cafile=str(self.tls_authority))

    @cached_property
    def prefect_url(self) -> str:
        return f"http://{LOOPBACK}:{self.prefect_port}"

    @cached_property
    def mlflow_url(self) -> str:
        return f"http://{LOOPBACK}:{self.mlflow_port}"

    @cached_property
    def mlflow_database(self) -> str:
        return f"sqlite:///{self.home / 'mlflow' / 'mlflow.db'}"

    @cached_property
    def mlflow_artifacts(self) -> Path:
        return self.home / "mlflow" / "artifacts"

    @cached_property
    def tracking(self) -> str:
        """The MLflow in use: the one that is set, or else the home folder's database without a server."""
        return self.tracking_uri or self.mlflow_database

    @cached_property
    def ledger(self) -> str:
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.db'}"

    @cached_property
    def sql_login(self) -> addresses.Login:
        """Who reads the databases that rows come from."""
        return addresses.Login(self.sql_user, self.sql_password)

    @cached_property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    @cached_property
    def studies(self) -> Path:
        return self.home / "studies"

    @cached_property
    def bundles(self) -> Path:
        """Folder of installed bundles; the gateway watches it."""
        return self.home / "bundles"
