"""Whether a patient stays in hospital longer than most, from what is known at admission.

Made by `slipway new`; only description, card and the place of the rows were written by hand.
"""

from pathlib import Path

from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from slipway.spec import CSV, Boolean, Card, Category, Columns, Dataset, Gate, ModelSpec, Numeric, Preparation, Split, Target

ROWS = Path(__file__).parents[1] / "rows" / "hospital.csv"  # as `python examples/rows/hospital.py` makes it

MODEL = ModelSpec(
    name="hospital-stay",
    registered_as="hospital_stay",
    description="Whether a patient stays in hospital longer than most, from what is known at admission.",
    dataset=Dataset(
        origin=str(ROWS),
        sha256="37ddb37b8ba62e4db6e0be64297b33dd05fadfb71e3e375d68ecf8a0c6510054",
        file="hospital.csv",
        table=CSV(separator=";", encoding="cp1252"),
    ),
    columns=Columns(
        features={
            "edad": Numeric(0, 190, "", "Edad", integer=True),  # whole numbers, 18 to 95 in the file
            # 8 different texts
            "provincia": Category(("Almería", "Cádiz", "Córdoba", "Granada", "Huelva", "Jaén", "Málaga", "Sevilla"), "Provincia"),
            # numbers, 0.4 to 2.22 in the file, 235 of 1,200 cells missing
            "creatinina (mg/dl)": Numeric(0, 4.5, "mg/dl", "Creatinina", missing=True),
            # numbers, 5.8 to 20.3 in the file, 140 of 1,200 cells missing
            "hemoglobina (g/dl)": Numeric(0, 41, "g/dl", "Hemoglobina", missing=True),
            "ingreso_urgente": Boolean("Ingreso urgente"),  # yes or no
            "diabetes": Boolean("Diabetes", missing=True),  # yes or no, 121 of 1,200 cells missing
        },
        target=Target("estancia_larga", {"no": "Estancia larga is no", "sí": "Estancia larga is sí"}, positive="sí"),
        excluded={
            "historia": "it names the row: nearly every value is different",
            "fecha_ingreso": "dates; write what matters of them, such as an age or a span, into a column of numbers",
        },
    ),
    split=Split(test=0.2, seed=42, stratify=True),
    estimator=GradientBoostingClassifier(),
    preparation=Preparation(scale=False),
    search_space={
        "n_estimators": IntDistribution(50, 300, step=50),
        "learning_rate": FloatDistribution(0.02, 0.3, log=True),
        "max_depth": IntDistribution(1, 5),
        "subsample": FloatDistribution(0.5, 1.0),
        "min_samples_leaf": IntDistribution(1, 40, log=True),
    },
    trials=20,
    metric="accuracy",
    slices={"ingreso_urgente": (), "diabetes": ()},
    baseline=DecisionTreeClassifier(max_leaf_nodes=3),
    # what simple models reach on the training rows: most frequent 0.6, three leaves 0.737; raise the floor after the first release
    gate=Gate(floor=0.71),
    card=Card(
        intended_use="To plan beds at admission, and to call the social workers early for patients who will probably stay long.",
        not_for="Decisions about treatment or discharge, or another hospital: the patients are invented.",
    ),
    port=8201,
)
