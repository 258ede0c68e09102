"""The challenger of heart-failure: the same eleven values, by boosted trees."""

from dataclasses import replace

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.ensemble import GradientBoostingClassifier

from slipway.models.heart_failure import MODEL as HEART_FAILURE
from slipway.spec import Card, Preparation

MODEL = replace(
    HEART_FAILURE,
    name="heart-failure-boosting",
    challenges="heart-failure",
    description="Whether a patient has heart disease, from eleven clinical values, by boosted trees.",
    estimator=GradientBoostingClassifier(n_estimators=100),
    search_space={
        "n_estimators": IntDistribution(20, 200),
        "learning_rate": FloatDistribution(0.02, 0.3, log=True),
        "max_depth": IntDistribution(1, 4),
        "min_samples_leaf": IntDistribution(1, 20),
        "subsample": FloatDistribution(0.5, 1.0),
        "preparation.zeros": CategoricalDistribution(["keep", "impute"]),
    },
    preparation=Preparation(scale=False),
    simplest=None,
    card=Card(
        intended_use="To be compared with heart-failure on the same patients, so that a better model is found before it is relied on.",
        not_for="Answering anybody before it was promoted; then what is said of heart-failure holds for it.",
        quirks=HEART_FAILURE.card.quirks if HEART_FAILURE.card else (),
    ),
    schedules=(),
)
