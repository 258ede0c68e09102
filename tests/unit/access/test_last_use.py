"""When keys and users were last used: real files, several workers at once."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime

import pytest

from slipway.access import keys, users
from slipway.access.callers import Caller, Grant
from slipway.access.gatekeeper import Gatekeeper
from slipway.access.last_use import EXACT, FOLDER, LastUse, last_uses, since
from slipway.access.records import ACCESS

ERP = Caller("erp", "key", frozenset())


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def test_a_key_and_a_user_that_were_used_are_stored_beside_the_file_of_users_and_keys(tmp_path):
    key = keys.issue(tmp_path, "erp", [Grant("predict")])
    users.add(tmp_path, "anna", "correct-horse-battery-staple", [Grant("predict")])
    before = (tmp_path / ACCESS).stat()

    async def use() -> None:
        gatekeeper = Gatekeeper(tmp_path)
        await gatekeeper.authenticate(b"Bearer " + key.encode())
        cookie, _ = await gatekeeper.open_page_session("anna", "correct-horse-battery-staple", None, "192.0.2.1")
        following = asyncio.create_task(gatekeeper.follow())
        assert await gatekeeper.pages.find(cookie)
        while len(last_uses(tmp_path)) < 2:
            await asyncio.sleep(0.02)
        following.cancel()
        gatekeeper.close()

    asyncio.run(asyncio.wait_for(use(), 20))

    assert set(last_uses(tmp_path)) == {"key-erp", "user-anna"}
    assert all(found >= before.st_mtime - 1 for found in last_uses(tmp_path).values())
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700


def test_a_key_is_stored_once_a_minute_however_often_it_is_used(tmp_path):
    clock = iter([1_000.0, 1_001.0, 1_000.0 + EXACT - 1, 1_000.0 + EXACT])

    async def use() -> list[float]:
        found, times = LastUse(tmp_path, lambda: next(clock)), []
        for _ in range(4):
            found.note(ERP)
            await found.store()
            times.append(last_uses(tmp_path)["key-erp"])
        return times

    assert asyncio.run(use()) == [1_000.0, 1_000.0, 1_000.0, 1_000.0 + EXACT]


def test_workers_store_at_the_same_time_and_the_latest_use_stays(tmp_path):
    async def use() -> None:
        workers = [LastUse(tmp_path) for _ in range(8)]
        for worker in workers:
            for number in range(20):
                worker.note(Caller(f"key-{number}", "key", frozenset()))
        await asyncio.gather(*(worker.store() for worker in workers))

    asyncio.run(use())

    assert len(last_uses(tmp_path)) == 20
    assert max(last_uses(tmp_path).values()) - min(last_uses(tmp_path).values()) < 5


def test_people_of_a_provider_and_a_home_without_any_use_leave_no_files(tmp_path):
    assert last_uses(tmp_path) == {}
    found = LastUse(tmp_path)
    found.note(Caller("dr/../who", "oidc", frozenset()))

    asyncio.run(found.store())

    assert last_uses(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_logged_and_nobody_is_refused(tmp_path, caplog):
    key = keys.issue(tmp_path, "erp", [Grant("predict")])
    (tmp_path / FOLDER).write_text("")  # a file in place of the folder

    async def use() -> Caller:
        gatekeeper = Gatekeeper(tmp_path)
        caller = await gatekeeper.authenticate(b"Bearer " + key.encode())
        await gatekeeper._last_use.store()
        return caller

    assert asyncio.run(use()).name == "erp"
    assert "is not stored" in caplog.text


@pytest.mark.parametrize(("used", "shown"), [(None, None), (1_000.0, None), (2_000.0, 2_000.0), (3_000.5, 3_000.5)])
def test_a_use_before_the_record_was_made_was_that_of_another_holder(used, shown):
    assert since(at(2_000.0), used) == shown
