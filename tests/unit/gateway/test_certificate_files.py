"""A certificate or key that is removed under the gateway: the pair in service stays, and the loss is reported until the file is back."""

from __future__ import annotations

import pytest

from slipway.certificates import trial
from slipway.gateway.network.tls import ServerCertificate


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
