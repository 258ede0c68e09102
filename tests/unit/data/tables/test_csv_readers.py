"""Two libraries read CSV: Arrow what is regular, pandas the rest. No file may depend on which of them did."""

from __future__ import annotations

import tempfile
from pathlib import Path

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


@settings(max_examples=200)
@given(FILES, st.sampled_from(['"', "", "'"]))
@example("a,b\n1,2\n\n3,4\n", '"')
@example("a,b\n1\n", '"')
@example("a,a\n1,2\n", '"')
@example('a,b\n1,"2\n3"\n', '"')
@example("\n1\n", '"')
@example('"a\nb",c\n1,2\n', '"')
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
