"""One table of settings: their sources, the order of these, and what is never shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices, SecretStr, ValidationError

from slipway.settings import Settings
from slipway.tracking.connection import page

ROOT = Path(__file__).parents[3]
SECRET = "a-key-that-must-not-show"

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a `.env`."""
    monkeypatch.chdir(tmp_path)


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    settings = Settings.load()

    assert settings.home == tmp_path / ".slipway"
    assert (settings.prefect_port, settings.mlflow_port, settings.gateway_port) == (4200, 5000, 8000)
    assert settings.mirror is None
    assert settings.api_key is None
    assert settings.model_ports == {}
    assert settings.tracking == f"sqlite:///{tmp_path}/.slipway/mlflow/mlflow.db"
    assert settings.ledger == f"sqlite:///{tmp_path}/.slipway/ledger.db"


def test_a_relative_home_becomes_absolute_so_that_other_processes_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_HOME", "state")

    settings = Settings.load()

    assert settings.home == tmp_path / "state"
    assert settings.bundles == tmp_path / "state" / "bundles"


def test_a_relative_folder_of_models_becomes_absolute_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().models is None

    monkeypatch.setenv("SLIPWAY_MODELS", "mine")

    assert Settings.load().models == tmp_path / "mine"


def test_the_environment_comes_before_dotenv_and_dotenv_before_the_kept_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key() -> str:
        found = Settings.load().api_key
        return found.get_secret_value() if found else ""

    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway" / "credentials.env").write_text("SLIPWAY_API_KEY=kept\n")
    assert key() == "kept"
    (tmp_path / ".env").write_text("SLIPWAY_API_KEY=dotenv\n")
    assert key() == "dotenv"
    monkeypatch.setenv("SLIPWAY_API_KEY", "environment")
    assert key() == "environment"


def test_the_credentials_are_looked_for_in_the_home_that_dotenv_names(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "credentials.env").write_text("SLIPWAY_API_KEY=kept-elsewhere\n")
    (tmp_path / ".env").write_text("SLIPWAY_HOME=elsewhere\n")

    key = Settings.load().api_key

    assert key is not None
    assert key.get_secret_value() == "kept-elsewhere"


def test_an_empty_variable_counts_as_not_set_in_the_environment_and_in_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway" / "credentials.env").write_text("SLIPWAY_API_KEY=kept\n")
    (tmp_path / ".env").write_text("SLIPWAY_API_KEY=\nSLIPWAY_GATEWAY_PORT=8123\n")
    for name in ("SLIPWAY_MIRROR", "SLIPWAY_GATEWAY_PORT", "SLIPWAY_TRACKING_URI", "SLIPWAY_MODEL_PORTS"):
        monkeypatch.setenv(name, "")

    settings = Settings.load()

    assert settings.mirror is None
    assert settings.gateway_port == 8123
    assert settings.tracking == settings.mlflow_database
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "kept"


def test_a_password_in_the_mirrors_address_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_MIRROR", f"https://reader:{SECRET}@rows.example/csv")

    with pytest.raises(ValidationError, match="SLIPWAY_MIRROR must not contain a password") as refusal:
        Settings.load()

    assert SECRET not in str(refusal.value)


def test_a_refused_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_GATEWAY_PORT", SECRET)

    with pytest.raises(ValidationError, match="gateway_port") as refusal:
        Settings.load()

    assert SECRET not in str(refusal.value)


def test_no_form_of_the_settings_shows_the_api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_API_KEY", SECRET)

    settings = Settings.load()

    assert settings.api_key is not None
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert "api_key" in shown
        assert SECRET not in shown


def test_settings_cannot_be_changed_after_they_are_read() -> None:
    settings = Settings.load()

    with pytest.raises(ValidationError, match="frozen"):
        settings.home = Path("other")  # type: ignore[misc]


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_number_that_is_not_a_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("SLIPWAY_MODEL_PORTS", f'{{"heart-failure": {port}}}')

    with pytest.raises(ValidationError, match="model_ports"):
        Settings.load()


def test_mlflows_own_variable_is_read_and_ours_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://theirs")
    assert Settings.load().tracking == "http://theirs"

    monkeypatch.setenv("SLIPWAY_TRACKING_URI", "http://ours")
    assert Settings.load().tracking == "http://ours"


def test_a_setting_given_in_code_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_TRACKING_URI", "http://environment")
    monkeypatch.setenv("SLIPWAY_API_KEY", "environment")

    settings = Settings(tracking_uri="http://code", api_key=SecretStr("code"))

    assert settings.tracking == "http://code"
    assert settings.api_key == SecretStr("code")


def test_dotenv_example_documents_exactly_the_existing_settings() -> None:
    read = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias or f"SLIPWAY_{name.upper()}"
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        read |= {str(choice) for choice in choices if str(choice).startswith("SLIPWAY_")}

    documented = re.findall(r"^(?:# ?)?(SLIPWAY_\w+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)

    assert len(documented) == len(set(documented))
    assert set(documented) == read


def test_addresses_that_may_hold_a_password_are_not_shown(no_settings: None, tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, tracking_uri=f"http://reader:{SECRET}@mlflow.example", ledger_url=f"postgresql://me:{SECRET}@db/ledger"
    )

    assert SECRET not in repr(settings)
    assert page(settings) == "http://mlflow.example"
