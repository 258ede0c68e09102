"""What tests of every kind share: a toy model, the real one, rows, a bundle, and a website that counts its visitors.

Heavy libraries are imported inside the fixtures that need them, so that collecting stays quick.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.shared import PREFECT, SharedFolder, end_prefect, of_run, start_prefect

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

    from slipway.bundle.contract import Contract
    from slipway.bundle.reading import Bundle
    from slipway.records import Candidate, Snapshot, Tuned
    from slipway.settings import Settings
    from slipway.spec import ModelSpec
    from slipway.training.measuring import Measured
    from slipway.training.splitting import Rows

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # for a few hundred rows, threads wait for each other longer than they work
# a tenth of the processor's time went into looking for garbage among the objects of large libraries
gc.set_threshold(100_000, 50, 100)
MEMORY, ROOM = "/dev/shm", 8 << 30
if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > ROOM:
    # the folders of the tests: each commit of a database waits for the disk there, and in memory it does not
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)
MIRROR = os.environ.get("SLIPWAY_MIRROR")  # read here: the fixtures below clear it for the tests
if not (MIRROR or "").startswith("https:"):
    # httpx reads the authorities for every client, also for plain http: those of a machine take longer than most requests, one takes
    # no time. It is set over what the machine has set, because many machines name their own file of all public authorities.
    os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "data" / "authority.pem")

# these use the platform of one operator, which takes most of a minute to start and to release on
OPERATORS = ("tests/platform/test_release_on_platform.py", "tests/platform/test_run_page.py", "tests/platform/test_watch.py")
# these look for the release that waits for approval on the one Prefect server, and must find their own only
APPROVALS = ("tests/flows/test_approval.py", "tests/flows/test_challenger_model.py", "tests/flows/test_pairs.py")
# these bring the deployments of the one Prefect server in line with a catalogue of their own, or need those of the project
DEPLOYMENTS = ("tests/flows/test_deploying.py", "tests/flows/test_loop.py", "tests/flows/test_shell_run.py")
# the longest first, so that no worker begins one of them when the others have finished
LONGEST = (
    *OPERATORS,
    "tests/flows/test_every_model.py",
    *APPROVALS,
    "tests/flows/test_release.py",
    "tests/commands/test_terminal.py",
    "tests/flows/test_new_model.py",
    "tests/unit/training/test_networks.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Import the heavy packages without the garbage collector, which finds nothing in them and need not look at them later either."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.split("::")[0], len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Give whole files to the workers, because the tests of a file share servers, and files that share more to one worker."""
    from xdist.scheduler import LoadScopeScheduling

    together = (
        dict.fromkeys(OPERATORS, "the operator's platform")
        | dict.fromkeys(APPROVALS, "approvals")
        | dict.fromkeys(DEPLOYMENTS, "deployments")
    )

    class ByServers(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "pages" if file.startswith("tests/pages/") else together.get(file, file)

    return ByServers(config, log)


class Website:
    """A real HTTP server on loopback that serves a folder. `status` answers with an error, `times` times if it is
    set; `missing` bytes are promised and not sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hits = 0
        self.status: int | None = None
        self.times: int | None = None
        self.missing = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, website: Website, *arguments: Any) -> None:
        self.website = website
        super().__init__(*arguments, directory=str(website.folder))

    def do_GET(self) -> None:
        self.website.hits += 1
        if self.website.status is not None and (self.website.times is None or self.website.hits <= self.website.times):
            self.send_error(self.website.status)
        else:
            super().do_GET()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length":
            value = str(int(value) + self.website.missing)
        super().send_header(keyword, value)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test says what went wrong."""


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    """A website over an empty folder."""
    (tmp_path / "website").mkdir()
    site = Website(tmp_path / "website")
    yield site
    site.close()


@pytest.fixture
def dead_url() -> str:
    """An address on loopback where nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """Put the environment back after each test: MLflow and commands that run in the test's process set variables of their own."""
    before = os.environ.copy()
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every setting that the shell brings along."""
    for name in list(os.environ):
        if name.startswith("SLIPWAY_") or name == "MLFLOW_TRACKING_URI":
            monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path, no_settings: None) -> Settings:
    """The defaults, in a home folder of the test's own."""
    from slipway.settings import Settings

    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="session")
