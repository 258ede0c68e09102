"""Every promise of the docs names the tests that fail without it: in a comment, which a reader of the rendered page does not see.

`<!-- tests: unit/access/test_keys.py::test_name; gateway/test_http.py::test_other -->` is at the end of a paragraph, of an item of a list
or of a row of a table; after a table or a list, in a paragraph of its own, it is about all of it. What promises nothing has a comment
`<!-- no test: why -->`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"
PAGES = ("promises.md", "security.md", "protocol.md", "faults.md")
NUMBERED = {"promises.md": 12, "security.md": 7}
COMMENT = re.compile(r"<!-- (tests|no test): (.+?) -->", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """A paragraph, an item or a row of a page, and what its comments say. `number` is that of an item, or empty."""

    text: str
    number: str
    tests: tuple[str, ...]
    reasons: tuple[str, ...]


def statements(page: str) -> list[Statement]:
    """Return what a page states, without its headings, its code, and the first paragraph, which says whom it is for."""
    text = re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)
    found: list[Statement] = []
    parts: list[str] = []
    for block in re.split(r"\n{2,}", text.strip()):
        if COMMENT.fullmatch(block.strip()):
            found[len(found) - len(parts) :] = [_statement(part + block) for part in parts]
        else:
            parts = [] if block.startswith("#") else list(_parts(block))
            found += map(_statement, parts)
    return found[1:]


def _parts(block: str) -> Iterator[str]:
    """Return the rows of a table without its head, the items of a list, or the paragraph as it is."""
    if block.startswith("|"):
        yield from block.splitlines()[2:]
    elif re.match(r"(?:\d+\.|-) ", block):
        yield from re.split(r"\n(?=(?:\d+\.|-) )", block)
    else:
        yield block


def _statement(part: str) -> Statement:
    comments = COMMENT.findall(part)
    number = re.match(r"(\d+)\. ", part)
    return Statement(
        text=re.sub(r"\s+", " ", COMMENT.sub("", part)).strip(),
        number=number[1] if number else "",
        tests=tuple(test.strip() for kind, said in comments if kind == "tests" for test in said.split(";")),
        reasons=tuple(said for kind, said in comments if kind == "no test"),
    )


def without_test(page: str) -> list[str]:
    """Return the statements that name neither tests nor a reason, and the numbered ones that name no tests."""
    return [one.text for one in statements(page) if not (one.tests or (one.reasons and not one.number))]


def unknown_tests(page: str, known: Callable[[str], set[str]]) -> list[str]:
    """Return the tests that a page names and that do not exist; `known` returns the tests of a file."""
    named = [test for one in statements(page) for test in one.tests]
    return [test for test in named if test.partition("::")[2] not in known(test.partition("::")[0])]


@cache
def names_in(file: str) -> set[str]:
    """Return the names of the tests in a file below tests/; of those in a class, `Class::name`."""
    if not (TESTS / file).is_file():
        return set()
    body = ast.parse((TESTS / file).read_text()).body
    within = [(f"{node.name}::", node.body) for node in body if isinstance(node, ast.ClassDef)]
    return {
        prefix + node.name
        for prefix, nodes in [("", body), *within]
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_names_a_test(page: str) -> None:
    text = (DOCS / page).read_text()

    assert len(statements(text)) > 10
    assert without_test(text) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_promise_names_exists(page: str) -> None:
    assert unknown_tests((DOCS / page).read_text(), names_in) == []


@pytest.mark.parametrize("page", NUMBERED)
def test_the_numbered_promises_are_all_there(page: str) -> None:
    numbers = [int(one.number) for one in statements((DOCS / page).read_text()) if one.number]

    assert numbers == list(range(1, NUMBERED[page] + 1))


def test_no_comment_is_left_out() -> None:
    """Else a comment in a place that is not read would look like a link."""
    for page in PAGES:
        text = (DOCS / page).read_text()
        named = [test for one in statements(text) for test in one.tests]
        assert {test.strip() for kind, said in COMMENT.findall(text) if kind == "tests" for test in said.split(";")} == set(named), page
        assert text.count("<!--") == len(COMMENT.findall(text)), page


PAGE = """# Promises

For those who test this test.

1. Nothing is lost. <!-- tests: a.py::test_one; a.py::Kept::test_two -->
2. Nothing is found,
   not even later. <!-- no test: nobody looks -->
3. Nothing is said.

## Rows

| what | how |
|---|---|
| one | well <!-- tests: a.py::test_none --> |
| two | badly |

| what | how |
|---|---|
| three | well |
| four | well |

<!-- tests: a.py::test_one -->

A promise.

Advice. <!-- no test: it is advice -->

```console
$ slipway
```
"""


def test_a_promise_without_a_test_is_found() -> None:
    assert without_test(PAGE) == [
        "2. Nothing is found, not even later.", "3. Nothing is said.", "| two | badly |", "A promise."
    ]  # fmt: skip


def test_a_test_that_does_not_exist_is_found() -> None:
    assert unknown_tests(PAGE, lambda file: {"test_one", "Kept::test_two"} if file == "a.py" else set()) == ["a.py::test_none"]
    assert unknown_tests(PAGE, lambda _: set())[0] == "a.py::test_one"


def test_tests_of_a_file_are_found() -> None:
    assert "test_tests_of_a_file_are_found" in names_in("test_promises.py")
    assert "without_test" not in names_in("test_promises.py")
    assert names_in("nowhere.py") == set()
