"""The smoke test: rows with known answers over real HTTP to the public port, with a real credential."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Mapping
from typing import Any

import httpx

from slipway.bundle.contract import Contract, Probe
from slipway.bundle.reading import Bundle
from slipway.errors import EndpointUnreachableError, SmokeTestError
from slipway.lifecycle.serving import bearer
from slipway.problems.serving import Answer
from slipway.records import Endpoint, SmokeReport
from slipway.settings import Settings

logger = logging.getLogger(__name__)

SHOWN = 5
UNKNOWN = "a column that no model has"
TIMEOUT = 10.0


def smoke_test(endpoint: Endpoint, bundle: Bundle, settings: Settings) -> SmokeReport:
    """Send the probe rows, together and one by one, and rows that must be refused.

    Raises:
        SmokeTestError: An answer differs from the measured one, another version answered, a bad row or a request without a key was
            accepted, or the endpoint did not answer (`EndpointUnreachableError`).
    """
    with httpx.Client(timeout=TIMEOUT, verify=settings.trust) as client:
        try:
            # a challenger with a share of the requests would else answer some of these
            return _smoke_test(client, endpoint, bundle, bearer(settings) | {"X-Slipway-Version": str(endpoint.version)})
        except httpx.HTTPError as error:
            raise EndpointUnreachableError(f"{endpoint.model}: {endpoint.url} broke off ({error or type(error).__name__}).") from error


def _smoke_test(client: httpx.Client, endpoint: Endpoint, bundle: Bundle, key: dict[str, str]) -> SmokeReport:
    contract, probe = bundle.contract, bundle.probe
    columns = [column.name for column in contract.columns]
    _require_answers(endpoint, client, probe.rows, probe.labels, contract, key)
    latencies = []
    for row, label in zip(probe.rows, probe.labels, strict=True):
        started = time.perf_counter()
        _require_answers(endpoint, client, [row], [label], contract, key)
        latencies.append(1000 * (time.perf_counter() - started))
    keyless = {"dataframe_split": {"columns": columns, "data": probe.rows[:1]}}
    _require_refusal(endpoint, client, "a row without a key", keyless, {}, 401)
    for what, bad in _bad_rows(contract, probe).items():
        _require_refusal(endpoint, client, what, {"dataframe_records": [bad]}, key, 400)
    report = SmokeReport(endpoint=endpoint, probes=len(probe.rows), refused=3, latency_ms=round(statistics.median(latencies), 3))
    logger.info("%s: %d probe rows came back as measured, median %.1f ms a row", endpoint.model, report.probes, report.latency_ms)
    return report


def _require_answers(
    endpoint: Endpoint,
    client: httpx.Client,
    rows: list[list[Any]],
    expected: list[Answer],
    contract: Contract,
    key: dict[str, str],
) -> None:
    columns, same = [column.name for column in contract.columns], contract.output.same
    response = client.post(endpoint.url, headers=key, json={"dataframe_split": {"columns": columns, "data": rows}})
    if response.status_code != httpx.codes.OK:
        raise SmokeTestError(
            f"{endpoint.model}: {endpoint.url} answered {response.status_code} to rows whose answers were measured: {response.text[:500]}"
        )
    answered_by = (response.headers.get("X-Slipway-Version"), response.headers.get("X-Slipway-Run"))
    if answered_by != (str(endpoint.version), endpoint.run_id):
        raise SmokeTestError(
            f"{endpoint.model}: version {endpoint.version} of run {endpoint.run_id} was promoted, "
            f"but version {answered_by[0]} of run {answered_by[1]} answers at {endpoint.url}."
        )
    received = response.json()["predictions"]
    pairs = zip(expected, received, strict=False)
    wrong = [f"row {row}: measured {ours!r}, received {theirs!r}" for row, (ours, theirs) in enumerate(pairs) if not same(ours, theirs)]
    if wrong or len(received) != len(expected):
        raise SmokeTestError(
            f"{endpoint.model}: {endpoint.url} does not answer as measured: {'; '.join(wrong[:SHOWN]) or 'wrong number of rows'}."
        )


def _require_refusal(
    endpoint: Endpoint, client: httpx.Client, what: str, body: Mapping[str, object], key: dict[str, str], status: int
) -> None:
    """`what` names the body in the message: messages go into logs and notifications, where no row belongs."""
    response = client.post(endpoint.url, headers=key, json=body)
    if response.status_code != status:
        raise SmokeTestError(f"{endpoint.model}: {endpoint.url} answered {response.status_code} to {what}; expected {status}.")


def _bad_rows(contract: Contract, probe: Probe) -> dict[str, dict[str, Any]]:
    """Return a row without its first column and one with a value of the wrong type there, each by its description.

    If every column may be missing, the first row has a column that the model does not know.
    """
    good = dict(zip([column.name for column in contract.columns], probe.rows[0], strict=True))
    needed = [column for column in contract.columns if not column.missing]
    first = (needed or contract.columns)[0]
    wrong_type = good | {first.name: 1 if first.is_text else "many"}
    incomplete = {name: value for name, value in good.items() if name != first.name} if needed else good | {UNKNOWN: 1}
    what = f"a row without {first.name}" if needed else "a row with an unknown column"
    return {what: incomplete, f"a row whose {first.name} is of the wrong type": wrong_type}
