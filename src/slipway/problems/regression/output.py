"""What a version answers: a number, the interval around it, and how both and outcomes are written.

The gateway loads this module, so it needs no training library.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    # Imported in the functions otherwise: see `slipway.problems.classification.output`.
    import numpy as np
    import numpy.typing as npt

Schema = dict[str, Any]
Floats: TypeAlias = "npt.NDArray[np.float64]"
SMALLEST = 1e-9  # a number nearer to zero is compared as if it were this large


class QuantityPrediction(msgspec.Struct, frozen=True, gc=False):
    """The answer to one row."""

    prediction_id: str
    prediction: float
    interval: Sequence[float]
    subject: str | msgspec.UnsetType | None = msgspec.UNSET


class QuantityOutput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number that a version predicts. It is part of the contract of a bundle.

    `log`: the engine returns log(1 + number). `reach`: how far an interval reaches to either side, in what the engine returns: the
    `coverage` quantile of the distances between outcomes and out-of-fold predictions on the training rows. `low` and `high` are what is
    possible, and an interval ends there.
    """

    unit: str
    description: str
    coverage: float
    reach: float
    low: float | None = None
    high: float | None = None
    log: bool = False

    votes: ClassVar[bool] = False  # whether an answer is chosen among others, so that there may be ties
    of_each: ClassVar[str] = "Prediction and interval of each row"
    of_invocation: ClassVar[str] = "the prediction of each row"

    # --- from an engine's (n, 1) numbers to answers

    def labels(self, raw: Floats) -> list[float]:
        """Return the predicted number of each row."""
        found: list[float] = self._inverse(raw[:, 0]).tolist()
        return found

    def numbers(self, raw: Floats) -> Floats:
        """Return the (n, 2) ends of the intervals."""
        return self.intervals(self.labels(raw))

    def intervals(self, labels: Sequence[float]) -> Floats:
        """Return the (n, 2) ends of the intervals around n predicted numbers."""
        import numpy as np

        middle = self._learnt(np.asarray(labels, dtype=np.float64))
        ends = self._inverse(np.column_stack([middle - self.reach, middle + self.reach]))
        return np.clip(ends, -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high)

    def of_model(self, model: Any, rows: Any) -> tuple[list[float], Floats]:
        """Return what a fitted model answers: n numbers, and the (n, 2) ends of their intervals."""
        labels: list[float] = model.predict(rows).tolist()
        return labels, self.intervals(labels)

    def scores(self, model: Any, rows: Any) -> Floats:
        """Return (n, 1) answers of a fitted model in units of `reach`, so that a step is as large for every quantity."""
        import numpy as np

        return (self._learnt(np.asarray(model.predict(rows), dtype=np.float64)) / (self.reach or 1.0)).reshape(-1, 1)

    def decisions(self, scores: Floats) -> npt.NDArray[np.intp]:
        """Return (n,) numbers that are equal where the answers are in the same band, which is as wide as `reach`."""
        import numpy as np

        return np.floor(scores[:, 0]).astype(np.intp)

    def margins(self, scores: Floats) -> Floats:
        """Return the distance of each row from another band."""
        import numpy as np

        above = scores[:, 0] - np.floor(scores[:, 0])
        return np.minimum(above, 1 - above)

    def differ(
        self, measured: Floats, measured_labels: Sequence[Any], received: Floats, received_labels: Sequence[Any], tolerance: float
    ) -> npt.NDArray[np.bool_]:
        """Return which of n rows are answered otherwise: by more than the tolerance, relative to the number or to the interval's width."""
        import numpy as np

        ours, theirs = np.asarray(measured_labels, dtype=np.float64), np.asarray(received_labels, dtype=np.float64)
        wide = np.maximum(np.abs(ours), (measured[:, 1] - measured[:, 0]) / 2)
        far = np.maximum(np.abs(ours - theirs), np.abs(measured - received).max(axis=1, initial=0.0))
        # `not <=` rather than `>`: a NaN is a difference
        found: npt.NDArray[np.bool_] = ~(far <= tolerance * np.maximum(wide, SMALLEST))
        return found

    def same(self, measured: Any, received: Any) -> bool:
        """Whether two answers are equal but for the rounding of another order of additions."""
        return isinstance(received, int | float) and math.isclose(measured, received, rel_tol=1e-6, abs_tol=1e-6 * self.reach + 1e-12)

    def agrees(self, answer: Any, other: Any) -> bool:
        """Whether the answer of another version is within the interval around this one."""
        if not self.log:
            return bool(abs(answer - other) <= self.reach)
        return min(answer, other) > -1 and abs(math.log1p(answer) - math.log1p(other)) <= self.reach

    def _learnt(self, numbers: Floats) -> Floats:
        import numpy as np

        if not self.log:
            return numbers
        with np.errstate(divide="ignore"):
            learnt: Floats = np.log1p(numbers)
        return learnt

    def _inverse(self, learnt: Floats) -> Floats:
        import numpy as np

        if not self.log:
            return learnt
        with np.errstate(over="ignore"):
            numbers: Floats = np.expm1(learnt)
        return numbers

    # --- the answer of the endpoint

    def header(self) -> dict[str, Any]:
        """Return what a reply says once about all its rows."""
        return {"coverage": self.coverage, "unit": self.unit}

    def predictions(
        self, ids: Iterable[str], labels: Sequence[Any], numbers: Sequence[Sequence[float]], subjects: Iterable[Any]
    ) -> list[QuantityPrediction]:
        """Return the answers to n rows; a subject may be `msgspec.UNSET`."""
        rows = zip(ids, labels, numbers, subjects, strict=True)
        return [QuantityPrediction(name, label, ends, subject) for name, label, ends, subject in rows]

    def of_label(self) -> Schema:
        """Return the JSON Schema of a predicted number."""
        return {"type": "number", "description": f"{self.description} ({self.unit})"}

    def of_outcome(self) -> Schema:
        """Return the JSON Schema of an outcome."""
        bounds = {"minimum": self.low, "maximum": self.high}
        return self.of_label() | {name: bound for name, bound in bounds.items() if bound is not None}

    def of_prediction(self) -> dict[str, Schema]:
        """Return the JSON Schema of what an answer has beside its id and its subject, by name."""
        ends = f"Low and high. Of {self.coverage:.0%} of the rows like the training rows, the outcome should be between them."
        interval = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "description": ends}
        return {"prediction": self.of_label(), "interval": interval}

    def of_header(self) -> dict[str, Schema]:
        """Return the JSON Schema of `header`, by name."""
        share = "The share of rows whose outcome the interval should include; what it included of the test rows is on the model card."
        return {
            "coverage": {"type": "number", "description": share},
            "unit": {"type": "string", "description": "Of predictions, intervals and outcomes."},
        }

    # --- outcomes

    @property
    def example(self) -> float:
        """An outcome, for documents."""
        low, high = self.low, self.high
        if low is not None and high is not None:
            return (low + high) / 2
        return low if low is not None else high if high is not None else 0.0

    @property
    def texts(self) -> bool:
        """Whether outcomes are texts."""
        return False

    def outcome(self, cell: Any) -> float | None:
        """Return the number that a cell of JSON is, None if it is none or not possible; true is not the number 1."""
        if type(cell) not in (int, float):
            return None
        try:
            number = float(cell)
        except OverflowError:  # a whole number with hundreds of digits
            return None
        within = (self.low is None or number >= self.low) and (self.high is None or number <= self.high)
        return number if math.isfinite(number) and within else None

    @property
    def expected_outcome(self) -> str:
        """What an outcome must be, in the words of an error."""
        bounds = [f"from {self.low:g}"] if self.low is not None else []
        bounds += [f"to {self.high:g}" if bounds else f"of at most {self.high:g}"] if self.high is not None else []
        return " ".join(["a number", *bounds, f"({self.unit})"])

    # --- files of predictions

    def columns(self) -> dict[str, Literal["integer", "number", "text"]]:
        """Return the columns of a file of predictions, by name."""
        return {"prediction": "number", "low": "number", "high": "number"}

    def cells(self, labels: Sequence[Any], numbers: Floats) -> list[Sequence[Any]]:
        """Return the cells of n rows, a sequence for each of `columns`."""
        return [labels, *numbers.T]

    def tally(self, labels: Iterable[Any]) -> Counter[str]:
        """Count answers; the numbers themselves are too many to be counted one by one."""
        return Counter({self.description: sum(1 for _ in labels)})

    def fits(self, answer: Any) -> bool:
        """Whether an answer of the endpoint has an interval."""
        return isinstance(answer, Sequence) and len(answer) == 2

    def numbers_of(self, answers: Iterable[Any]) -> Floats:
        """Return the (n, 2) ends of the intervals of answers of the endpoint."""
        import numpy as np

        return np.array(list(answers), dtype=np.float64)

    @property
    def expected_answers(self) -> str:
        """What the answers of this version are, in the words of an error."""
        return f"numbers in {self.unit} with an interval"

    # --- two versions

    def mismatch(self, other: object) -> str:
        """Return why the answers of another version cannot be compared with those of this one; "" when they can."""
        if not isinstance(other, QuantityOutput):
            return "one predicts a number and the other classes"
        return "" if self.unit == other.unit else f"their units differ: expected {self.unit}, received {other.unit}"
