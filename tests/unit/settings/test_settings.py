"""One table of settings: their sources, the order of these, and what is never shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from pydantic import AliasChoices, SecretStr, ValidationError

from deployments.local.services import inherited
from deployments.terminal.command import WRONG, command
from slipway.settings import Settings, home_folder
from slipway.tracking.connection import page

ROOT = Path(__file__).parents[3]
SECRET = "a-key-that-must-not-show"
SET = {
    "trusted_proxies": "10.0.0.7",  # a value of each setting that can be taken away
    "mirror": "/rows",
    "sql_user": "reader",
    "sql_password": SECRET,
    "models": "/models",
    "model_ports": '{"toy": 9001}',
    "tracking_uri": "http://mlflow.example",
    "ledger_url": "sqlite:////ledger.db",
    "api_key": SECRET,
    "ngrok_token": SECRET,
    "ngrok_path": "/ngrok",
    "tls_authority": "/authority.pem",
    "audit_url": "postgresql://db/log",
    "audit_retention_days": "7",
    "notify_slack": "https://hooks.slack.com/services/T/B/x",
    "notify_teams": "https://host/workflows/id/triggers/manual/paths/invoke?sig=x",
    "notify_email": "mailtos://host/?to=anna@host",
    "notify_webhook": "https://host/path",
}

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


def names(name: str) -> list[str]:
    alias = Settings.model_fields[name].validation_alias or f"SLIPWAY_{name.upper()}"
    return [str(choice) for choice in (alias.choices if isinstance(alias, AliasChoices) else [alias])]


@pytest.mark.parametrize(("name", "variable"), [(name, variable) for name in Settings.model_fields for variable in names(name)])
def test_an_empty_variable_takes_away_what_dotenv_sets_or_is_refused(
    name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsed restore must not alarm the channel of the real platform."""
    (tmp_path / ".env").write_text("".join(f"{one}={SET[name]}\n" for one in names(name) if name in SET))
    before = getattr(Settings.load(), name)
    monkeypatch.setenv(variable, "")
    default = Settings.model_fields[name].get_default(call_default_factory=True)

    if default:
        with pytest.raises(ValidationError, match=rf"SLIPWAY_{name.upper()} is empty\. Set a value, or remove the variable to use "):
            Settings.load()
    else:
        assert before != default or name.startswith(("tls", "oidc"))  # these need each other
        assert getattr(Settings.load(), name) == default


@pytest.mark.parametrize("place", ["shell", "dotenv"])
def test_an_empty_key_leaves_the_one_that_up_keeps(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway" / "credentials.env").write_text("SLIPWAY_API_KEY=kept\n")
    (tmp_path / ".env").write_text(f"SLIPWAY_API_KEY={'mine' if place == 'shell' else ''}\n")
    if place == "shell":
        monkeypatch.setenv("SLIPWAY_API_KEY", "")

    assert Settings.load().api_key == SecretStr("kept")


def test_an_empty_home_is_refused_and_is_not_the_folder_one_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_HOME", "")

    with pytest.raises(ValidationError, match=r"SLIPWAY_HOME is empty\. Set a value, or remove the variable to use \.slipway"):
        home_folder()


def test_an_empty_variable_reaches_the_programs_of_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run in the same folder, so they read the same `.env`."""
    (tmp_path / ".env").write_text('SLIPWAY_MIRROR=/rows\nSLIPWAY_MODEL_PORTS={"toy": 9001}\nSLIPWAY_AUDIT_RETENTION_DAYS=7\n')
    monkeypatch.setenv("SLIPWAY_MIRROR", "")
    monkeypatch.setenv("SLIPWAY_MODEL_PORTS", "")
    environment = inherited(Settings.load(), {})

    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert (Settings.load().mirror, Settings.load().model_ports, Settings.load().audit_retention_days) == (None, {}, 7)


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


def test_a_setting_that_is_not_json_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SLIPWAY_MODEL_PORTS", SECRET)

    with pytest.raises(typer.Exit), command():
        pass

    error = capsys.readouterr().err
    assert error == f"error: {WRONG}: SLIPWAY_MODEL_PORTS is not JSON. .env.example shows its form\n"


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
        home=tmp_path,
        tracking_uri=f"http://reader:{SECRET}@mlflow.example",
        ledger_url=f"postgresql://me:{SECRET}@db/ledger",
        sql_password=SECRET,
    )

    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.sql_login)
    assert page(settings) == "http://mlflow.example"