def toy() -> ModelSpec:
    """The smallest model there can be: a number and a category, two classes. Change a part with `dataclasses.replace`."""
    from optuna.distributions import FloatDistribution
    from sklearn.linear_model import LogisticRegression

    from slipway.spec import Category, Columns, Dataset, Gate, ModelSpec, Numeric, Split, Target

    return ModelSpec(
        name="toy",
        registered_as="toy_logistic",
        description="Whether a toy is wanted.",
        dataset=Dataset(origin="http://127.0.0.1:1/toy.csv", sha256="0" * 64, file="toy.csv"),
        columns=Columns(
            features={
                "size": Numeric(0, 100, "cm", "Size", integer=True),
                "weight": Numeric(0, 5, "kg", "Weight"),
                "colour": Category(("red", "blue"), "Colour"),
            },
            target=Target("wanted", {0: "left", 1: "wanted"}, positive=1),
            excluded={"id": "names the toy"},
        ),
        split=Split(test=0.25, seed=1, stratify=True),
        estimator=LogisticRegression(),
        search_space={"C": FloatDistribution(1e-2, 1e2, log=True)},
        metric="accuracy",
        gate=Gate(floor=0.5, tolerance=0.005),
        port=8999,
        trials=2,
    )


@pytest.fixture(scope="session")
def heart() -> ModelSpec:
    """The model heart-failure, as the catalogue has it."""
    from slipway.catalogue import lookup

    return lookup("heart-failure")


