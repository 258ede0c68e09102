"""Running the trials of a search, in this process or in workers. Either way gives the same trials in the same order."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial

from joblib.externals.loky import ProcessPoolExecutor
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial
from threadpoolctl import threadpool_limits

from slipway.spec import ModelSpec
from slipway.training.search.points import WINDOW, Point, draw, grid, known, rehearsal
from slipway.training.search.trials import Objective
from slipway.training.splitting import Rows

WORTHWHILE = 5.0  # seconds that workers must save: their imports take as long
IDLE = 600  # seconds until workers without work end; the next model of a fleet comes sooner

Outcome = Callable[[], FrozenTrial]
Start = Callable[[Point, Sequence[FrozenTrial]], Outcome]


def attempts(
    spec: ModelSpec, rows: Rows, key: str, finished: Sequence[FrozenTrial], wanted: int, jobs: int, first: Sequence[Point] = ()
) -> Generator[FrozenTrial]:
    """Yield the trials after the finished ones, in order, until there are as many as wanted.

    Args:
        key: Names the spec and the rows for the workers, which keep prepared folds for later trials.
        jobs: Worker processes at most. The first trial runs in this process, and so do the others if workers would start too late to
            save time.
        first: The points of the first trials, whatever the sampler would draw.
    """
    trials, objective = list(finished), Objective(spec, rows)
    began = time.perf_counter()
    for trial in _in_order(spec, finished, wanted, first, partial(_start_here, objective)):
        yield trial
        trials.append(trial)
        workers = min(jobs, WINDOW, wanted - len(trials))
        each = (time.perf_counter() - began) / (len(trials) - len(finished))
        if workers > 1 and each * (wanted - len(trials)) * (1 - 1 / workers) > WORTHWHILE:
            break
    if len(trials) < wanted:
        with _workers(spec, rows, key, workers) as start:
            yield from _in_order(spec, trials, wanted, first, start)


def _in_order(spec: ModelSpec, finished: Sequence[FrozenTrial], wanted: int, first: Sequence[Point], start: Start) -> Iterator[FrozenTrial]:
    trials, under_way = list(finished), deque[Outcome]()
    points: list[Point] = [trial.params for trial in trials]
    given = [*first, *(point for point in (grid(spec) if spec.search == "grid" else []) if point not in first)]
    for number in range(len(trials), wanted):
        if len(trials) + WINDOW == number:
            trials.append(under_way.popleft()())
            yield trials[-1]
        learnt = known(trials, number)
        points.append(given[number] if number < len(given) else draw(spec, number, learnt, points[len(learnt) :]))
        under_way.append(start(points[number], learnt))
    while under_way:
        yield under_way.popleft()()


def _attempt(objective: Objective, point: Point, learnt: Sequence[FrozenTrial]) -> FrozenTrial:
    """Score one point; pruning compares it with the trials it may learn from.

    It uses one core: trials run in parallel, and small matrices are slower on several cores.
    """
    study = rehearsal(objective.spec, learnt, RandomSampler())  # the point is given, so the sampler is never asked
    study.enqueue_trial(dict(point))
    with threadpool_limits(1):
        study.optimize(objective, n_trials=1)
    return study.trials[-1]


def _start_here(objective: Objective, point: Point, learnt: Sequence[FrozenTrial]) -> Outcome:
    return partial(_attempt, objective, point, learnt)


@contextmanager
def _workers(spec: ModelSpec, rows: Rows, key: str, jobs: int) -> Iterator[Start]:
    pool = _pool(jobs)
    try:
        yield lambda point, learnt: pool.submit(_attempt_elsewhere, key, spec, rows, point, learnt).result
    except BaseException:  # also if the caller stops early: trials under way are then of no use
        _pool.cache_clear()
        for worker in list(pool._processes.values()):  # by shutdown(kill_workers=True) joblib's thread ends with a KeyError of its own
            worker.terminate()
        pool.shutdown()
        raise


@cache
def _pool(jobs: int) -> ProcessPoolExecutor:
    # not joblib's own pool: its Parallel expects that pool unchanged
    return ProcessPoolExecutor(jobs, timeout=IDLE, initializer=_end_with, initargs=(os.getpid(),))


_objectives: dict[str, Objective] = {}


def _attempt_elsewhere(key: str, spec: ModelSpec, rows: Rows, point: Point, learnt: Sequence[FrozenTrial]) -> FrozenTrial:
    if key not in _objectives:
        _objectives.clear()  # another model's folds
        _objectives[key] = Objective(spec, rows)
    return _attempt(_objectives[key], point, learnt)


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: a killed parent cannot stop its workers."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
