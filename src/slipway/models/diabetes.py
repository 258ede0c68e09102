"""Diabetes from eight values, by a random forest."""

from optuna.distributions import CategoricalDistribution, IntDistribution
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from slipway.spec import (
    Card,
    Category,
    Columns,
    Dataset,
    Gate,
    Label,
    ModelSpec,
    Numeric,
    Outcomes,
    Preparation,
    Schedule,
    Split,
    Target,
    Wording,
)

MODEL = ModelSpec(
    name="diabetes",
    registered_as="diabetes_model",
    description="Whether a patient has diabetes, from eight values a doctor types in.",
    dataset=Dataset(
        origin=(
            "https://raw.githubusercontent.com/cris21309/tdsp_template_grupo8/"
            "257559484fa157fa1d340a5af0b4c52398bf89af/scripts/data_acquisition/diabetes.csv"
        ),
        sha256="f233fc470e904201f35310d061cb46ca0a6bc7ca5c3e428b769fb4f87f69929b",
        file="diabetes.csv",
        drop_duplicates=True,
    ),
    columns=Columns(
        features={
            "gender": Category(("Female", "Male", "Other"), "Gender"),
            "age": Numeric(0, 120, "years", "Age; infants as a fraction of a year"),
            "hypertension": Numeric(0, 1, "0 or 1", "Hypertension", integer=True),
            "heart_disease": Numeric(0, 1, "0 or 1", "Heart disease", integer=True),
            "smoking_history": Category(("No Info", "never", "ever", "former", "not current", "current"), "Smoking history, as recorded"),
            "bmi": Numeric(5, 120, "kg/m2", "Body mass index"),
            "HbA1c_level": Numeric(2, 20, "%", "Glycated haemoglobin, HbA1c"),
            "blood_glucose_level": Numeric(20, 1_000, "mg/dl", "Blood glucose", integer=True),
        },
        target=Target("diabetes", {0: "no diabetes", 1: "diabetes"}, positive=1),
    ),
    split=Split(test=0.20, seed=42, stratify=True),
    preparation=Preparation(scale=False),
    estimator=RandomForestClassifier(n_estimators=50),
    search_space={
        "criterion": CategoricalDistribution(["gini", "entropy"]),
        "max_depth": IntDistribution(6, 14),
        "min_samples_leaf": IntDistribution(5, 30),
        "max_features": IntDistribution(3, 8),
    },
    trials=12,
    metric="f1",
    tune_threshold=True,
    card=Card(
        intended_use="To show a doctor how likely diabetes is, given eight values that are at hand.",
        not_for="A diagnosis: the two blood values that decide it here are the very ones diabetes is diagnosed by.",
        quirks=(
            "The label is nearly a rule: HbA1c above 6.6 or glucose above 200 is diabetic in 5671 of 5671 rows, and a tree with two "
            "splits is as accurate as a forest to within a few hundredths of a percent. Compare with the reference model below.",
            "3854 of the 100,000 rows repeat another and are left out.",
        ),
    ),
    slices={"gender": (), "age": (30.0, 45.0, 60.0)},
    baseline=DecisionTreeClassifier(max_leaf_nodes=3),
    gate=Gate(floor=0.79, tolerance=0.005),
    port=8003,
    schedules=(Schedule("monthly", "0 3 3 * *", "America/Bogota"),),
    learns=Outcomes(fall=0.5),
    wording={
        "en": Wording(
            title="Diabetes",
            columns={
                "gender": Label("Sex", values={"Female": "Female", "Male": "Male", "Other": "Other"}),
                "age": Label("Age", help="Of a baby, a fraction of a year: 0.5 for six months."),
                "hypertension": Label("Hypertension", values={0: "No", 1: "Yes"}),
                "heart_disease": Label("Heart disease", values={0: "No", 1: "Yes"}),
                "smoking_history": Label(
                    "Smoking history",
                    values={
                        "never": "Never smoked",
                        "ever": "Has smoked at some time",
                        "former": "Former smoker",
                        "not current": "Does not smoke at present",
                        "current": "Smokes",
                        "No Info": "No information",
                    },
                ),
                "bmi": Label("Body mass index", "kg/m²"),
                "HbA1c_level": Label("Glycated haemoglobin (HbA1c)"),
                "blood_glucose_level": Label("Blood glucose", "mg/dL"),
            },
        ),
        "es": Wording(
            title="Diabetes",
            purpose="Mostrar al personal médico la probabilidad de diabetes a partir de ocho datos que tiene a mano.",
            not_for="Un diagnóstico: los dos valores de laboratorio que deciden son los mismos con los que se diagnostica la diabetes.",
            answers={0: "sin diabetes", 1: "diabetes"},
            columns={
                "gender": Label("Sexo", values={"Female": "Femenino", "Male": "Masculino", "Other": "Otro"}),
                "age": Label("Edad", "años", help="De un bebé, una fracción de año: 0,5 si tiene seis meses."),
                "hypertension": Label("Hipertensión", values={0: "No", 1: "Sí"}),
                "heart_disease": Label("Enfermedad cardíaca", values={0: "No", 1: "Sí"}),
                "smoking_history": Label(
                    "Antecedentes de tabaquismo",
                    values={
                        "never": "Nunca ha fumado",
                        "ever": "Ha fumado alguna vez",
                        "former": "Exfumador",
                        "not current": "No fuma actualmente",
                        "current": "Fuma",
                        "No Info": "Sin información",
                    },
                ),
                "bmi": Label("Índice de masa corporal", "kg/m²"),
                "HbA1c_level": Label("Hemoglobina glicosilada (HbA1c)"),
                "blood_glucose_level": Label("Glucosa en sangre", "mg/dL"),
            },
        ),
    },
)
