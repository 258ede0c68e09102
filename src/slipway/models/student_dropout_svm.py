"""Whether a student drops out, by a support vector machine."""

from optuna.distributions import CategoricalDistribution
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from slipway.models import _students, _students_wording
from slipway.spec import Gate, ModelSpec, Schedule

MODEL = ModelSpec(
    name="student-dropout-svm",
    registered_as="model_svm_rbf",
    description="Whether a student drops out, stays enrolled or graduates, by a support vector machine.",
    dataset=_students.DATASET,
    columns=_students.COLUMNS,
    split=_students.SPLIT,
    # one machine on all rows, its probabilities calibrated on answers to rows it had not seen (Platt, 1999)
    estimator=CalibratedClassifierCV(SVC(), ensemble=False, cv=5),
    # their grid, moved: with scaled columns the best gamma lies below the lowest they tried
    search_space={
        "estimator__C": CategoricalDistribution([2.0**power for power in range(-1, 6)]),
        "estimator__gamma": CategoricalDistribution([2.0**power for power in range(-9, -3)]),
    },
    search="grid",
    trials=42,
    repeats=2,
    metric="accuracy",
    card=_students.CARD,
    slices=_students.SLICES,
    baseline=DecisionTreeClassifier(max_leaf_nodes=6),
    gate=Gate(floor=0.74, tolerance=0.01),
    port=8005,
    wording={"en": _students_wording.ENGLISH, "es": _students_wording.SPANISH},
    schedules=(Schedule("monthly", "0 3 5 * *", "America/Bogota"),),
)
