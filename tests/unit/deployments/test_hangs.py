from __future__ import annotations

from deployments.local.hangs import LOOKS, Hangs


def looked(hangs: Hangs, *answers: bool, pid: int | None = 7) -> list[bool]:
    return [hangs.look("gateway", pid, answering) for answering in answers]


def test_a_program_that_answered_and_then_fails_at_twelve_looks_in_a_row_hangs():
    hangs = Hangs()

    assert LOOKS == 12
    assert looked(hangs, True, *[False] * 12) == [False] * 12 + [True]


def test_a_program_that_is_busy_and_answers_now_and_then_does_not_hang():
    hangs = Hangs()

    assert not any(looked(hangs, *([True] + [False] * 11) * 5))


def test_a_program_that_has_not_answered_since_its_process_started_is_still_starting():
    hangs = Hangs(looks=2)
    assert not any(looked(hangs, *[False] * 5))

    assert looked(hangs, True, False, False) == [False, False, True]
    assert not any(looked(hangs, *[False] * 5, pid=8))  # restarted: it starts again, and a loop of restarts would help nobody
    assert looked(hangs, True, False, False, pid=8) == [False, False, True]


def test_a_program_without_a_process_is_supervisords_to_start():
    assert not any(looked(Hangs(looks=1), *[False] * 3, pid=None))
