"""The answers of a gateway."""

from __future__ import annotations

from dataclasses import dataclass, field

Label = int | str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one row.

    `probabilities` are by class, each from 0 to 1. The model answers its positive class if that class's probability is >=
    `threshold`, or the most probable class if `threshold` is None. `prediction_id` names the answer in the gateway's audit log.
    `sample` is true for a model that was trained on sample rows and is not for use. `subject` is the one sent with the row.
    """

    label: Label
    meaning: str
    probabilities: dict[Label, float]
    threshold: float | None
    model: str
    version: int | None
    run_id: str
    prediction_id: str
    sample: bool
    subject: str | None = None

    @property
    def probability(self) -> float:
        """The probability of the class that was answered."""
        return self.probabilities[self.label]


@dataclass(frozen=True, slots=True)
class RecordedOutcomes:
    """How many outcomes were the first of their prediction, how many differ from the one before, and how many repeat it.

    A repetition is not written again.
    """

    recorded: int
    corrected: int
    repeated: int

    def __add__(self, other: RecordedOutcomes) -> RecordedOutcomes:
        return RecordedOutcomes(self.recorded + other.recorded, self.corrected + other.corrected, self.repeated + other.repeated)


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that breaks the contract. `row` counts from 0 in the rows given to the client; `column` is None for a whole row."""

    row: int
    column: str | None
    expected: str
    received: str

    def __str__(self) -> str:
        place = f"row {self.row}" if self.column is None else f"row {self.row}, column {self.column!r}"
        return f"{place}: expected {self.expected}, received {self.received}"


@dataclass(frozen=True, slots=True)
class PredictionOnWire:
    """One row's part of a reply. Its classes are texts, because names in JSON are."""

    prediction_id: str
    label: Label
    meaning: str
    probabilities: dict[str, float]
    subject: str | None = None

    def by_label(self) -> dict[Label, float]:
        """Return the probabilities by class, whole numbers if the label is one."""
        whole = isinstance(self.label, int)
        return {int(name) if whole else name: probability for name, probability in self.probabilities.items()}


@dataclass(frozen=True, slots=True)
class PredictReply:
    """The reply of `POST /models/<name>/predict`."""

    model: str
    version: int | None
    run_id: str
    sample: bool
    threshold: float | None
    predictions: list[PredictionOnWire]

    def each(self) -> list[Prediction]:
        return [
            Prediction(
                label=one.label,
                meaning=one.meaning,
                probabilities=one.by_label(),
                threshold=self.threshold,
                model=self.model,
                version=self.version,
                run_id=self.run_id,
                prediction_id=one.prediction_id,
                sample=self.sample,
                subject=one.subject,
            )
            for one in self.predictions
        ]


@dataclass(frozen=True, slots=True)
class LabelsReply:
    """The reply of `POST /models/<name>/invocations`."""

    predictions: list[Label]


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The reply to a request that was not answered."""

    error_code: str = ""
    message: str = ""
    violations: list[Violation] = field(default_factory=list)
    total: int = 0
