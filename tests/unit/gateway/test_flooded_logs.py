"""What strangers can cause is counted, and fills no log; no library advises anything in it."""

from __future__ import annotations

import errno
import logging

import pytest

from slipway.gateway.logs import EXHAUSTED, MOST_ALIKE, Flood, TextFormatter


class Lines(logging.Handler):
    """The lines that come through."""

    def __init__(self, flood):
        super().__init__()
        self.lines = []
        self.addFilter(flood)
        self.setFormatter(TextFormatter("%(name)s %(message)s"))

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def flood():
    return Flood()


@pytest.fixture
def lines(flood, monkeypatch):
    for name in ("asyncio", "uvicorn.error", "onnxruntime"):  # Prefect, in an earlier test of this process, has set some of them
        for attribute, value in {"propagate": True, "disabled": False, "level": logging.NOTSET}.items():
            monkeypatch.setattr(logging.getLogger(name), attribute, value)
    handler, root = Lines(flood), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_thousand_failed_requests_are_a_few_lines_and_a_count(flood, lines):
    for number in range(1_000):
        try:
            raise KeyError(number)
        except KeyError:
            logging.getLogger("slipway.gateway.app").exception("request %s failed", number)

    assert len(lines) == MOST_ALIKE
    assert flood.left_out == 1_000 - MOST_ALIKE
    flood.report()
    assert lines[-1] == "slipway.gateway.logs 980 more lines of slipway.gateway.app as 'request %s failed' were left out"
    logging.getLogger("slipway.gateway.app").error("request %s failed", "the next")
    assert lines[-1] == "slipway.gateway.app request the next failed"  # a new period


def test_used_up_descriptors_are_one_line_without_a_traceback(flood, lines):
    for _ in range(200):
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError:
            logging.getLogger("asyncio").exception("socket.accept() out of system resource")

    assert lines == [f"asyncio {EXHAUSTED}"]
    assert (flood.exhausted, flood.left_out) == (200, 199)


def test_a_library_s_advice_is_left_out_and_its_errors_are_not(lines):
    logging.getLogger("uvicorn.error").warning("No supported WebSocket library detected. Please use \"pip install 'uvicorn[standard]'\"")
    logging.getLogger("onnxruntime").info("consider upgrading")
    logging.getLogger("asyncio").error("Fatal error on transport")

    assert lines == ["asyncio Fatal error on transport"]


def test_what_an_operator_does_is_never_left_out(lines):
    for number in range(100):
        logging.getLogger("slipway.gateway.versions.fleet").info("%s version 1 is in service on port %d", "toy", number)

    assert len(lines) == 100


def test_invented_messages_do_not_fill_the_memory(flood, lines):
    for number in range(2_000):
        logging.getLogger("asyncio").error(f"invented {number}")

    assert len(flood._seen) <= 501
    assert len(lines) <= 501
