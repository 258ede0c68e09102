"""What tests of the audit log share: a contract, entries, and both databases, SQLite's and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.postgres import running_postgres

if TYPE_CHECKING:
    from slipway.audit import Answered, AuditLog, Place

_NUMBERS = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a PostgreSQL server as slow."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()) or "postgres" in item.name:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Wait for a condition: `until(condition, seconds=5)` fails when it is not true by then."""

    def wait(condition: Callable[[], object], seconds: float = 5) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not true within {seconds} s"
            time.sleep(0.01)  # the pause between two looks

    return wait


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of the test session's own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Any) -> str:
    """The address of an empty database."""
    name = f"audit_{next(_NUMBERS)}"
    postgres.psql(f"CREATE DATABASE {name};")
    return str(postgres.get_uri(name))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where the log of the home folder `tmp_path` is: in the folder, or in PostgreSQL."""
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Callable[..., AuditLog]]:
    """Open the log at a place; it is closed after the test."""
    from slipway.audit import AuditLog

    opened: list[AuditLog] = []

    def make(place: Place, **options: Any) -> AuditLog:
        opened.append(AuditLog(tmp_path, None if isinstance(place, Path) else place, **options))
        return opened[-1]

    yield make
    for log in opened:
        log.close()


@pytest.fixture(scope="session")
def answered() -> Callable[..., Answered]:
    """Make an entry of one row for every label; keywords replace parts of it."""
    from slipway.audit import Answered
    from slipway.bundle.contract import Column, Contract

    columns = (Column("Age", "integer", "age", low=0, high=120), Column("Sex", "category", "sex", values=("F", "M")))
    contract = Contract(
        format=1,
        model="toy",
        registered_as="toy_logistic",
        version=3,
        run_id="3" * 32,
        engine="onnx",
        description="a model for tests",
        columns=columns,
        target="Answer",
        classes=(0, 1),
        class_meanings=("no", "yes"),
        positive=1,
        threshold=0.5,
        data_sha256="0" * 64,
        sample=True,
        metrics={},
        mlflow_version="3.17.2",
        created_at="2026-11-01T00:00:00+00:00",
    )

    def make(labels: Any = (1,), **changes: Any) -> Answered:
        rows = len(labels)
        parts: dict[str, Any] = {
            "request_id": f"{next(_NUMBERS):012d}",
            "time": time.time(),
            "key": "anna",
            "contract": contract,
            "columns": {"Age": [30 + row for row in range(rows)], "Sex": ["F"] * rows},
            "labels": list(labels),
            "probabilities": [[0.25, 0.75]] * rows,
            "latency_ms": 0.5,
        }
        return Answered(**parts | changes)

    return make


@pytest.fixture(scope="session")
def record() -> Callable[..., None]:
    """Record entries, all at once, and return when all are committed."""

    def run(log: AuditLog, *entries: Any) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*map(log.record, entries))

        asyncio.run(all_of_them())

    return run
