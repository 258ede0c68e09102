"""What Prefect logs about a run that fails: the cause once, in a line, and a traceback only of what is a bug.

Prefect repeats each failure of a step in four lines, two of them with the tracebacks of every library below. `tasks.patience` logs a line
for each attempt, and the states of the step and the run have the cause of the last one.
"""

from __future__ import annotations

import logging

from slipway.errors import SlipwayError
from slipway.tracking.connection import is_away

LOGGERS = ("prefect.task_runs", "prefect.flow_runs", "prefect.flow_engine", "prefect.engine")
REPEATED = ("Task run failed with", "Encountered exception during execution", "Engine execution exited")


def without_repetition(record: logging.LogRecord) -> bool:
    """Return whether to log a record. Take the traceback from one whose cause is named."""
    error = record.exc_info[1] if record.exc_info else _error_in(record.args)
    if not (isinstance(error, SlipwayError) or is_away(error)):
        return True
    record.exc_info = record.exc_text = None
    return not str(record.msg).startswith(REPEATED)


def _error_in(arguments: object) -> BaseException | None:
    """Return the error among the arguments of a record: an announced retry has no traceback."""
    values = arguments if isinstance(arguments, tuple) else ()
    return next((value for value in values if isinstance(value, BaseException)), None)


def install() -> None:
    """Filter the loggers of runs in this process. Safe to repeat."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(without_repetition)
