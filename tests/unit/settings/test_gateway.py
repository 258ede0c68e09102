"""The gateway's settings: what they refuse, and what the gateway receives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from slipway.gateway.configuration import Configuration, Reading
from slipway.settings import Settings
from slipway.settings.gateway import GatewaySettings, networks, rate

pytestmark = pytest.mark.usefixtures("no_settings")
SECRET = "a-password-that-must-not-show"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a `.env`."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("text", "expected"), [("600/minute", (600, 60)), (" 1 / second ", (1, 1)), ("5/hour", (5, 3_600))])
def test_a_rate_is_requests_in_seconds(text: str, expected: tuple[int, int]) -> None:
    assert rate(text) == expected


@pytest.mark.parametrize("text", ["", "600", "0/minute", "-1/minute", "1.5/second", "600 per minute", "600/fortnight"])
def test_a_text_that_is_not_a_rate_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="expected a rate such as 600/minute"):
        Settings(rate_per_caller=text)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "::ffff:7f00:1"])
def test_an_address_beyond_loopback_needs_tls(address: str) -> None:
    with pytest.raises(ValidationError, match="Set SLIPWAY_TLS_CERTIFICATE and SLIPWAY_TLS_KEY"):
        Settings(gateway_address=address)

    assert Settings(gateway_address=address, tls_certificate=Path("a.pem"), tls_key=Path("a.key")).gateway_address == address


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_tls(address: str) -> None:
    assert Settings(gateway_address=address).tls_certificate is None


def test_no_setting_turns_authentication_off() -> None:
    """It would be a setting that is on or off, and there is none of that kind."""
    fields = {**Settings.model_fields, **GatewaySettings.model_fields}
    assert [name for name, field in fields.items() if field.annotation is bool] == []
    assert [name for name in Configuration.__struct_fields__ if re.search("auth|anonym|open|insecure|public", name)] == []


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Settings(tls_certificate=Path("a.pem"))


@pytest.mark.parametrize(
    ("address", "url"),
    [("127.0.0.1", "https://127.0.0.1:8000"), ("0.0.0.0", "https://127.0.0.1:8000"), ("::", "https://[::1]:8000"),
     ("10.0.0.5", "https://10.0.0.5:8000")],
)  # fmt: skip
def test_this_machine_s_programs_reach_it_where_it_listens(address: str, url: str) -> None:
    assert Settings(gateway_address=address, tls_certificate=Path("a.pem"), tls_key=Path("a.key")).gateway_url == url


def test_settings_that_may_contain_a_password_are_not_shown() -> None:
    settings = Settings(limits_storage=f"redis://:{SECRET}@cache/0", audit_url=f"postgresql://me:{SECRET}@db/audit")

    assert SECRET not in repr(settings)
    with pytest.raises(ValidationError, match="limits_storage") as refused:
        Settings(limits_storage=f"ftp://:{SECRET}@cache/0")
    assert SECRET not in str(refused.value)


def test_an_async_storage_may_be_named_in_both_ways() -> None:
    assert Settings(limits_storage="async+redis://cache/0").limits_storage == "redis://cache/0"


def test_the_gateway_receives_all_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"TLS_CERTIFICATE": "a.pem", "TLS_KEY": "a.key", "GATEWAY_WORKERS": "3", "RATE_PER_CALLER": "7/hour", "MAX_ROWS": "9"}
    for name, value in other.items():
        monkeypatch.setenv(f"SLIPWAY_{name}", value)

    found = Reading().result()

    assert (found.tls_certificate, found.workers, found.rate_per_caller, found.max_rows) == (str(tmp_path / "a.pem"), 3, (7, 3_600), 9)
    renamed = {"gateway_address": "address", "gateway_workers": "workers"}
    handed = {renamed.get(name, name) for name in GatewaySettings.model_fields} - {"tls_authority"}  # which clients read
    assert handed <= set(Configuration.__struct_fields__)


def test_the_defaults_of_settings_and_of_the_gateway_are_the_same() -> None:
    found = Reading().result()

    assert found == Configuration(found.home, found.bundles, "127.0.0.1", 8000, {})


def test_only_tls_is_verified() -> None:
    assert Settings().trust is False
    assert Settings(tls_certificate=Path("a.pem"), tls_key=Path("a.key")).trust is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("10.0.0.7", ("10.0.0.7",)),
        (" 10.0.0.7,192.168.4.0/24  ::1", ("10.0.0.7", "192.168.4.0/24", "::1")),
        ('["::1"]', ("::1",)),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(text: str, expected: tuple[str, ...]) -> None:
    assert networks(Settings(trusted_proxies=text).trusted_proxies) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [("proxy.example.org", "expected IP addresses and networks"), ("10.0.0.7/8", "expected IP addresses"), ("0.0.0.0/0", "every address")],
)
def test_trusted_proxies_that_name_nobody_or_everybody_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings(trusted_proxies=text)
