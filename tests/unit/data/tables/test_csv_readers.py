"""Two libraries read CSV: Arrow what is regular, pandas the rest. No file may depend on which of them did."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slipway.data.tables import csv_files
from slipway.data.tables.errors import TableError
from slipway.spec import CSV

CELLS = st.one_of(
    st.sampled_from(["", "1", "1.5", "red", '"red"', '"a, b"', '"a""b"', '"a\nb"', 'a"b', '5"', " x ", "ñ", "NA", "null", "'", "\t", "#"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
)
LINES = st.lists(CELLS, min_size=1, max_size=4).map(",".join)
FILES = st.tuples(st.lists(LINES, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
    lambda drawn: drawn[1].join(drawn[0]) + (drawn[1] if drawn[2] else "")
)


@settings(max_examples=200, deadline=None)  # the first reading imports the libraries
@given(FILES, st.sampled_from(['"', "", "'"]))
@example("a,b\n1,2\n\n3,4\n", '"')
@example("a,b\n1\n", '"')
@example("a,a\n1,2\n", '"')
@example('a,b\n1,"2\n3"\n', '"')
@example("\n1\n", '"')
@example('"a\nb",c\n1,2\n', '"')
@example("1\n\n'", "'")
def test_arrow_reads_what_it_reads_as_pandas_does(content: str, quote: str) -> None:
    dialect = CSV(quote=quote)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(content.encode())
        try:
            found = csv_files.read(path, dialect)
        except TableError:
            return
        expected = csv_files._with_pandas(path, 0, dialect)

    assert list(found) == list(expected)
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()


@pytest.mark.parametrize("last", ['"', '"x', '"x\n', '"x""', '"5"",6'])
@pytest.mark.parametrize("kind", ["plain", "gz", "utf-16"])
def test_a_file_that_was_cut_off_in_a_quoted_cell_is_refused(tmp_path: Path, last: str, kind: str) -> None:
    path = tmp_path / "rows.csv"
    content = f"a,b\n1,2\n3,{last}".encode("utf-16" if kind == "utf-16" else "utf-8")
    path.write_bytes(gzip.compress(content) if kind == "gz" else content)

    with pytest.raises(TableError, match="EOF inside string"):
        csv_files.read(path, CSV(encoding="utf-16" if kind == "utf-16" else "utf-8"))


@pytest.mark.parametrize("last", ['"x"', '""', '"x""y"', "x", '"x\ny"\n'])
def test_a_file_that_ends_in_a_whole_cell_is_read(tmp_path: Path, last: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(f"a,b\n1,2\n3,{last}".encode())

    assert len(csv_files.read(path, CSV())) == 2
