"""A bundle is complete or refused by name; the compiled model answers like the measured one; the pointer moves at once or not at all."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from slipway.bundle.compiling import compile_model, contract_columns, words_of
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.engine import by_column, open_engine
from slipway.bundle.parity import prove
from slipway.bundle.reading import Bundle, read
from slipway.bundle.store.active import Pointer, active, install, installed, point
from slipway.bundle.writing import write
from slipway.errors import BundleError, ParityError
from slipway.spec import ModelSpec
from slipway.training.measuring import Measured
from slipway.training.pipelines import build
from slipway.training.splitting import Rows

Write = Callable[..., Bundle]

# reading and writing


def test_a_written_bundle_reads_the_same(write_bundle: Write, contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "bundle", version=7)

    again = read(tmp_path / "bundle")

    assert again == written
    assert again.contract == contract_of(version=7)
    assert len(again.probe.rows) == len(again.probe.labels) == len(again.probe.probabilities) == 5
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == [
        "contract.json",
        "manifest.json",
        "model.npz",
        "preparation.json",
        "probe.json",
    ]


def test_words_are_part_of_a_bundle_and_a_bundle_of_an_earlier_version_has_none(
    write_bundle: Write, tmp_path: Path, heart: ModelSpec
) -> None:
    plain = write_bundle(tmp_path / "plain")

    spoken = write(tmp_path / "spoken", dict(plain.files), plain.contract, plain.probe, words_of(heart))

    assert not plain.words
    assert spoken.words == words_of(heart)
    assert spoken.words["es"].columns["Age"].name == "Edad"
    assert spoken.files == plain.files  # the words are no file of the model
    assert spoken.contract == plain.contract


def test_words_that_are_no_words_are_refused_by_name(write_bundle: Write, tmp_path: Path) -> None:
    plain = write_bundle(tmp_path / "plain")

    with pytest.raises(BundleError, match=r"wording\.json: not a bundle file this version of Slipway can read"):
        write(tmp_path / "odd", {**plain.files, "wording.json": b'{"es": 3}'}, plain.contract, plain.probe)


def test_a_contract_of_classes_is_stored_as_before_there_were_numbers(contract_of: Callable[..., Contract]) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(contract_of()))

    assert list(stored) == [name for name in Contract.__struct_fields__ if name != "quantity"]


def test_the_contract_shows_every_column_of_the_model(heart: ModelSpec) -> None:
    columns = {column.name: column for column in contract_columns(heart)}

    assert list(columns) == heart.columns.names
    assert {name: column.kind for name, column in columns.items() if column.kind != "integer"} == {
        "Sex": "category",
        "ChestPainType": "category",
        "RestingECG": "category",
        "ExerciseAngina": "category",
        "Oldpeak": "number",
        "ST_Slope": "category",
    }
    assert (columns["MaxHR"].low, columns["MaxHR"].high, columns["MaxHR"].unit) == (30, 250, "beats/min")
    assert columns["ST_Slope"].values == ("Up", "Flat", "Down")


@pytest.mark.parametrize("name", ["model.npz", "preparation.json", "contract.json", "probe.json"])
def test_an_altered_file_is_refused_by_name_with_both_checksums(write_bundle: Write, tmp_path: Path, name: str) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    content = (bundle.folder / name).read_bytes()
    (bundle.folder / name).write_bytes(content[:-2] + b" " + content[-1:])

    with pytest.raises(BundleError, match=rf"{name} has changed since it was measured\.\n  expected sha256 \w{{64}}   received"):
        read(bundle.folder)


@pytest.mark.parametrize("name", ["model.npz", "preparation.json", "contract.json", "probe.json"])
def test_a_missing_file_is_refused_by_name(write_bundle: Write, tmp_path: Path, name: str) -> None:
    (write_bundle(tmp_path / "bundle").folder / name).unlink()

    with pytest.raises(BundleError, match=rf"the manifest and the folder disagree about \['{name}'\]"):
        read(tmp_path / "bundle")


def test_an_unlisted_file_is_refused_by_name(write_bundle: Write, tmp_path: Path) -> None:
    (write_bundle(tmp_path / "bundle").folder / "more.bin").write_bytes(b"")

    with pytest.raises(BundleError, match=r"the manifest and the folder disagree about \['more\.bin'\]"):
        read(tmp_path / "bundle")


def test_a_folder_without_a_manifest_is_not_a_bundle(write_bundle: Write, tmp_path: Path) -> None:
    (write_bundle(tmp_path / "bundle").folder / "manifest.json").unlink()

    with pytest.raises(BundleError, match=r"manifest\.json is missing; the bundle is incomplete"):
        read(tmp_path / "bundle")


def test_a_manifest_of_another_shape_is_refused(write_bundle: Write, tmp_path: Path) -> None:
    (write_bundle(tmp_path / "bundle").folder / "manifest.json").write_text(json.dumps({"checksums": {}}))

    with pytest.raises(BundleError, match=r"manifest\.json: not a bundle file this version of Slipway can read"):
        read(tmp_path / "bundle")


def test_another_format_is_refused(write_bundle: Write, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the bundle has format 2; this version of Slipway reads format 1"):
        write_bundle(tmp_path / "bundle", format=2)


# installing


def test_installing_copies_the_bundle_and_points_at_the_copy(write_bundle: Write, tmp_path: Path) -> None:
    bundle, store = write_bundle(tmp_path / "bundle", version=3), tmp_path / "store"

    pointer = install(bundle.folder, store, 8001)

    assert (pointer.bundle, pointer.port) == ("3-01234567", 8001)
    assert read(store / "heart-failure" / pointer.bundle).contract == bundle.contract
    assert active(store, "heart-failure") == pointer
    assert installed(store) == {"heart-failure": pointer}
    assert sorted(path.name for path in (store / "heart-failure").iterdir()) == ["3-01234567", "active.json"]


def test_installing_the_same_bundle_again_is_a_new_installation(write_bundle: Write, tmp_path: Path) -> None:
    bundle, store = write_bundle(tmp_path / "bundle"), tmp_path / "store"

    first, second = install(bundle.folder, store, 8001), install(bundle.folder, store, 8001)

    assert first.bundle == second.bundle
    assert first.installation != second.installation
    assert active(store, "heart-failure") == second


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("broken", ["the bundle", "the store's copy"])
def test_a_broken_bundle_changes_nothing(write_bundle: Write, tmp_path: Path, broken: str) -> None:
    store, second = tmp_path / "store", write_bundle(tmp_path / "second", version=2)
    install(second.folder, store, 8001)
    install(write_bundle(tmp_path / "first", version=1).folder, store, 8001)
    folder = second.folder if broken == "the bundle" else store / "heart-failure" / "2-01234567"
    (folder / "model.npz").write_bytes(b"no model")
    before = everything_in(store)

    with pytest.raises(BundleError, match=r"model\.npz has changed"):
        install(second.folder, store, 8001)

    assert everything_in(store) == before


def test_taking_a_model_out_of_service_removes_its_pointer_only(write_bundle: Write, tmp_path: Path) -> None:
    store = tmp_path / "store"
    name = install(write_bundle(tmp_path / "bundle").folder, store, 8001).bundle

    point(store, "heart-failure", None)
    point(store, "heart-failure", None)  # safe to repeat

    assert active(store, "heart-failure") is None
    assert installed(store) == {}
    assert (store / "heart-failure" / name).exists()


def test_a_reader_of_the_pointer_finds_the_old_or_the_new_one_while_it_moves(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    pointers = [Pointer("1-a", 8001, "a" * 32), Pointer("2-b", 8001, "b" * 32_000)]  # of different length, so that half of one shows
    point(tmp_path, "toy", pointers[0])
    started = threading.Event()

    def move() -> None:
        for turn in range(300):
            point(tmp_path, "toy", pointers[turn % 2])
            started.set()

    mover = threading.Thread(target=move)
    mover.start()
    started.wait(timeout=10)
    seen = []
    while mover.is_alive() or not seen:
        seen.append(active(tmp_path, "toy"))
    mover.join()

    assert all(pointer in pointers for pointer in seen)
    assert [path.name for path in (tmp_path / "toy").iterdir()] == ["active.json"]


# compiling and parity


@pytest.fixture(scope="module", params=["keep", "impute"])
def both(
    request: pytest.FixtureRequest,
    heart: ModelSpec,
    rows: Rows,
    contract_of: Callable[..., Contract],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[object, Bundle]:
    """A fitted pipeline of heart-failure and the bundle compiled from it, for each treatment of zeros."""
    pipeline = build(heart, {"C": 0.5, "preparation.zeros": request.param}).fit(rows.train, rows.train_labels)
    folder = tmp_path_factory.mktemp("compiled")
    return pipeline, write(folder, compile_model(heart, pipeline).files, contract_of(), Probe([], [], []))


def assert_same_answers(pipeline: object, bundle: Bundle, frame: pd.DataFrame) -> None:
    expected, expected_labels = pipeline.predict_proba(frame), pipeline.predict(frame).tolist()  # type: ignore[attr-defined]
    answers = open_engine(bundle).probabilities(by_column(frame.astype(object).to_numpy().tolist(), bundle.contract))

    assert answers.shape == (len(frame), 2)
    assert np.abs(answers - expected).max() <= 1e-6
    assert bundle.contract.output.labels(answers) == expected_labels


def test_the_compiled_model_answers_every_test_row_as_the_pipeline_does(both: tuple[object, Bundle], rows: Rows) -> None:
    assert_same_answers(*both, rows.test)


def test_a_row_has_the_same_answer_alone_and_among_others(both: tuple[object, Bundle], rows: Rows) -> None:
    for index in range(3):
        assert_same_answers(*both, rows.test.iloc[[index]])


def test_rows_at_the_limits_of_the_contract_are_answered(both: tuple[object, Bundle], heart: ModelSpec) -> None:
    numeric = {name: (kind.low, kind.high) for name, kind in heart.columns.numeric.items()}
    categories = {name: kind.values for name, kind in heart.columns.categorical.items()}
    corners = pd.DataFrame(itertools.product(*numeric.values()), columns=list(numeric))  # 2^6 = 64
    longest = max(map(len, categories.values()))
    # with every category in turn: 64 corners x 4 kinds of chest pain
    parts = [corners.assign(**{name: values[turn % len(values)] for name, values in categories.items()}) for turn in range(longest)]

    assert_same_answers(*both, pd.concat(parts, ignore_index=True)[heart.columns.names])


def test_a_threshold_of_the_contract_decides(contract_of: Callable[..., Contract]) -> None:
    probabilities = np.array([[0.70, 0.30], [0.71, 0.29], [0.5, 0.5]])

    assert contract_of(threshold=0.3).output.labels(probabilities) == [1, 0, 1]  # positive from 0.3 on
    assert contract_of(threshold=None).output.labels(probabilities) == [0, 0, 0]  # the most probable, the first one at a tie
    assert contract_of(threshold=0.6, positive=0).output.labels(probabilities) == [0, 0, 1]


def test_parity_reports_the_largest_difference(measured: Measured) -> None:
    compiled = measured.evaluation.probabilities.copy()
    compiled[3] += [1e-7, -1e-7]

    assert prove(
        "toy", measured.evaluation.probabilities, measured.evaluation.labels, compiled, measured.evaluation.labels
    ) == pytest.approx(1e-7, rel=1e-3)


def test_parity_refuses_another_probability_and_names_the_row(measured: Measured) -> None:
    compiled = measured.evaluation.probabilities.copy()
    compiled[3] += [1.1e-6, -1.1e-6]

    with pytest.raises(ParityError, match=r"toy: .* on 1 of 184 rows \(tolerance 1e-06\):\n  row 3: measured"):
        prove("toy", measured.evaluation.probabilities, measured.evaluation.labels, compiled, measured.evaluation.labels)


def test_parity_refuses_another_label_even_if_probabilities_agree(measured: Measured) -> None:
    changed = [1 - label if row == 5 else label for row, label in enumerate(measured.evaluation.labels)]

    with pytest.raises(ParityError, match=rf"row 5: measured {measured.evaluation.labels[5]} .*compiled {changed[5]} "):
        prove("toy", measured.evaluation.probabilities, measured.evaluation.labels, measured.evaluation.probabilities, changed)


def test_parity_refuses_a_probability_that_is_not_a_number(measured: Measured) -> None:
    compiled = measured.evaluation.probabilities.copy()
    compiled[[7, 8]] = np.nan

    with pytest.raises(ParityError, match=r"on 2 of 184 rows .*\n  row 7: .*nan.*\n  row 8: .*nan"):
        prove("toy", measured.evaluation.probabilities, measured.evaluation.labels, compiled, measured.evaluation.labels)


def test_parity_refuses_another_number_of_classes(measured: Measured) -> None:
    with pytest.raises(ParityError, match=r"the compiled model gives \(184, 1\) probabilities, the measured one \(184, 2\)"):
        prove(
            "toy",
            measured.evaluation.probabilities,
            measured.evaluation.labels,
            measured.evaluation.probabilities[:, :1],
            measured.evaluation.labels,
        )


def test_parity_names_five_rows_of_many(measured: Measured) -> None:
    with pytest.raises(ParityError, match="on 184 of 184 rows") as error:
        prove(
            "toy",
            measured.evaluation.probabilities,
            measured.evaluation.labels,
            measured.evaluation.probabilities + 1,
            measured.evaluation.labels,
        )

    assert str(error.value).count("\n  row ") == 5
