"""A local authority and its certificates: made once, shown after that, and trusted only by those who are given it."""

from __future__ import annotations

import json
import os
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from deployments.commands.certs import certs
from slipway.certificates import issuing, trial
from slipway.certificates.trial import CertificateError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "certificates"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_keys_are_their_owner_s_only(folder: Path) -> None:
    made = trial.server(folder)

    assert (mode(made.key), mode(folder / "authority.key"), mode(folder)) == (0o600, 0o600, 0o700)
    assert set(made.names) == {"localhost", "127.0.0.1", "::1"}
    assert 396 <= (made.ends_at - datetime.now(UTC)).days <= 397


def test_the_second_time_nothing_is_made(folder: Path) -> None:
    first = trial.server(folder, ["gateway.example", "10.0.0.5"])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    again = trial.server(folder, ["10.0.0.5", "Gateway.Example"])

    assert (first.made, again.made) == (True, False)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_renewing_makes_a_new_server_certificate_of_the_same_authority(folder: Path) -> None:
    before, authority = trial.server(folder).certificate.read_bytes(), (folder / "authority.pem").read_bytes()

    assert trial.server(folder, renew=True).certificate.read_bytes() != before
    assert (folder / "authority.pem").read_bytes() == authority


def test_other_names_an_early_end_or_a_new_authority_make_a_new_certificate(folder: Path) -> None:
    trial.server(folder)
    assert trial.server(folder, ["gateway.example"]).made

    authority = issuing.read((folder / "authority.pem").read_bytes(), (folder / "authority.key").read_bytes())
    key, now = issuing.new_key(), datetime.now(UTC)
    short = issuing.server(key, ["gateway.example"], (now, now + timedelta(days=29)), *authority)
    (folder / "server.pem").write_bytes(issuing.certificate_pem(short))
    (folder / "server.key").write_bytes(issuing.key_pem(key))
    assert trial.server(folder, ["gateway.example"]).made

    (folder / "authority.pem").unlink()
    trial.authority(folder)
    assert trial.server(folder, ["gateway.example"]).made


def test_openssl_trusts_it_for_its_names_with_the_authority_only(folder: Path) -> None:
    made = trial.server(folder, ["gateway.example"])

    assert handshake(made, folder / "authority.pem", "gateway.example")
    assert not handshake(made, folder / "authority.pem", "other.example")
    assert not handshake(made, trial.authority(folder / "other").certificate, "gateway.example")


def handshake(pair: trial.Pair, authority: Path, name: str) -> bool:
    """Return whether a client that trusts `authority` accepts the server as `name`; both are here, in memory."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pair.certificate, pair.key)
    asking = ssl.create_default_context(cafile=str(authority))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    client = asking.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(5):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return client.version() == "TLSv1.3"


def test_a_damaged_file_is_named_and_not_replaced(folder: Path) -> None:
    trial.server(folder)
    (folder / "authority.key").write_text("damaged")

    with pytest.raises(CertificateError, match="Move both away"):
        trial.server(folder, renew=True)
    assert (folder / "authority.key").read_text() == "damaged"


@pytest.mark.parametrize("name", ["", "a b", "-.-/", "ä.example", "x" * 64, "a..b", "*.example"])
def test_a_name_that_is_not_a_host_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="neither a host name nor an IP address"):
        trial.server(folder, [name])


@pytest.mark.usefixtures("no_settings")
def test_the_command_makes_shows_and_renews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(certs)

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(app, arguments)
        assert found.exit_code == 0, found.output
        return found.stdout

    made = json.loads(run("localhost", "--json"))
    shown = json.loads(run("localhost", "--json"))
    assert (made["server"]["made"], shown["server"]["made"]) == (True, False)
    assert made["server"]["certificate"] == str(tmp_path / ".slipway" / "certificates" / "server.pem")
    assert json.loads(run("localhost", "--renew", "--json"))["server"]["made"]
    assert f"SLIPWAY_TLS_CERTIFICATE={made['server']['certificate']}\n" in run("localhost")
    assert "For example: slipway certs" in run("--help")


@pytest.mark.usefixtures("no_settings")
def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(certs)

    found = CliRunner().invoke(app, ["a b", "--folder", str(tmp_path), "--json"])

    assert found.exit_code == 1
    assert json.loads(found.stdout)["error"] == "CertificateError"


def test_a_pair_can_be_made_while_the_settings_wait_for_it(tmp_path):
    """An address beyond loopback is refused until there is a certificate; but the command that makes one must work."""
    environment = os.environ | {"SLIPWAY_HOME": str(tmp_path), "SLIPWAY_GATEWAY_ADDRESS": "0.0.0.0"}

    made = subprocess.run([sys.executable, "-m", "deployments.cli", "certs"], env=environment, capture_output=True, text=True)

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "certificates" / "server.pem").exists()
