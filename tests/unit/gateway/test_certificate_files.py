"""A certificate or key that is removed under the gateway: the pair in service stays, and the loss is reported until the file is back."""

from __future__ import annotations

import asyncio
import os

import pytest

from slipway.certificates import trial
from slipway.gateway.network import tls
from slipway.gateway.network.tls import ServerCertificate
from tests.support.hanging import hanging


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_removed_file_is_reported_and_the_pair_in_memory_stays(which, tmp_path, caplog):
    pair = trial.server(tmp_path / "certificates")
    served, path = ServerCertificate(pair.certificate, pair.key), getattr(pair, which)
    context = served._current
    path.rename(tmp_path / "away")

    for _ in range(3):
        served.refresh()

    assert served.error == f"{path} cannot be read."
    assert served._current is context
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} cannot be read. The certificate that was in service stays. Replace the pair, or make one with `slipway certs`."
    ]
    (tmp_path / "away").rename(path)
    served.refresh()
    assert served.error is None


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_pipe_in_the_place_of_a_file_is_reported_at_once(which, tmp_path):
    pair = trial.server(tmp_path / "certificates")
    served, path = ServerCertificate(pair.certificate, pair.key), getattr(pair, which)
    path.rename(tmp_path / "away")
    os.mkfifo(path)

    served.refresh()

    assert "expected a regular file, received another kind" in str(served.error)
    (tmp_path / "away").rename(path)
    served.refresh()
    assert served.error is None


def test_a_file_that_hangs_holds_up_nothing_else_and_is_reported(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tls, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(tls, "PATIENCE", 0.2)
    pair = trial.server(tmp_path / "certificates")
    served = ServerCertificate(pair.certificate, pair.key)
    context = served._current

    async def main():
        following = asyncio.create_task(served.follow())
        with hanging(pair.certificate):
            while not served.error:
                await asyncio.sleep(0.01)  # as the requests of others go on
            assert served._current is context
        while served.error:
            await asyncio.sleep(0.01)
        following.cancel()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert "the certificate was not read within 0 s. Look at the disk or mount it is on. The certificate that was in service" in caplog.text
