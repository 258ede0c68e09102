"""What a version answers: how a label follows from the engine's probabilities, and how answers and outcomes are written.

The gateway loads this module, so it needs no training library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import msgspec

from slipway.problems.classification import ClassLabel

if TYPE_CHECKING:
    # Imported in the functions otherwise: the gateway answers before its first bundle has loaded NumPy, which takes half a second.
    import numpy as np
    import numpy.typing as npt

Schema = dict[str, Any]
Probabilities: TypeAlias = "npt.NDArray[np.float64]"
Kind = Literal["integer", "number", "text"]


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """The answer to one row; `probabilities` are named by class. Structures are written twice as quickly as dictionaries."""

    prediction_id: str
    label: ClassLabel
    meaning: str
    probabilities: Any
    subject: str | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Output:
    """The classes of a version, in the order of its probabilities, and how it decides: see `Contract.threshold`."""

    classes: tuple[ClassLabel, ...]
    meanings: tuple[str, ...]
    positive: ClassLabel | None
    threshold: float | None

    votes: ClassVar[bool] = True  # whether an answer is chosen among others, so that there may be ties
    of_each: ClassVar[str] = "Label, meaning and probabilities of each row"
    of_invocation: ClassVar[str] = "the label of each row"

    # --- from an engine's (n, classes) probabilities to labels

    def labels(self, probabilities: Probabilities) -> list[ClassLabel]:
        """Return the label of each row."""
        if self.threshold is None:
            return [self.classes[index] for index in probabilities.argmax(axis=1).tolist()]
        yes, no = self.classes[(at := self._positive)], self.classes[1 - at]
        return [yes if reached else no for reached in (probabilities[:, at] >= self.threshold).tolist()]

    def numbers(self, probabilities: Probabilities) -> Probabilities:
        """Return the numbers that an answer has beside its label: the (n, classes) probabilities."""
        return probabilities

    def of_model(self, model: Any, rows: Any) -> tuple[list[ClassLabel], Probabilities]:
        """Return what a fitted model answers: n labels, and (n, classes) probabilities."""
        return model.predict(rows).ravel().tolist(), self.scores(model, rows)

    def scores(self, model: Any, rows: Any) -> Probabilities:
        """Return (n, classes) numbers in which a step of a fitted model shows: its probabilities."""
        import numpy as np

        return np.asarray(model.predict_proba(rows), dtype=np.float64)

    def decisions(self, probabilities: Probabilities) -> npt.NDArray[np.intp]:
        """Return (n,) numbers that are equal where the labels are."""
        import numpy as np

        if self.threshold is None:
            best: npt.NDArray[np.intp] = probabilities.argmax(axis=1)
            return best
        return (probabilities[:, self._positive] >= self.threshold).astype(np.intp)

    def margins(self, probabilities: Probabilities) -> Probabilities:
        """Return the distance of each row from another label; 0 at a tie."""
        import numpy as np

        if self.threshold is not None:
            distance: Probabilities = np.abs(probabilities[:, self._positive] - self.threshold)
            return distance
        best = np.sort(probabilities, axis=1)
        return best[:, -1] - best[:, -2]

    def differ(
        self,
        measured: Probabilities,
        measured_labels: Sequence[Any],
        received: Probabilities,
        received_labels: Sequence[Any],
        tolerance: float,
    ) -> npt.NDArray[np.bool_]:
        """See `differ` below."""
        return differ(measured, measured_labels, received, received_labels, tolerance)

    def same(self, measured: Any, received: Any) -> bool:
        """Whether two answers are equal."""
        return bool(measured == received)

    def agrees(self, answer: Any, other: Any) -> bool:
        """Whether the answer of another version is the same as this one."""
        return bool(answer == other)

    @property
    def _positive(self) -> int:
        return self.classes.index(self.positive)

    # --- the answer of the endpoint

    def header(self) -> dict[str, Any]:
        """Return what a reply says once about how all its rows were decided."""
        return {"positive": self.positive, "threshold": self.threshold}

    def predictions(
        self, ids: Iterable[str], labels: Sequence[Any], probabilities: Sequence[Sequence[float]], subjects: Iterable[Any]
    ) -> list[Prediction]:
        """Return the answers to n rows; a subject may be `msgspec.UNSET`."""
        meanings, named = dict(zip(self.classes, self.meanings, strict=True)), _named(self.classes)
        rows = zip(ids, labels, probabilities, subjects, strict=True)
        return [Prediction(name, label, meanings[label], named(*each), subject) for name, label, each, subject in rows]

    def of_label(self) -> Schema:
        """Return the JSON Schema of a label."""
        meanings = "; ".join(f"{label}: {meaning}" for label, meaning in zip(self.classes, self.meanings, strict=True))
        return {"type": "string" if self.texts else "integer", "enum": list(self.classes), "description": meanings}

    def of_outcome(self) -> Schema:
        """Return the JSON Schema of an outcome: it is a label."""
        return self.of_label()

    def of_prediction(self) -> dict[str, Schema]:
        """Return the JSON Schema of what an answer has beside its id and its subject, by name."""
        names = [str(label) for label in self.classes]
        probabilities = {
            "type": "object",
            "description": "By class, as text. Each is from 0 to 1; together they are 1.",
            "required": names,
            "properties": {name: {"type": "number", "minimum": 0} for name in names},
            "additionalProperties": False,
        }
        meaning = {"type": "string", "enum": sorted(set(self.meanings))}
        return {"label": self.of_label(), "meaning": meaning, "probabilities": probabilities}

    def of_header(self) -> dict[str, Schema]:
        """Return the JSON Schema of `header`, by name."""
        decides = "The positive class is answered from this probability on; null where the most probable class is."
        return {
            "positive": {"anyOf": [self.of_label(), {"type": "null"}], "description": "The class that the threshold is for."},
            "threshold": {"type": ["number", "null"], "description": decides},
        }

    # --- outcomes

    @property
    def example(self) -> ClassLabel:
        """An outcome, for documents."""
        return self.classes[0]

    @property
    def texts(self) -> bool:
        """Whether labels are texts; if not, they are whole numbers."""
        return all(isinstance(label, str) for label in self.classes)

    def outcome(self, cell: Any) -> ClassLabel | None:
        """Return the label that a cell of JSON is, None if it is none; 1.0 is the whole number 1, and true is not."""
        if type(cell) is float and cell.is_integer():
            cell = int(cell)
        return cell if type(cell) in (int, str) and cell in self.classes else None

    @property
    def expected_outcome(self) -> str:
        """What an outcome must be, in the words of an error."""
        return f"one of {', '.join(map(repr, self.classes))}"

    # --- files of predictions

    def columns(self) -> dict[str, Kind]:
        """Return the columns of a file of predictions, by name."""
        label: Kind = "text" if self.texts else "integer"
        return {"label": label, "meaning": "text"} | {f"probability_{one}": "number" for one in self.classes}

    def cells(self, labels: Sequence[Any], probabilities: Probabilities) -> list[Sequence[Any]]:
        """Return the cells of n rows, a sequence for each of `columns`."""
        meanings = dict(zip(self.classes, self.meanings, strict=True))
        return [labels, [meanings[label] for label in labels], *probabilities.T]

    def tally(self, labels: Iterable[Any]) -> Counter[str]:
        """Count labels by their meaning."""
        meanings = dict(zip(self.classes, self.meanings, strict=True))
        return Counter({meanings[label]: times for label, times in Counter(labels).items()})

    def fits(self, answer: Any) -> bool:
        """Whether an answer of the endpoint names the probabilities of these classes."""
        return isinstance(answer, Mapping) and set(answer) == set(self.classes)

    @property
    def expected_answers(self) -> str:
        """What the answers of this version are, in the words of an error."""
        return f"answers of the classes {list(self.classes)}"

    def numbers_of(self, answers: Iterable[Any]) -> Probabilities:
        """Return the (n, classes) probabilities of answers of the endpoint, which name them by class."""
        import numpy as np

        return np.array([[one[label] for label in self.classes] for one in answers])

    # --- two versions

    def mismatch(self, other: object) -> str:
        """Return why the answers of another version cannot be compared with those of this one; "" when they can."""
        if not isinstance(other, Output):
            return "one predicts classes and the other a number"
        if (self.classes, self.meanings) == (other.classes, other.meanings):
            return ""
        return f"their classes differ: expected {self._listed}, received {other._listed}"

    @property
    def _listed(self) -> str:
        return f"{list(self.classes)} ({', '.join(self.meanings)})"


def differ(
    measured: Probabilities, measured_labels: Sequence[Any], received: Probabilities, received_labels: Sequence[Any], tolerance: float
) -> npt.NDArray[np.bool_]:
    """Return which of n rows are answered otherwise: another label, or a probability that differs by more than the tolerance."""
    import numpy as np

    other = np.array([ours != theirs for ours, theirs in zip(received_labels, measured_labels, strict=True)], dtype=np.bool_)
    # `not <=` rather than `>`: a NaN is a difference
    found: npt.NDArray[np.bool_] = other | ~(np.abs(measured - received).max(axis=1, initial=0.0) <= tolerance)
    return found


@lru_cache(maxsize=64)
def _named(classes: tuple[ClassLabel, ...]) -> type[msgspec.Struct]:
    names = {f"class_{number}": str(label) for number, label in enumerate(classes)}
    return msgspec.defstruct("Probabilities", [(name, float) for name in names], rename=names, frozen=True, gc=False)
