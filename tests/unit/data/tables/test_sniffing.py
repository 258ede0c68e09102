"""The kind of a file and its dialect are found from its content, as people's programs write it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from slipway.data.tables.errors import TableError
from slipway.data.tables.sniffing import sniffed
from slipway.spec import CSV, JSONLines, Table

SPANISH = (
    "Paciente;Fecha;Edad;Peso;Gasto\nJosé;03/01/2024;45;72,5;1.234,50\nMaría;11/02/2024;61;64,25;980,00\nIñaki;30/03/2024;38;;12.000,75\n"
)

SAMPLES: dict[str, tuple[bytes, Table]] = {
    "what pandas writes": (b"id,age,sex\n1,45,M\n2,61,F\n3,38,F\n", CSV()),
    "a Spanish export in Latin-1": (SPANISH.encode("latin-1"), CSV(separator=";", decimal=",", thousands=".", encoding="cp1252")),
    "the same in UTF-8": (SPANISH.encode(), CSV(separator=";", decimal=",", thousands=".")),
    "the same by a spreadsheet: byte order mark, CRLF": (
        b"\xef\xbb\xbf" + SPANISH.replace("\n", "\r\n").encode(),
        CSV(separator=";", decimal=",", thousands="."),
    ),
    "Excel's Unicode text": (
        "Name\tAge\r\nZoë\t45\r\nBjörn\t61\r\n".encode("utf-16"),
        CSV(separator="\t", encoding="utf-16"),
    ),
    "UTF-16 without a mark": ("name,age\nZoë,45\nBjörn,61\n".encode("utf-16-le"), CSV(encoding="utf-16-le")),
    "a euro sign of Windows": (b"item;price\ntea;3,50 \x80\nrye;2,10 \x80\n", CSV(separator=";", encoding="cp1252")),
    "Russian of Windows": (
        "имя;город;возраст\nИван;Москва;45\nПётр;Казань;61\nАнна;Новосибирск;38\n".encode("cp1251"),
        CSV(separator=";", encoding="cp1251"),
    ),
    "Excel's line about the separator": (b"sep=;\r\nage;weight\r\n45;72,5\r\n61;64,2\r\n", CSV(separator=";", decimal=",", skip=1)),
    "tabs": (b"gene\tcount\nTP53\t12\nBRCA1\t7\n", CSV(separator="\t")),
    "bars": (b"id|text|score\n1|good, cheap|0.5\n2|bad; dear|0.25\n", CSV(separator="|")),
    "comments of an instrument": (
        b"# device 7\n# unit: kPa\ntime,pressure\n0.0,101.3\n0.1,101.2\n# paused\n0.2,101.4\n",
        CSV(comment="#"),
    ),
    "a header that begins with #": (b"#id,name\n1,ann\n2,bob\n", CSV()),
    "titles above the header": (
        b"Sales by region\nprinted 2024-01-03\n\nregion;amount\nnorth;1.204,50\nsouth;98,10\n",
        CSV(separator=";", decimal=",", thousands=".", skip=3),
    ),
    "the iris file: no header": (
        b"5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n",
        CSV(header=False, names=("column_1", "column_2", "column_3")),
    ),
    "no header, semicolons, decimal commas only": (
        b"1,5;2,5\n1,0;2,0\n3,1;4,4\n",
        CSV(separator=";", decimal=",", header=False, names=("column_1", "column_2")),
    ),
    "texts only, without a header": (
        b"red,round\nblue,square\nred,square\nblue,round\n",
        CSV(header=False, names=("column_1", "column_2")),
    ),
    "texts only, with a header": (b"colour,shape\nblue,square\nred,square\nblue,round\n", CSV()),
    "a column a year": (b"country,2019,2020,2021\nSpain,1.5,2.5,3.5\nChile,2.1,3.2,1.1\n", CSV()),
    "thousands of the United States": (b'city,people\nAustin,"961,855"\nMiami,"442,241"\nNew York,"8,804,190"\n', CSV(thousands=",")),
    "thousands divided by spaces": (
        "région;total\nNord;1 234,5\nSud;2 000,0\n".encode(),
        CSV(separator=";", decimal=",", thousands=" "),
    ),
    "thousands of Switzerland": (b"kanton;total\nZug;1'234.50\nUri;12'000.00\n", CSV(separator=";", thousands="'")),
    "whole thousands beside decimal commas": (b"a;b\n1,5;12.500\n2,25;9.000\n", CSV(separator=";", decimal=",", thousands=".")),
    "three digits after the comma": (b"a;b\n1,234;5\n2,345;6\n", CSV(separator=";", decimal=",")),
    "dates with points are no thousands": (b"day;value\n03.01.2024;1,5\n11.02.2024;2,5\n", CSV(separator=";", decimal=",")),
    "quoted texts with every separator": (b'id,text\n1,"hello; there, all"\n2,"a|b, c"\n3,"x\ty, z"\n', CSV()),
    "a line end inside of a cell": (b'id,text\n1,"first line\nsecond line"\n2,"another"\n3,plain\n', CSV()),
    "single quotation marks": (b"'id','text'\n'1','a, b'\n'2','c, d'\n", CSV(quote="'")),
    "inches": (b'id\tsize\n1\t"5 pipe\n2\t6" pipe\n3\t7 pipe\n4\t8 pipe\n', CSV(separator="\t", quote="")),
    "one column": (b"price\n1.5\n2.5\n", CSV()),
    "compressed": (gzip.compress(SPANISH.encode("latin-1")), CSV(separator=";", decimal=",", thousands=".", encoding="cp1252")),
    "row names that pandas writes": (b",age,sex\n0,45,M\n1,61,F\n2,38,F\n", CSV()),
    "a comma too many after the header": (b"id,year,value,\na,1959,5.8\nb,1960,5.1\n", CSV()),
    "what R writes with spaces": (b'"age" "sex"\n45 "M"\n61 "F"\n38 "F"\n', CSV(separator=" ")),
    "names of two words in one column": (b"name\nann lee\nbob ray\n", CSV()),
    "moments in one column": (b"moment\n2024-01-03 10:00\n2024-01-03 10:30\n", CSV()),
    "JSON lines": (b'{"age": 45, "name": "ann"}\n{"age": null, "name": "bob"}\n', JSONLines()),
    "JSON lines, compressed": (gzip.compress(b'{"age": 45}\n{"age": 61}\n'), JSONLines()),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised(tmp_path: Path, name: str) -> None:
    content, expected = SAMPLES[name]
    (tmp_path / "rows").write_bytes(content)

    assert sniffed(tmp_path / "rows") == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xd0\xcf\x11\xe0 and so on", "is an old Excel workbook"),
        (b"PK\x03\x04 and so on", "is a zip archive"),
        (b'[{"age": 45}]', "is one JSON array; write one JSON object a line"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "is damaged"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "rows").write_bytes(content)

    with pytest.raises(TableError, match=f"rows {reason}"):
        sniffed(tmp_path / "rows")


def test_a_long_file_is_judged_by_its_first_lines(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"a;b\n" + b"1,5;2,25\n" * 200_000)

    assert sniffed(tmp_path / "rows") == CSV(separator=";", decimal=",")


def test_a_byte_far_down_decides_the_encoding(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"a;b\n" + b"1,5;x\n" * 300_000 + "2,5;ñandú\n".encode("latin-1"))

    assert sniffed(tmp_path / "rows") == CSV(separator=";", decimal=",", encoding="cp1252")
