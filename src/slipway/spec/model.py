"""The declaration of a model: one `ModelSpec`, which refuses what cannot be true when its file is imported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from slipway.errors import SpecError
from slipway.problems.estimators import Distribution, Estimator, objection, takes_missing_cells
from slipway.problems.weights import require_weights
from slipway.spec import names, search, texts
from slipway.spec.columns import Columns
from slipway.spec.datasets import USUAL_DATA_GATE, DataGate, Dataset, FollowedDataset
from slipway.spec.derived import Ratio
from slipway.spec.learning import Outcomes
from slipway.spec.parts import USUAL_PREPARATION, Card, Gate, Preparation, Simplest
from slipway.spec.schedules import Schedule
from slipway.spec.search import PREPARATION
from slipway.spec.splits import Split
from slipway.spec.watch import AS_USUAL, Watch
from slipway.spec.wording import Language, Wording

if TYPE_CHECKING:
    from slipway.problems.training import Problem

Check = Callable[["ModelSpec"], None]

# what a model is checked for, in this order: the fields that decide it, the one to change first, and the method that refuses
CHECKS: list[tuple[tuple[str, ...], Check]] = []


def _concerns(*fields: str) -> Callable[[Check], Check]:
    """Make a method one of the checks of a model, and name the fields that decide it."""

    def add(check: Check) -> Check:
        CHECKS.append((fields, check))
        return check

    return add


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model: its rows, how it is tuned, what it must reach, and where it is served.

    A trial is scored over `folds` folds, shuffled again `repeats` times. Small data need the repetitions, because one shuffle of a few
    hundred rows changes the score more than the hyperparameters do. `tune_threshold`: choose, on the same folds, the probability from
    which a row is positive, because one half is not always best for the metric. `approval`: a person must approve every release,
    after the gate.

    `challenges`: the model that this one challenges. It shares that model's rows, columns, split, metric, registered name and port, and
    has no service of its own: its releases run beside the version in service, until one is promoted or the challenge ends.
    """

    name: str
    registered_as: str
    description: str
    dataset: Dataset | FollowedDataset
    columns: Columns
    split: Split
    estimator: Estimator
    search_space: Mapping[str, Distribution]
    metric: str
    gate: Gate
    port: int
    search: Literal["tpe", "grid"] = "tpe"
    trials: int = 40
    folds: int = 5
    repeats: int = 1
    simplest: Simplest | None = None
    tune_threshold: bool = False
    preparation: Preparation = USUAL_PREPARATION
    card: Card | None = None
    slices: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # feature -> edges of the bands of a number, () for a category
    baseline: Estimator | None = None  # a simple model to compare with, after the same preparation
    schedules: tuple[Schedule, ...] = ()
    approval: bool = False
    data_gate: DataGate = USUAL_DATA_GATE
    watch: Watch = AS_USUAL
    learns: Outcomes | None = None  # from answered rows with outcomes too
    challenges: str | None = None
    wording: Mapping[Language, Wording] = field(default_factory=dict)  # what its pages say, by language
    trusted: tuple[str, ...] = ()  # types, as module.Type, that its stored versions may contain beside those of our list

    @property
    def service(self) -> str:
        """The name under which its versions are served, locked and recorded: its own, or that of the model it challenges."""
        return self.challenges or self.name

    @property
    def model_file(self) -> str:
        """The name of the file that declares it."""
        return f"{self.name.replace('-', '_')}.py"

    @property
    def problem(self) -> Problem:
        """What depends on the kind of the target; it loads the training libraries."""
        from slipway.problems.training import of_target

        return of_target(self.columns.target)

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric is an error."""
        return self.columns.target.lower_is_better(self.metric)

    def __post_init__(self) -> None:
        object.__setattr__(self, "search_space", MappingProxyType(dict(self.search_space)))
        object.__setattr__(self, "slices", MappingProxyType(dict(self.slices)))
        object.__setattr__(self, "wording", MappingProxyType(dict(self.wording)))
        for _, message in self.contradictions():
            raise SpecError(message)

    def contradictions(self, wrong: Collection[str] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what cannot be true: the fields, the one to change first, and the sentences.

        Args:
            wrong: Fields that are known to be wrong by themselves; what depends on them is not checked.
        """
        found: set[str] = set(wrong)
        for fields, check in CHECKS:
            if found.isdisjoint(fields):
                try:
                    check(self)
                except SpecError as error:
                    found.add(fields[0])
                    yield fields, f"{self.name}: {error}"

    @property
    def split_only(self) -> str:
        """The excluded column that only decides the split; "" if there is none."""
        name = self.split.by or self.split.group
        return "" if name in self.columns.features else name

    @_concerns("name")
    def _refuse_name(self) -> None:
        names.refuse_name(self.name)

    @_concerns("registered_as")
    def _refuse_registered_name(self) -> None:
        names.refuse_registered_name(self.registered_as, example=self.name.replace("-", "_"))

    @_concerns("search_space", "estimator")
    def _refuse_unknown_parameters(self) -> None:
        search.refuse_unknown(self.estimator, self.search_space)

    @_concerns("estimator", "columns")
    def _refuse_estimator(self) -> None:
        if not search.choices(self.search_space):
            self.columns.target.require_estimator(self.estimator)

    @_concerns("estimator", "search_space")
    def _refuse_parameters(self) -> None:
        search.refuse_parameters(self.estimator, self.search_space)

    @_concerns("search_space", "estimator")
    def _refuse_searched_parameters(self) -> None:
        search.refuse_searched(self.estimator, self.search_space)

    @_concerns("search_space", "estimator", "columns")
    def _refuse_choices(self) -> None:
        search.refuse_choices(self.estimator, self.search_space, self.columns.target)

    @_concerns("search_space")
    def _refuse_ways_of_preparation(self) -> None:
        search.refuse_ways(self.search_space)

    @_concerns("port")
    def _refuse_port(self) -> None:
        if not 1 <= self.port <= 65_535:
            raise SpecError(f"port={self.port} is not a port; use 1 to 65535.")

    @_concerns("trials", "folds", "repeats")
    def _refuse_too_little_tuning(self) -> None:
        if self.trials < 1 or self.folds < 2 or self.repeats < 1:
            raise SpecError(
                f"trials={self.trials}, folds={self.folds}, repeats={self.repeats}: tuning needs a trial, two folds and a repeat at least."
            )

    @_concerns("search_space", "search")
    def _refuse_an_open_grid(self) -> None:
        if self.search == "grid" and (open_ended := sorted(k for k, v in self.search_space.items() if not hasattr(v, "choices"))):
            raise SpecError(f"a grid needs a list of values for each parameter; {open_ended} have none.")

    @_concerns("split", "columns", "repeats")
    def _refuse_split(self) -> None:
        self.columns.target.require_split(self.split.stratify)
        self.split.refuse_columns(self.columns, self.repeats)

    @_concerns("metric", "columns")
    def _refuse_metric(self) -> None:
        self.columns.target.require_metric(self.metric)

    @_concerns("tune_threshold", "metric", "columns")
    def _refuse_threshold(self) -> None:
        if self.tune_threshold:
            self.columns.target.require_threshold(self.metric)

    @_concerns("simplest", "search_space")
    def _refuse_simplest(self) -> None:
        if self.simplest and self.simplest.parameter not in self.search_space:
            raise SpecError(f"simplest names {self.simplest.parameter!r}, which is not in the search space {sorted(self.search_space)}.")

    @_concerns("slices", "columns")
    def _refuse_slices(self) -> None:
        for name, edges in self.slices.items():
            banded = self.columns.numeric if edges else self.columns.categorical | self.columns.booleans
            if name not in banded or list(edges) != sorted(set(edges)):
                raise SpecError(f"slices[{name!r}]={edges} needs ascending edges of a numeric feature, or () and a category or a boolean.")

    @_concerns("preparation", "search_space", "estimator", "columns")
    def _refuse_missing_cells(self) -> None:
        """Refuse "native" for an estimator that fails at missing cells."""
        if not self._leaves_gaps:
            return
        if not takes_missing_cells(self.estimator):
            ratios = [how for how in self.columns.derived.values() if isinstance(how, Ratio) and self.columns.may_be_zero(how.denominator)]
            divided = f" A ratio is missing where {ratios[0].denominator!r} is 0." if ratios else ""
            raise SpecError(
                f'{type(self.estimator).__name__} takes no missing cells, so they cannot be left to it: use "median" or "mean" in '
                f"place of {PREPARATION}missing='native'.{divided}"
            )

    @_concerns("columns", "estimator", "baseline", "preparation", "search_space")
    def _refuse_texts(self) -> None:
        learning = [one for one in (self.estimator, self.baseline) if one is not None]
        texts.refuse(self.columns.texts, learning, leaves_gaps=self._leaves_gaps)

    @_concerns("gate", "metric", "columns")
    def _refuse_floors(self) -> None:
        self.gate.refuse_floors(self.columns.target, self.metric)

    @_concerns("gate", "metric", "columns", "slices")
    def _refuse_stricter_slices(self) -> None:
        self.gate.refuse_slices(self.metric, self.slices, lower_is_better=self.lower_is_better)

    @_concerns("baseline", "columns")
    def _refuse_baseline(self) -> None:
        if self.baseline is None:
            return
        self.columns.target.require_baseline(self.baseline)
        if objected := objection(self.baseline, self.baseline.get_params()):
            raise SpecError(f"baseline={type(self.baseline).__name__}(...): {objected}")

    @_concerns("columns", "estimator", "baseline")
    def _refuse_weights(self) -> None:
        if self.columns.weight:
            require_weights(self.columns.weight, self.estimator, self.baseline)

    @_concerns("learns", "split", "estimator", "baseline")
    def _refuse_learning(self) -> None:
        if self.learns:
            self.learns.refuse(self.split.group, self.estimator, self.baseline)

    @_concerns("schedules")
    def _refuse_equal_schedules(self) -> None:
        if len({schedule.slug for schedule in self.schedules}) < len(self.schedules):
            raise SpecError(f"schedules={[schedule.slug for schedule in self.schedules]} has a slug twice; give each its own.")

    @_concerns("watch", "columns")
    def _refuse_watch(self) -> None:
        self.watch.refuse_columns(self.columns)

    @_concerns("wording", "columns")
    def _refuse_wording(self) -> None:
        for language, wording in self.wording.items():
            wording.refuse_unknown(language, self.columns)

    @_concerns("trusted")
    def _refuse_trusted(self) -> None:
        names.refuse_types(self.trusted)

    @_concerns("challenges", "schedules", "approval")
    def _refuse_service_of_a_challenger(self) -> None:
        if self.challenges == self.name:
            raise SpecError("a model cannot challenge itself; name another in challenges, or leave it out.")
        if self.challenges and (self.schedules or self.approval):
            raise SpecError(
                f"it challenges {self.challenges}, so it has no schedule and needs no approval: "
                "its releases put nothing into service. Set schedules=() and approval=False."
            )

    @property
    def _leaves_gaps(self) -> bool:
        """Whether missing cells may be left to the estimator."""
        ways = getattr(self.search_space.get(f"{PREPARATION}missing"), "choices", (self.preparation.missing,))
        return "native" in ways and self.columns.numbers_have_gaps
