"""Requests to this machine's own servers go through no proxy, whatever the environment says."""

from __future__ import annotations

import os

import httpx
import pytest
import requests

from slipway.settings import Settings
from slipway.settings.proxies import without_proxy


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, "127.0.0.1,localhost,10.0.0.5"),
        ({"NO_PROXY": "example.org, 10.0.0.5"}, "example.org,10.0.0.5,127.0.0.1,localhost"),
        ({"NO_PROXY": "", "no_proxy": "example.org"}, "example.org,127.0.0.1,localhost,10.0.0.5"),
    ],
)
def test_own_hosts_join_those_that_the_environment_names(environ: dict[str, str], wanted: str) -> None:
    assert without_proxy(environ, "10.0.0.5") == {"NO_PROXY": wanted, "no_proxy": wanted}


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_no_request_to_a_server_of_ours_reaches_the_proxy(variable, website, dead_url, no_settings, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, website.url)
    with pytest.raises(httpx.HTTPStatusError):  # it is used for others
        httpx.get("http://example.org/").raise_for_status()
    before = website.hits
    assert before == 1

    Settings.load()

    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "127.0.0.1,localhost"
    with pytest.raises(httpx.ConnectError):
        httpx.get(dead_url)
    with pytest.raises(requests.ConnectionError):  # as MLflow asks its server
        requests.get(dead_url, timeout=5)
    assert website.hits == before
