"""The questions that the gateway asks, by name. Each function gets the settings and the question's parameters, and returns the answer.

The gateway has decided already whether the person may ask. `who` is the person's name as the audit log has it, such as `user:anna`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployments.operations import acts, overview, preview, runs, service

QUESTIONS: dict[str, Callable[..., Any]] = {
    "decide": acts.decide,
    "freeze": acts.freeze,
    "overview": overview.overview,
    "preview": preview.preview,
    "resume": acts.resume,
    "progress": runs.progress,
    "run_state": runs.run_state,
    "service": service.service,
    "start_run": runs.start_run,
}
