"""The answers of a gateway."""

from __future__ import annotations

from dataclasses import dataclass, field

Label = int | float | str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one row.

    `probabilities` are by class, each from 0 to 1. The model answers its positive class if that class's probability is >=
    `threshold`, or the most probable class if `threshold` is None. `prediction_id` names the answer in the gateway's audit log.
    `sample` is true for a model that was trained on sample rows and is not for use. `subject` is the one sent with the row.

    Of a model that predicts a number, `label` is that number in `unit`, and `interval` its low and high end: of the share `coverage` of
    the rows, the outcome should be between them. There is no meaning and no probability then.
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
    interval: tuple[float, float] | None = None
    coverage: float | None = None
    unit: str = ""

    @property
    def probability(self) -> float:
        """The probability of the class that was answered; a number has none."""
        return self.probabilities[self.label]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one column adds to an answer. `value` is the row's, in `unit`. `standard_error` is None if the contribution is exact."""

    column: str
    value: float | int | str | bool | None
    unit: str
    contribution: float
    standard_error: float | None = None


@dataclass(frozen=True, slots=True)
class BackgroundRows:
    """The rows that an explained one is compared with: how many, and which."""

    rows: int
    description: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a row got its answer, on one `scale`: `base` and all contributions together are `margin`.

    The scale is the one that the model adds up in: "probability" is that of the class `of_label`, "log-odds" are log(p / (1 - p)) of it,
    "log-ratio" is log(p / g) with the geometric mean g of all classes, and "number", "log(number)" and "log(1 + number)" are of the
    predicted number, in `unit`. `base` is the mean margin of the background. `method` is "exact" or "sampled".

    The contributions say what the model made of the row. They are not causes, and no advice on what to change.
    """

    scale: str
    method: str
    base: float
    margin: float
    contributions: list[Contribution]
    background: BackgroundRows
    of_label: int | str | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedPrediction:
    """The answer to one row, and its explanation."""

    prediction: Prediction
    explanation: Explanation


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
    """One row's part of a reply: a label with its probabilities, or a predicted number with its interval.

    The classes are texts, because names in JSON are.
    """

    prediction_id: str
    label: int | str | None = None
    meaning: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    prediction: float | None = None
    interval: tuple[float, float] | None = None
    subject: str | None = None

    def __post_init__(self) -> None:
        if (self.label is None) == (self.prediction is None):
            raise ValueError("expected a label or a prediction")

    @property
    def answer(self) -> Label:
        """The label, or the predicted number."""
        return self.prediction if self.label is None else self.label  # type: ignore[return-value]

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
    predictions: list[PredictionOnWire]
    threshold: float | None = None
    coverage: float | None = None
    unit: str = ""

    def each(self) -> list[Prediction]:
        return [
            Prediction(
                label=one.answer,
                meaning=one.meaning,
                probabilities=one.by_label(),
                threshold=self.threshold,
                model=self.model,
                version=self.version,
                run_id=self.run_id,
                prediction_id=one.prediction_id,
                sample=self.sample,
                subject=one.subject,
                interval=one.interval,
                coverage=self.coverage,
                unit=self.unit,
            )
            for one in self.predictions
        ]


@dataclass(frozen=True, slots=True)
class ExplainedOnWire:
    """The part of a row's reply that `PredictionOnWire` does not have."""

    explanation: Explanation


@dataclass(frozen=True, slots=True)
class ExplainReply:
    """The part of the reply of `POST /models/<name>/explain` that `PredictReply` does not have."""

    predictions: list[ExplainedOnWire]


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
