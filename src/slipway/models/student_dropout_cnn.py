"""Whether a student drops out, by a convolutional network."""

from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.tree import DecisionTreeClassifier

from slipway.models import _students, _students_wording
from slipway.spec import Gate, ModelSpec, Schedule
from slipway.training.networks import ConvolutionalNetwork

MODEL = ModelSpec(
    name="student-dropout-cnn",
    registered_as="model_conv_network",
    description="Whether a student drops out, stays enrolled or graduates, by a convolutional network.",
    dataset=_students.DATASET,
    columns=_students.COLUMNS,
    split=_students.SPLIT,
    # rarer classes count for a little more: without that, `Enrolled` is hardly ever said
    estimator=ConvolutionalNetwork(balance=0.25),
    search_space={
        "filters": IntDistribution(16, 32, step=16),
        "kernel_size": IntDistribution(2, 5),
        "learning_rate": FloatDistribution(1e-3, 5e-3, log=True),
        "l2": FloatDistribution(1e-3, 6e-3, log=True),
        "epochs": IntDistribution(9, 15),
    },
    trials=20,
    metric="accuracy",
    card=_students.CARD,
    slices=_students.SLICES,
    baseline=DecisionTreeClassifier(max_leaf_nodes=6),
    gate=Gate(floor=0.73, tolerance=0.01),
    port=8004,
    wording={"en": _students_wording.ENGLISH, "es": _students_wording.SPANISH},
    schedules=(Schedule("monthly", "0 3 4 * *", "America/Bogota"),),
)
