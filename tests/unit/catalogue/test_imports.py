"""What model files import and seldom use is loaded when it is used."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from slipway.catalogue.imports import SELDOM_USED, loaded_at_first_use, without_collector

LIBRARY = "from toy_library.part import COLOUR\n\nSIZE = 3\n\n\ndef double(number):\n    return 2 * number\n"


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that other libraries take the function `double` out of."""
    (tmp_path / "toy_library").mkdir()
    (tmp_path / "toy_library" / "__init__.py").write_text(LIBRARY)
    (tmp_path / "toy_library" / "part.py").write_text("COLOUR = 'red'\n")
    (tmp_path / "toy_user.py").write_text("import toy_library.part as part\nfrom toy_library import double\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(SELDOM_USED, "toy_library", ("double",))
    yield
    for name in ("toy_user", "toy_library", "toy_library.part"):
        sys.modules.pop(name, None)


def test_a_module_is_loaded_when_something_in_it_is_read() -> None:
    with loaded_at_first_use():
        user = import_module("toy_user")
        assert "SIZE" not in vars(sys.modules["toy_library"])

        assert user.part.COLOUR == "red"

        assert sys.modules["toy_library"].SIZE == 3
        assert import_module("toy_library.part") is sys.modules["toy_library"].part


def test_a_function_that_others_take_out_of_a_module_loads_it_when_it_is_called() -> None:
    with loaded_at_first_use():
        user = import_module("toy_user")
        assert "double" not in vars(sys.modules["toy_library"])

        assert user.double(4) == 8

        assert sys.modules["toy_library"].double(4) == 8


def test_a_model_file_gets_the_function_itself_because_it_may_declare_it() -> None:
    declared = {"__name__": "slipway.models.toy"}

    with loaded_at_first_use():
        exec("from toy_library import double", declared)

    assert declared["double"] is import_module("toy_library").double


def test_what_was_not_used_meanwhile_is_imported_afterwards_and_works_where_it_is_held() -> None:
    with loaded_at_first_use():
        user = import_module("toy_user")
    assert "toy_library" not in sys.modules

    assert (user.double(4), user.part.COLOUR, import_module("toy_library").SIZE) == (8, "red", 3)


def test_what_was_imported_before_stays_as_it_is() -> None:
    before = import_module("toy_library")

    with loaded_at_first_use():
        assert import_module("toy_library") is before

    assert import_module("toy_library.part").COLOUR == "red"


def test_the_collector_is_as_it_was_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), without_collector():
        import_module("toy_library.nowhere")
    assert gc.isenabled()

    with without_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
