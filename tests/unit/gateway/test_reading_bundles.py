"""How the gateway reads bundles: one that hangs holds up no other, and one that failed for a passing cause is loaded again."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import threading
import time

import pytest

from slipway.bundle.reading import read
from slipway.bundle.store.active import Pointer, point
from slipway.errors import BundleError
from slipway.files.readers import HangingError, Readers
from slipway.gateway.health import Health
from slipway.gateway.logs import EXHAUSTED, Flood
from slipway.gateway.versions.fleet import ServedFleet
from slipway.gateway.versions.pointers import TRY_AGAIN_AFTER, may_pass


class NoPorts:
    """Opens no port."""

    def open(self, port, model):
        pass

    def close(self, port):
        pass


async def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)


def test_a_read_that_hangs_is_given_up_and_holds_up_no_other():
    released = threading.Event()

    async def main():
        readers = Readers(patience=0.2)
        with pytest.raises(HangingError, match=r"the mount was not read within 0 s\. Look at the disk"):
            await readers.read("the mount", released.wait)
        with pytest.raises(HangingError, match="an earlier read has not ended"):  # no second thread hangs beside it
            await readers.read("the mount", released.wait)
        assert await readers.read("another", lambda: 7) == 7
        with pytest.raises(TimeoutError, match="of the work"):
            await readers.read("another", lambda: (_ for _ in ()).throw(TimeoutError("of the work")))
        released.set()
        await until(lambda: not any(thread.name == "the mount" for thread in threading.enumerate()))
        assert await readers.read("the mount", lambda: 8) == 8

    asyncio.run(main())


def chained(first, second):
    try:
        try:
            raise first
        except Exception:
            raise second from None
    except Exception as error:
        return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.EMFILE, "Too many open files"), True),
        (chained(OSError(errno.EMFILE, "Too many open files"), BundleError("not a skops file")), True),
        (ImportError("cannot import name"), True),
        (MemoryError(), True),
        (BundleError("it has changed since it was measured"), False),
        (chained(ValueError("no JSON"), BundleError("not a bundle file")), False),
    ],
)
def test_a_failure_for_want_of_descriptors_or_memory_may_pass(error, passes):
    assert may_pass(error) is passes


@pytest.mark.parametrize("pipe", ["active.json", "1-a", "1-a/manifest.json", "1-a/contract.json"])
def test_a_pipe_in_one_model_holds_up_no_other_and_health_says_so(write_bundle, tmp_path, pipe):
    store = tmp_path / "store"
    for model in ("a-broken", "b-whole"):
        (store / model).mkdir(parents=True)
        point(store, model, Pointer("1-a", 1, "one"))
        write_bundle(store / model / "1-a", model=model)
    place = store / "a-broken" / pipe
    place.rename(tmp_path / "aside")
    os.mkfifo(place)

    async def main():
        fleet = ServedFleet(store, {})
        following = asyncio.create_task(fleet.follow(NoPorts()))
        await until(lambda: fleet.find("b-whole") and fleet.failed("a-broken"), 20)
        following.cancel()
        assert Health(fleet, [], []).reasons()[0] == ["a-broken could not be loaded"]

    asyncio.run(main())


@pytest.mark.slow
def test_a_bundle_that_could_not_be_read_is_loaded_again_later(write_bundle, tmp_path):
    store = tmp_path / "store"
    folder = write_bundle(tmp_path / "aside").folder
    model = read(folder).contract.model
    (store / model).mkdir(parents=True)
    point(store, model, Pointer("1-a", 1, "one"))

    async def main():
        fleet = ServedFleet(store, {})
        following = asyncio.create_task(fleet.follow(NoPorts()))
        await until(lambda: fleet.failed(model))
        folder.rename(store / model / "1-a")  # the pointer has not changed
        await until(lambda: fleet.find(model), TRY_AGAIN_AFTER + 10)
        assert not fleet.failed(model)
        following.cancel()

    asyncio.run(main())


def test_used_up_descriptors_are_counted_not_traced_and_the_bundle_is_loaded_later(write_bundle, tmp_path, caplog):
    store, flood = tmp_path / "store", Flood()
    folder = write_bundle(tmp_path / "aside").folder
    model = read(folder).contract.model
    (store / model).mkdir(parents=True)
    folder.rename(store / model / "1-a")
    point(store, model, Pointer("1-a", 1, "one"))
    caplog.handler.addFilter(flood)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def main():
        fleet = ServedFleet(store, {})
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            following = asyncio.create_task(fleet.follow(NoPorts()))
            await until(lambda: flood.exhausted > 4)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert {record.getMessage() for record in caplog.records} == {EXHAUSTED}
        assert len(caplog.records) == 2  # of pointers and challenges
        await until(lambda: fleet.find(model), TRY_AGAIN_AFTER + 10)
        following.cancel()

    try:
        asyncio.run(main())
    finally:
        caplog.handler.removeFilter(flood)
