"""Bodies made from every cell in every form, for the comparison of the gateway with `mlflow models serve` on heart-failure.

Each body has the name of the difference to which it belongs in docs/protocol.md, or none if both should answer the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

JSON, CSV = "application/json", "text/csv"
ROW = {
    "Age": 60,
    "Sex": "M",
    "ChestPainType": "ASY",
    "RestingBP": 160,
    "Cholesterol": 301,
    "FastingBS": 1,
    "RestingECG": "LVH",
    "MaxHR": 82,
    "ExerciseAngina": "Y",
    "Oldpeak": 2.9,
    "ST_Slope": "Flat",
}
OTHER = {
    "Age": 40,
    "Sex": "F",
    "ChestPainType": "ATA",
    "RestingBP": 120,
    "Cholesterol": 180,
    "FastingBS": 0,
    "RestingECG": "Normal",
    "MaxHR": 170,
    "ExerciseAngina": "N",
    "Oldpeak": 0.0,
    "ST_Slope": "Up",
}
# cells as JSON writes them, or as Python's json.dumps does
WHOLE = [
    *("0", "1", "-0", "120", "60.0", "6e1", "60.5", "1e-9", "-1", "121", "400", "2147483648", "9223372036854775808", "1e40", "1e400"),
    *("NaN", "Infinity", "-Infinity", "null", "true", "false", '"60"', '"60.0"', '"sixty"', '""', '" 60"', '"6_0"', "[]", "[60]", "{}"),
]
NUMBERS = [
    *("0", "3", "-1", "2.9", "-0.0", "1e-300", "0.1e1", "99.5", "1e39", "1e400", "NaN", "Infinity", "-Infinity", "null", "true"),
    *('"2.9"', '"high"', '""', "[]", "[2.9]", "{}"),
]
CATEGORIES = [*('"M"', '"F"', '"m"', '" M"', '"X"', '""', "null", "1", "1.5", "true", "NaN", "[]", '["M"]', "{}")]
CELLS = [("Age", cell) for cell in WHOLE] + [("Oldpeak", cell) for cell in NUMBERS] + [("Sex", cell) for cell in CATEGORIES]


UNKNOWN, AS_TEXT, FRACTION = "a column that the model does not have", "a number written as a text", "a fraction for a whole number"
FLAG, RANGE, KEY = "true for a number", "a number out of range", "another key beside the rows"
MIXED = "a list of one value in one column, single values in the others"
BY_CELL = {
    **dict.fromkeys(["60.5", "1e-9"], FRACTION),
    **dict.fromkeys(["-1", "121", "400", "2147483648", "9223372036854775808", "1e40", "99.5", "1e39"], RANGE),
    **dict.fromkeys(["true", "false"], FLAG),
    **dict.fromkeys(['"60"', '" 60"', '"6_0"', '"2.9"'], AS_TEXT),
    **dict.fromkeys(["[60]", "[2.9]", '["M"]'], MIXED),
}


class Body(NamedTuple):
    """`difference` is a line of the table in docs/protocol.md, which applies if the answers differ."""

    name: str
    kind: str
    content: str
    difference: str | None


def bodies() -> Iterator[Body]:
    for column, cell in CELLS:
        difference = BY_CELL.get(cell) if column != "Sex" or cell.startswith("[") else None
        for form, content in _forms(column, cell):
            yield Body(f"{form}: {column} = {cell}", JSON, content, difference)
        if cell[0] not in "[{":
            yield Body(f"CSV: {column} = {cell}", CSV, _csv(column, cell), difference)
    for name, (content, difference) in TABLES.items():
        yield Body(f"CSV: {name}", CSV, content, difference)
    for name, (content, difference) in SHAPES.items():
        yield Body(f"JSON: {name}", JSON, content, difference)


def _forms(column: str, cell: str) -> Iterator[tuple[str, str]]:
    first, second = _texts(ROW) | {column: cell}, _texts(OTHER)
    records = f"[{_object(first)}, {_object(second)}]"
    by_column = "{" + ", ".join(f'"{name}": [{first[name]}, {second[name]}]' for name in first) + "}"
    data = f"[[{', '.join(first.values())}], [{', '.join(second.values())}]]"
    yield "dataframe_split", f'{{"dataframe_split": {{"columns": {json.dumps(list(first))}, "data": {data}}}}}'
    yield "dataframe_records", f'{{"dataframe_records": {records}}}'
    yield "inputs as records", f'{{"inputs": {records}}}'
    yield "inputs by column", f'{{"inputs": {by_column}}}'
    yield "instances as records", f'{{"instances": {records}}}'
    yield "one row", f'{{"inputs": {_object(first)}}}'


def _csv(column: str, cell: str) -> str:
    text = "" if cell == "null" else json.loads(cell) if cell.startswith('"') else cell
    rows = [ROW | {column: text}, OTHER]
    return "\n".join(",".join(map(str, row)) for row in (list(ROW), *(row.values() for row in rows))) + "\n"


def _texts(row: dict[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in row.items()}


def _object(texts: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}"


NAMES, CELLS_OF_ROW = list(ROW), list(ROW.values())
HEAD, LINE, RECORD = ",".join(NAMES), ",".join(map(str, CELLS_OF_ROW)), json.dumps(ROW)
PARAMETERS = "parameters"
Content = tuple[str, str | None]
TABLES: dict[str, Content] = {
    "semicolons": (f"{HEAD}\n{LINE}\n".replace(",", ";"), None),
    "tabs": (f"{HEAD}\n{LINE}\n".replace(",", "\t"), None),
    "row names": (f",{HEAD}\n0,{LINE}\n", "row names of a frame in CSV"),
    "a last line of blanks": (f"{HEAD}\n{LINE}\n   \n", None),
    "a last line of commas": (f"{HEAD}\n{LINE}\n{',' * 10}\n", None),
    "blank lines inside": (f"{HEAD}\n\n  \n{LINE}\n\n{LINE}\n", None),
    "a first line that is blank": (f"\n{HEAD}\n{LINE}\n", None),
    "CR LF": (f"{HEAD}\r\n{LINE}\r\n", None),
    "CR": (f"{HEAD}\r{LINE}\r", None),
    "a long row": (f"{HEAD}\n{LINE},1\n", None),
    "long rows": (f"{HEAD}\n{LINE},1\n{LINE},2\n", None),
    "a short row": (f"{HEAD}\n{LINE}\n60,M\n", None),
    "a comment": (f"# x\n{HEAD}\n{LINE}\n", None),
    "a comma at the end of all lines": (f"{HEAD},\n{LINE},\n", UNKNOWN),
    "NA": (f"{HEAD}\n{LINE}\n".replace("M,", "NA,", 1), None),
    "a comma in a number": (f"{HEAD}\n{LINE}\n".replace("160", '"1,60"'), None),
    "an open quote": (f"{HEAD}\n{LINE}\n".replace("ASY", '"ASY'), None),
    "names in capitals": (f"{HEAD.upper()}\n{LINE}\n", None),
    "blanks before names": (f"{HEAD}\n{LINE}\n".replace(",", ", ", 3), None),
    "a blank before a category": (f"{HEAD}\n{LINE}\n".replace("M,", " M,", 1), None),
    "another column": (f"{HEAD},Name\n{LINE},Ann\n", UNKNOWN),
    "names only": (HEAD, None),
    "JSON": (json.dumps({"inputs": [ROW]}), None),
    "NUL": (f"{HEAD}\n{LINE}\x00\n", "NUL in CSV"),
    "blanks only": (" \n \n", None),
}
SHAPES: dict[str, Content] = {
    "null": ("null", None),
    "true": ("true", None),
    "a text": ('"a"', None),
    "blanks": ("   ", None),
    "a comma at the end": ('{"inputs": [1,]}', None),
    "single quotes": (str({"inputs": [ROW]}), None),
    "a comment": ('{"inputs": [] /* x */}', None),
    "CSV": (f"{HEAD}\n{LINE}", None),
    "a lone surrogate": (json.dumps({"inputs": [ROW]}).replace('"M"', '"\\ud800"'), None),
    "a control character": (json.dumps({"inputs": [ROW]}).replace('"M"', '"\n"'), None),
    "NaN in the index": (
        f'{{"dataframe_split": {{"columns": {json.dumps(NAMES)}, "index": [NaN], "data": [{json.dumps(CELLS_OF_ROW)}]}}}}',
        None,
    ),
    "an index of another length": (
        json.dumps({"dataframe_split": {"columns": NAMES, "index": [1, 2], "data": [CELLS_OF_ROW]}}),
        "an index of another length than the rows",
    ),
    "an index that is a text": (json.dumps({"dataframe_split": {"columns": NAMES, "index": "a", "data": [CELLS_OF_ROW]}}), None),
    "an index that is null": (json.dumps({"dataframe_split": {"columns": NAMES, "index": None, "data": [CELLS_OF_ROW]}}), None),
    "split without data": (json.dumps({"dataframe_split": {"columns": NAMES}}), None),
    "split with numbers for names": ('{"dataframe_split": {"columns": [1], "data": [[1]]}}', None),
    "split with a text for names": ('{"dataframe_split": {"columns": "Age", "data": [[1]]}}', None),
    "split with an empty row": (json.dumps({"dataframe_split": {"columns": NAMES, "data": [[]]}}), None),
    "split with an object for data": (json.dumps({"dataframe_split": {"columns": NAMES, "data": {}}}), None),
    "split with another column": (
        json.dumps({"dataframe_split": {"columns": [*NAMES, "Name"], "data": [[*CELLS_OF_ROW, "Ann"]]}}),
        UNKNOWN,
    ),
    "null for a split": ('{"dataframe_split": null}', None),
    "null for records": ('{"dataframe_records": null}', None),
    "null for inputs": ('{"inputs": null}', None),
    "null for instances": ('{"instances": null}', None),
    "one record": (f'{{"dataframe_records": {RECORD}}}', None),
    "records that are lists": (json.dumps({"dataframe_records": [CELLS_OF_ROW]}), None),
    "records that are null": ('{"dataframe_records": [null]}', None),
    "a record and a number": (f'{{"dataframe_records": [{RECORD}, 1]}}', None),
    "an empty record": ('{"dataframe_records": [{}]}', None),
    "a record and a part of one": (f'{{"dataframe_records": [{RECORD}, {{"Age": 1}}]}}', None),
    "a number for inputs": ('{"inputs": 3}', None),
    "a text for inputs": ('{"inputs": "a"}', None),
    "true for inputs": ('{"inputs": true}', None),
    "an empty object for inputs": ('{"inputs": {}}', None),
    "a flat list": (json.dumps({"inputs": CELLS_OF_ROW}), None),
    "a list too deep": (json.dumps({"inputs": [[CELLS_OF_ROW]]}), None),
    "numbers only": ('{"inputs": [[1,2,3,4,5,6,7,8,9,10,11]]}', None),
    "columns of nothing": (json.dumps({"inputs": {name: [] for name in NAMES}}), None),
    "columns and one cell": (json.dumps({"inputs": {name: [value] for name, value in ROW.items()} | {"Age": 60}}), MIXED),
    "parameters in a list": (json.dumps({"inputs": [ROW], "params": []}), PARAMETERS),
    "parameters in a text": (json.dumps({"inputs": [ROW], "params": "a"}), PARAMETERS),
    "false for parameters": (json.dumps({"inputs": [ROW], "params": False}), PARAMETERS),
    "rows": (json.dumps({"rows": [ROW]}), None),
    "a form and null for another": (json.dumps({"inputs": [ROW], "instances": None}), None),
    "records and columns": (json.dumps({"dataframe_records": [ROW], "columns": NAMES}), KEY),
    "a blank in a name": (f'{{"dataframe_records": [{RECORD}]}}'.replace('"Age"', '" Age"'), None),
    "names in small letters": (json.dumps({"dataframe_records": [{name.lower(): value for name, value in ROW.items()}]}), None),
    "an escape in a name": (json.dumps({"inputs": [ROW]}).replace('"Age"', '"\\u0041ge"'), None),
    "line ends at the end": (json.dumps({"inputs": [ROW]}) + "\n\n", None),
    "blanks at the begin": ("\n  " + json.dumps({"inputs": [ROW]}), None),
}
