"""Subject ids: linked by pseudonym, encrypted, revealed only with a line in the log, and re-encrypted by a rotation."""

from __future__ import annotations

import hashlib
import hmac
import threading

import msgspec
import pytest

from slipway import audit
from slipway.audit import AuditError, Wanted
from slipway.audit.disclosure import pseudonyms, reveal
from slipway.audit.places import opened
from slipway.audit.subjects.key_file import Content, KeyFile
from slipway.audit.subjects.pseudonyms import Ring, generation
from slipway.audit.upkeep.rotation import rotate
from tests.support.rotations import stop_rotation


def lines(place):
    return audit.predictions(place, Wanted(limit=100_000))


def ids(home, place):
    return {
        line.prediction_id: subject for line in lines(place) if (subject := reveal(home, place, "test", [line]).get(line.prediction_id))
    }


def test_one_persons_lines_share_a_pseudonym_and_no_file_contains_the_id(tmp_path, place, open_log, answered, record):
    log = open_log(place)
    record(log, answered([1, 0, 1], subjects=["patient-1", None, "patient-2"]), answered(subjects=["patient-1"]))
    log.close()

    by_row = {line.prediction_id[-1] + str(line.row): line for line in lines(place)}
    found = [line.pseudonym for line in by_row.values()]
    assert len(set(found)) == 3  # patient-1, patient-2 and none
    assert len({line.subject for line in lines(place) if line.pseudonym}) == 3  # never twice the same text
    assert not any(b"patient-" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_pseudonym_is_the_hmac_of_the_id(tmp_path, open_log, answered, record):
    record(open_log(tmp_path), answered(subjects=["Zoë"]))

    key = msgspec.json.decode((tmp_path / "gateway" / "subjects.json").read_bytes(), type=Content).generations[0].pseudonym
    assert lines(tmp_path)[0].pseudonym == hmac.new(key, "Zoë".encode(), hashlib.sha256).hexdigest()


def test_the_log_names_the_reader_before_an_id_is_revealed(tmp_path, place, open_log, answered, record):
    entry = answered([1, 1], subjects=["patient-1", None])
    record(open_log(place), entry)

    assert reveal(tmp_path, place, "user:anna", lines(place)) == {f"{entry.request_id}-0": "patient-1"}

    (act,) = audit.administration(place, Wanted())
    assert (act.who, act.what, act.about) == ("user:anna", "revealed subject ids", f"{entry.request_id}-0")


def test_lines_of_a_subject_are_found_and_the_search_is_logged_without_the_id(tmp_path, place, open_log, answered, record):
    record(open_log(place), answered([1, 0], subjects=["patient-1", "patient-2"]), answered(subjects=["patient-1"]))

    found = audit.predictions(place, Wanted(pseudonyms=pseudonyms(tmp_path, place, "root", "patient-1")))

    assert len(found) == 2
    assert audit.predictions(place, Wanted(pseudonyms=pseudonyms(tmp_path, place, "root", "patient-9"))) == []
    acts = audit.administration(place, Wanted())
    assert {act.what for act in acts} == {"looked for a subject"}
    assert not any("patient" in act.about for act in acts)


def test_an_id_moved_to_another_line_does_not_open():
    ring = Ring([generation()])
    _, sealed, made = ring.seal("patient-1", "a-0")

    with pytest.raises(AuditError, match="altered, or is another line's"):
        ring.open(sealed, made, "b-0")


def test_a_key_is_not_in_the_text_of_its_record():
    made = generation()

    assert made.encryption.hex() not in repr(made)
    assert repr(made.encryption) not in repr(made)


def test_two_processes_that_start_at_once_make_one_key(tmp_path):
    rings, files = [], [KeyFile(tmp_path) for _ in range(8)]
    threads = [threading.Thread(target=lambda file=file: rings.append(file.created())) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({ring.newest.id for ring in rings}) == 1


def test_without_the_key_file_no_second_key_is_made_and_others_are_answered(tmp_path, place, open_log, answered, record):
    log = open_log(place)
    record(log, answered(subjects=["patient-1"]))
    (tmp_path / "gateway" / "subjects.json").rename(tmp_path / "lost")

    with pytest.raises(AuditError):
        record(log, answered(subjects=["patient-1"]))
    record(log, answered())
    (tmp_path / "lost").rename(tmp_path / "gateway" / "subjects.json")
    record(log, answered(subjects=["patient-1"]))

    assert sorted(ids(tmp_path, place).values()) == ["patient-1", "patient-1"]


def test_rotation_encrypts_every_id_again_and_keeps_the_links(tmp_path, place, open_log, answered, record):
    log = open_log(place)
    record(log, *[answered(subjects=[f"patient-{number % 3}"]) for number in range(20)])
    before = {line.prediction_id: line for line in lines(place)}
    names = ids(tmp_path, place)

    done = rotate(tmp_path, place, "root")

    record(log, answered(subjects=["patient-0"]))
    after = {line.prediction_id: line for line in lines(place)}
    assert (done.lines, done.unreadable, done.resumed) == (20, 0, False)
    assert len({line.subject_key for line in after.values()}) == 1
    assert all(after[name].subject != line.subject and after[name].pseudonym == line.pseudonym for name, line in before.items())
    assert len({line.pseudonym for line in after.values()}) == 3
    assert names.items() <= ids(tmp_path, place).items()
    assert len(KeyFile(tmp_path).ring().generations) == 1
    assert [act.what for act in audit.administration(place, Wanted(caller="root"))] == [
        "replaced the keys of subject ids",
        "began to replace the keys of subject ids",
    ]


def test_rotation_of_the_key_of_pseudonyms_gives_new_ones_that_link_the_same(tmp_path, place, open_log, answered, record):
    record(open_log(place), *[answered(subjects=[f"patient-{number % 2}"]) for number in range(6)])
    before = {line.pseudonym for line in lines(place)}

    rotate(tmp_path, place, "root", pseudonyms=True)

    after = {line.pseudonym for line in lines(place)}
    assert len(after) == 2
    assert not before & after
    assert len(audit.predictions(place, Wanted(pseudonyms=pseudonyms(tmp_path, place, "root", "patient-1")))) == 3


def test_rotation_killed_half_way_loses_nothing_and_is_finished_by_the_next(tmp_path, place, open_log, answered, record):
    log = open_log(place)
    record(log, *[answered(subjects=[f"patient-{number % 2}"]) for number in range(30)])
    names = ids(tmp_path, place)

    stop_rotation(tmp_path, place, at_once=7, after=2)

    assert len({line.subject_key for line in lines(place)}) == 2
    assert ids(tmp_path, place) == names
    assert len(audit.predictions(place, Wanted(pseudonyms=pseudonyms(tmp_path, place, "root", "patient-1")))) == 15

    done = rotate(tmp_path, place, "root")

    assert (done.lines, done.resumed) == (16, True)
    assert ids(tmp_path, place) == names
    assert len({line.pseudonym for line in lines(place)}) == 2
    assert len(KeyFile(tmp_path).ring().generations) == 1


def test_lines_that_come_while_keys_are_replaced_can_all_be_opened(tmp_path, place, open_log, answered, record):
    log, stop = open_log(place), threading.Event()
    record(log, *[answered(subjects=["patient-0"]) for _ in range(50)])

    def keep_recording():
        while not stop.is_set():
            record(log, *[answered(subjects=["patient-1"]) for _ in range(5)])

    thread = threading.Thread(target=keep_recording)
    thread.start()
    for _ in range(3):
        rotate(tmp_path, place, "root")
    stop.set()
    thread.join()

    assert len(ids(tmp_path, place)) == len(lines(place)) > 50


def test_an_altered_line_stays_as_it_is_and_so_does_its_key(tmp_path, place, open_log, answered, record):
    record(open_log(place), answered(subjects=["patient-1"]), answered(subjects=["patient-2"]))
    with opened(place) as store, store.transaction():
        store.change("UPDATE predictions SET subject = 'AAAA' WHERE prediction_id = ?", [(lines(place)[0].prediction_id,)])

    done = rotate(tmp_path, place, "root")

    assert (done.lines, done.unreadable) == (1, 1)
    assert len(KeyFile(tmp_path).ring().generations) == 2


def test_rotation_before_the_first_subject_says_so(tmp_path):
    with pytest.raises(AuditError, match="there are no keys yet"):
        rotate(tmp_path, tmp_path, "root")


def test_a_damaged_key_file_is_not_replaced(tmp_path, open_log, answered, record):
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "subjects.json").write_text("{}")

    with pytest.raises(AuditError):
        record(open_log(tmp_path), answered(subjects=["patient-1"]))

    assert (tmp_path / "gateway" / "subjects.json").read_text() == "{}"
