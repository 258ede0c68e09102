"""The text of a model's file: which line declares what, and what it shows before it is executed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from slipway.spec.declarations import Place


def line_of(place: Place, path: tuple[Any, ...]) -> int:
    """Return the line of a field in a call, and of a key in it, as far as the text shows them; else that of the call.

    Args:
        path: The field, then keys and positions.
    """
    call = next((node for node in ast.walk(_tree(place.file)) if isinstance(node, ast.Call) and _is_at(node, place)), None)
    if call is None or not path:
        return place.lines[0]
    line, value = _field(call, place, path[0])
    for key in path[1:]:
        if isinstance(value, ast.Name):
            value = _assigned(place.file).get(value.id)
        line, value = _inside(value, key) or (line, None)
    return line


def line_of_model(file: Path, field: str = "") -> int:
    """Return the line of `MODEL = ...`, or of a field that is named in it."""
    model = _assigned(str(file)).get("MODEL")
    named = [keyword.lineno for keyword in model.keywords if keyword.arg == field] if isinstance(model, ast.Call) else []
    return named[0] if named else model.lineno if model else 1


def constants(file: Path) -> dict[str, Any]:
    """Return the fields of `MODEL = ...` that are written as plain values. Nothing is executed; a file with a wrong syntax has none.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        model = _assigned(str(file)).get("MODEL")
    except (SyntaxError, ValueError):
        return {}
    keywords = model.keywords if isinstance(model, ast.Call) else []
    return {keyword.arg: keyword.value.value for keyword in keywords if keyword.arg and isinstance(keyword.value, ast.Constant)}


def _tree(file: str) -> ast.Module:
    return ast.parse(Path(file).read_bytes(), file)


def _assigned(file: str) -> dict[str, ast.expr]:
    """Return what is assigned to each name of the file."""
    found = {}
    for node in _tree(file).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
    return found


def _is_at(node: ast.Call, place: Place) -> bool:
    return (node.lineno, node.end_lineno) == place.lines and (node.col_offset, node.end_col_offset) == place.columns


def _field(call: ast.Call, place: Place, name: Any) -> tuple[int, ast.expr | None]:
    """Return the line of an argument, and its value."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.lineno, keyword.value
    by_place = name in place.fields and isinstance(call.func, ast.Name | ast.Attribute) and ast.unparse(call.func).endswith(place.declared)
    if by_place and (number := place.fields.index(name)) < len(call.args):
        return call.args[number].lineno, call.args[number]
    return call.lineno, None


def _inside(value: ast.expr | None, key: Any) -> tuple[int, ast.expr] | None:
    match value:
        case ast.Dict(keys=keys, values=values):
            for one, item in zip(keys, values, strict=True):
                if isinstance(one, ast.Constant) and one.value == key:
                    return one.lineno, item
        case ast.Tuple(elts=items) | ast.List(elts=items) if isinstance(key, int) and key < len(items):
            return items[key].lineno, items[key]
    return None