@pytest.fixture(scope="session")
def real_csv(heart: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows that heart-failure pins, which only a mirror or the internet has."""
    from slipway.data.fetching import fetch

    if not MIRROR:
        pytest.skip("needs the real rows: set SLIPWAY_MIRROR to a folder or base URL that holds heart.csv")
    return fetch(heart, MIRROR, tmp_path_factory.mktemp("real")).path


@pytest.fixture(scope="session")
def snapshot(heart: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The sample rows of heart-failure."""
    from slipway.data.samples import generate

    return generate(heart, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def rows(heart: ModelSpec, snapshot: Snapshot) -> Rows:
    """The same, validated and split."""
    from slipway.data.validation import validate
    from slipway.training.splitting import split

    return split(heart, validate(heart, snapshot.path))


@pytest.fixture(scope="session")
def tuned() -> Tuned:
    """Parameters for heart-failure, as a study would have chosen them."""
    from slipway.records import Tuned

    return Tuned(
        model="heart-failure",
        study="heart-failure-by-hand",
        parameters={"C": 0.5, "preparation.zeros": "keep"},
        score=0.87,
        metric="accuracy",
        trials=3,
        folds=5,
        repeats=3,
        seed=42,
    )


@pytest.fixture(scope="session")
def measured(heart: ModelSpec, rows: Rows, tuned: Tuned) -> Measured:
    """heart-failure fitted with those parameters, and its answers to the test rows."""
    from slipway.training.measuring import measure

    return measure(heart, rows, tuned)


@pytest.fixture(scope="session")
def contract_of(heart: ModelSpec, snapshot: Snapshot, measured: Measured) -> Callable[..., Contract]:
    """Make the contract of the measured model; keywords replace parts of it."""
    import msgspec

    from slipway.bundle.compiling import contract_columns
    from slipway.bundle.contract import FORMAT, Contract

    contract = Contract(
        format=FORMAT,
        model=heart.name,
        registered_as=heart.registered_as,
        version=1,
        run_id="0123456789abcdef" * 2,
        engine="linear",
        description=heart.description,
        columns=contract_columns(heart),
        target="HeartDisease",
        classes=(0, 1),
        class_meanings=("no heart disease", "heart disease"),
        positive=1,
        threshold=None,
        data_sha256=snapshot.sha256,
        sample=True,
        metrics=measured.metrics,
        mlflow_version="3.17.2",
        created_at="2026-11-01T00:00:00+00:00",
    )
    return partial(msgspec.structs.replace, contract)


@pytest.fixture(scope="session")
def write_bundle(heart: ModelSpec, rows: Rows, measured: Measured, contract_of: Callable[..., Contract]) -> Callable[..., Bundle]:
    """Write a whole bundle of the measured model into a folder; keywords replace parts of its contract."""
    from slipway.bundle.compiling import compile_model
    from slipway.bundle.contract import Probe
    from slipway.bundle.writing import write

    files = compile_model(heart, measured.pipeline).files
    probe = Probe(
        rows=rows.test.head(5).astype(object).to_numpy().tolist(),
        labels=measured.evaluation.labels[:5],
        probabilities=measured.evaluation.probabilities[:5].tolist(),
    )
    return lambda folder, **changes: write(folder, files, contract_of(**changes), probe)


@pytest.fixture(scope="session")
def candidate() -> Candidate:
    """A candidate for heart-failure with round figures: 184 test rows, of which 160 are answered rightly."""
    from slipway.records import Candidate

    return Candidate(
        model="heart-failure",
        registered_as="heart_failure_logistic",
        version=2,
        run_id="0123456789abcdef" * 2,
        bundle="runs:/0123456789abcdef/bundle",
        metrics={"accuracy": 160 / 184, "roc_auc": 0.93},
        confusion_matrix=[[68, 14], [10, 92]],
        data_sha256="ab" * 32,
        sample=False,
    )


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SharedFolder:
    """The folder that all processes of this test run share."""
    return of_run(tmp_path_factory.getbasetemp())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the server when no process of this run needs it any more."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        end_prefect(of_run(session.config._tmp_path_factory.getbasetemp()))  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def prefect_home(shared: SharedFolder) -> Path:
    """The home of a running Prefect server, the platform's, that all processes share; started when the first of them needs it.

    Prefect's own harness starts it without what `deployments.local.prefect_server` mends, and it stands still now and then.
    """
    return shared.once(PREFECT, start_prefect)


@pytest.fixture(scope="session")
def prefect_server(prefect_home: Path) -> Iterator[str]:
    """The API of that server. Runs of other tests are on it too: ask for your own."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    api = (prefect_home / "api").read_text()
    with temporary_settings({PREFECT_API_URL: api}):
        yield api
        _send_what_prefect_still_holds()


@pytest.fixture(scope="session")
def empty_mlflow(shared: SharedFolder) -> Path:
    """An MLflow database with its tables and nothing in them: making them takes seconds, copying them does not."""
    return shared.once("mlflow", _make_tables) / "mlflow" / "mlflow.db"


def _make_tables(home: Path) -> None:
    from slipway.settings import Settings
    from slipway.tracking.connection import connect

    settings = Settings(home=home, tracking_uri=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", settings.tracking)  # MLflow sets it, and a program started later would write there
        connect(settings)


@pytest.fixture(scope="session")
def with_mlflow(empty_mlflow: Path) -> Callable[[Path], Path]:
    """Give a home folder that database."""

    def give(home: Path) -> Path:
        (home / "mlflow").mkdir(parents=True)
        shutil.copy(empty_mlflow, home / "mlflow")
        return home

    return give


@pytest.fixture(scope="session")
def with_tables(prefect_home: Path, with_mlflow: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Give a home folder the databases that a platform makes when it starts for the first time, which takes half a minute."""

    def give(home: Path) -> Path:
        (home / "prefect").mkdir(parents=True)
        shutil.copy(prefect_home / "empty.db", home / "prefect" / "prefect.db")
        return with_mlflow(home)

    return give


def _send_what_prefect_still_holds() -> None:
    """Log lines and events are sent in the background; without a server, each of them is an error at the end."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.utilities.asyncutils import run_coro_as_sync

    async def send() -> None:
        await APILogWorker.drain_all()
        await EventsWorker.drain_all()

    run_coro_as_sync(send())
