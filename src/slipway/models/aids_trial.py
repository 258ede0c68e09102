"""An event in the ACTG-175 trial, by a random forest."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from slipway.spec import Card, Columns, Dataset, Difference, Gate, ModelSpec, Numeric, Preparation, Schedule, Split, Target

ARM = "says the same as `treat`, in other words"

MODEL = ModelSpec(
    name="aids-trial",
    registered_as="final_model",
    description="Whether a participant of the ACTG-175 trial had an event, from values at entry and at 20 weeks.",
    dataset=Dataset(
        origin=(
            "https://raw.githubusercontent.com/juramireza/proyecto_mlds_6/"
            "80feae86890ac61d7ddbdd5ce195b52600434271/data/AIDS_Classification.csv"
        ),
        sha256="0f23c1a05bad19802d2d0134c7d9fac3ef8fb4808fbe341ee3774e5545c39a39",
        file="aids.csv",
    ),
    columns=Columns(
        features={
            "time": Numeric(0, 3_650, "days", "Days from entry to the event, or to the end of observation", integer=True),
            "age": Numeric(0, 120, "years", "Age at entry", integer=True),
            "wtkg": Numeric(20, 300, "kg", "Weight at entry"),
            "preanti": Numeric(0, 10_000, "days", "Days of antiretroviral therapy before the trial", integer=True),
            "cd40": Numeric(0, 5_000, "cells/mm3", "CD4 count at entry", integer=True),
            "cd420": Numeric(0, 5_000, "cells/mm3", "CD4 count at 20 weeks", integer=True),
            "cd80": Numeric(0, 10_000, "cells/mm3", "CD8 count at entry", integer=True),
            "cd820": Numeric(0, 10_000, "cells/mm3", "CD8 count at 20 weeks", integer=True),
            "karnof": Numeric(0, 100, "points", "Karnofsky score; the trial holds 70, 80, 90 and 100", integer=True),
            "hemo": Numeric(0, 1, "0 or 1", "Haemophilia", integer=True),
            "drugs": Numeric(0, 1, "0 or 1", "History of intravenous drug use", integer=True),
            "race": Numeric(0, 1, "0 or 1", "Race: 0 white, 1 not white", integer=True),
            "gender": Numeric(0, 1, "0 or 1", "Sex: 0 female, 1 male", integer=True),
            "symptom": Numeric(0, 1, "0 or 1", "Symptoms at entry", integer=True),
            "treat": Numeric(0, 1, "0 or 1", "Arm: 0 zidovudine only, 1 another treatment", integer=True),
            "offtrt": Numeric(0, 1, "0 or 1", "Off treatment before 96 weeks", integer=True),
        },
        target=Target("infected", {0: "no event", 1: "event"}, positive=1),
        excluded={
            "trt": ARM,
            "oprior": "hardly varies",
            "z30": "says nearly the same as `preanti`",
            "str2": "says nearly the same as `preanti`",
            "strat": "says nearly the same as `preanti`",
            "homo": "left out by the project",
        },
        derived={"dif_cd4": Difference("cd420", "cd40"), "dif_cd8": Difference("cd820", "cd80")},
    ),
    split=Split(test=0.25, seed=37, stratify=False),
    preparation=Preparation(scale=False),
    estimator=RandomForestClassifier(n_estimators=500),
    search_space={
        "criterion": CategoricalDistribution(["gini", "entropy"]),
        "max_features": IntDistribution(3, 14),
        "min_samples_leaf": IntDistribution(1, 10),
        "max_samples": FloatDistribution(0.4, 1.0),
    },
    repeats=3,
    metric="f1",
    tune_threshold=True,
    card=Card(
        intended_use="To study, after the trial, what went with an event among its participants.",
        not_for="Predicting a patient's future: `time`, the 20-week counts and `offtrt` are known only after the treatment began.",
        quirks=(
            "`infected` is no diagnosis: all 2139 adults of ACTG-175 have HIV; it says whether an event was seen.",
            "`time` is the days to the event or to the end of observation, so it holds part of the answer; without it F1 falls from "
            "about .74 to .42.",
            "`cd420`, `cd820` and `offtrt` were measured after randomisation.",
        ),
    ),
    slices={"gender": (1.0,), "age": (30.0, 40.0, 50.0)},
    baseline=DecisionTreeClassifier(max_leaf_nodes=4),
    gate=Gate(floor=0.70, tolerance=0.01),
    port=8002,
    schedules=(Schedule("monthly", "0 3 2 * *", "America/Bogota"),),
)
