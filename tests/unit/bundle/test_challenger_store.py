"""Which version may challenge the one in service, and the file of a challenge."""

from __future__ import annotations

import msgspec
import pytest

from slipway.bundle.store.active import active, install
from slipway.bundle.store.challenger import CHALLENGER, Challenge, challenge, challenged, end, end_promoted, mismatch, set_challenge
from slipway.errors import BundleError


@pytest.fixture
def store(tmp_path, write_bundle):
    """A store with version 1 of heart-failure in service."""
    install(write_bundle(tmp_path / "one", version=1).folder, tmp_path / "store", 8001)
    return tmp_path / "store"


@pytest.fixture
def two(tmp_path, write_bundle):
    """Version 2 of heart-failure; keywords replace parts of its contract."""
    return lambda **changes: write_bundle(tmp_path / "two", **{"version": 2} | changes).folder


MODEL = "heart-failure"


def test_a_challenge_is_kept_beside_the_pointer_and_ended_by_removing_it(store, two):
    before = active(store, MODEL)

    made = challenge(two(), store, 0.1)

    assert challenged(store, MODEL) == made
    assert (made.bundle, made.share) == ("2-01234567", 0.1)
    assert (store / MODEL / made.bundle / "manifest.json").exists()
    assert active(store, MODEL) == before
    assert end(store, MODEL)
    assert challenged(store, MODEL) is None
    assert not end(store, MODEL)


def test_a_challenger_that_is_a_pipeline_is_tried_with_the_types_that_its_file_trusts(store, two):
    trusted = ("lightgbm.basic.Booster",)

    assert challenge(two(engine="pyfunc"), store, trusted=trusted).trusted == trusted
    assert challenged(store, MODEL).trusted == trusted
    assert challenge(two(version=3, run_id="3" * 32), store, trusted=trusted).trusted == ()  # arrays
    (store / MODEL / CHALLENGER).write_text('{"bundle":"2-01234567","installation":"1","share":0.0}')  # of an earlier Slipway
    assert challenged(store, MODEL) == Challenge("2-01234567", "1")


def test_without_a_share_it_is_in_shadow(store, two):
    assert challenge(two(), store).share == 0


def test_every_challenge_has_a_new_id_and_replaces_the_earlier_one(store, two):
    first, second = challenge(two(), store), challenge(store / MODEL / "2-01234567", store, 0.5)

    assert first.installation != second.installation
    assert challenged(store, MODEL) == second


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, float("nan")])
def test_an_invalid_share_is_refused(store, two, share):
    with pytest.raises(ValueError, match="expected a share from 0 to less than 1"):
        challenge(two(), store, share)


def test_the_version_in_service_cannot_challenge_itself(store, tmp_path):
    with pytest.raises(BundleError, match="version 1 is in service already"):
        challenge(tmp_path / "one", store)


def test_a_challenge_needs_a_version_in_service(two, tmp_path):
    with pytest.raises(BundleError, match=r"no version in service.*slipway release heart-failure"):
        challenge(two(), tmp_path / "empty")


def test_a_damaged_bundle_changes_nothing(store, two):
    earlier = challenge(two(), store)
    other = two(version=3)
    (other / "probe.json").write_text("{}")

    with pytest.raises(BundleError, match=r"probe\.json has changed since it was measured"):
        challenge(other, store)

    assert challenged(store, MODEL) == earlier


def test_sample_rows_never_answer_beside_real_ones_and_may_be_tried_in_shadow(tmp_path, write_bundle, two):
    install(write_bundle(tmp_path / "real", version=1, sample=False).folder, tmp_path / "store", 8001)

    with pytest.raises(BundleError, match="trained on sample rows, so it must not answer callers"):
        challenge(two(), tmp_path / "store", 0.1)

    assert challenge(two(), tmp_path / "store").share == 0


def test_columns_and_classes_must_be_the_same_but_not_the_descriptions_of_columns(store, two, contract_of):
    champion = contract_of()
    age = next(column for column in champion.columns if column.name == "Age")

    def having(**changes):
        return tuple(msgspec.structs.replace(column, **changes) if column is age else column for column in champion.columns)

    assert mismatch(champion, contract_of(columns=having(description="in other words"))) == ""
    assert "columns differ (Age)" in mismatch(champion, contract_of(columns=having(high=130)))
    assert "columns differ (Age)" in mismatch(champion, contract_of(columns=champion.columns[1:]))
    assert "another order" in mismatch(champion, contract_of(columns=champion.columns[::-1]))
    assert "expected [0, 1] (no heart disease, heart disease), received [1, 0]" in mismatch(champion, contract_of(classes=(1, 0)))
    assert "classes differ" in mismatch(champion, contract_of(class_meanings=("well", "ill")))
    with pytest.raises(BundleError, match=r"version 2 cannot challenge version 1: their columns differ \(Age\)"):
        challenge(two(columns=having(high=130)), store)


@pytest.mark.parametrize("content", ["{", '{"bundle": "a", "installation": "b", "share": 1.0}', '{"bundle": "a", "more": 1}'])
def test_a_damaged_file_is_an_error_that_names_it_and_can_be_ended(store, content):
    (store / MODEL / CHALLENGER).write_text(content)

    with pytest.raises(BundleError, match=r"challenger\.json: not a challenge .* `slipway challenge heart-failure --end`"):
        challenged(store, MODEL)
    assert end(store, MODEL)


def test_a_challenge_ends_only_when_its_own_version_is_in_service(store, two):
    end_promoted(store, MODEL)  # there is none
    earlier = challenge(two(), store)

    end_promoted(store, MODEL)
    assert challenged(store, MODEL) == earlier
    install(store / MODEL / earlier.bundle, store, 8001)
    end_promoted(store, MODEL)
    assert challenged(store, MODEL) is None
    (store / MODEL / CHALLENGER).write_text("{")
    end_promoted(store, MODEL)


def test_an_earlier_challenge_can_be_restored(store):
    earlier = Challenge("2-01234567", "earlier", 0.25)

    set_challenge(store, MODEL, earlier)

    assert challenged(store, MODEL) == earlier
