"""Heart disease from eleven clinical values, by logistic regression."""

from optuna.distributions import CategoricalDistribution, FloatDistribution
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from slipway.spec import (
    Card,
    Category,
    Columns,
    Dataset,
    Drift,
    Gate,
    Label,
    ModelSpec,
    Numeric,
    Outcomes,
    Schedule,
    Simplest,
    Split,
    Target,
    Watch,
    Wording,
)

MODEL = ModelSpec(
    name="heart-failure",
    registered_as="heart_failure_logistic",
    description="Whether a patient has heart disease, from eleven clinical values.",
    dataset=Dataset(
        origin=(
            "https://raw.githubusercontent.com/Dovallec/Heart_Failure_Analysis/eb11126ff3fc347f69e5e98e3a16c64032aa6604/data/heart.csv"
        ),
        sha256="948420b084d8a3a0ca42b8419fce9aee175879e43f8aedf712377899a67aa49b",
        file="heart.csv",
    ),
    columns=Columns(
        features={
            "Age": Numeric(0, 120, "years", "Age", integer=True),
            "Sex": Category(("M", "F"), "Sex: male, female"),
            "ChestPainType": Category(
                ("ATA", "NAP", "ASY", "TA"), "Chest pain: atypical angina, non-anginal, asymptomatic, typical angina"
            ),
            "RestingBP": Numeric(0, 300, "mm Hg", "Resting blood pressure; 0 = not measured", integer=True, zero_is_missing=True),
            "Cholesterol": Numeric(0, 1_000, "mg/dl", "Serum cholesterol; 0 = not measured", integer=True, zero_is_missing=True),
            "FastingBS": Numeric(0, 1, "0 or 1", "Fasting blood sugar above 120 mg/dl", integer=True),
            "RestingECG": Category(("Normal", "ST", "LVH"), "Resting ECG: normal, ST-T abnormality, left ventricular hypertrophy"),
            "MaxHR": Numeric(30, 250, "beats/min", "Highest heart rate reached", integer=True),
            "ExerciseAngina": Category(("Y", "N"), "Angina during exercise"),
            "Oldpeak": Numeric(-10, 10, "mm", "ST depression during exercise relative to rest"),
            "ST_Slope": Category(("Up", "Flat", "Down"), "Slope of the ST segment at peak exercise"),
        },
        target=Target("HeartDisease", {0: "no heart disease", 1: "heart disease"}, positive=1),
    ),
    split=Split(test=0.20, seed=42, stratify=True),
    # no class weights: the classes are nearly even, and weighting disease down would miss more of the ill
    estimator=LogisticRegression(max_iter=2_000),
    search_space={
        "C": FloatDistribution(1e-3, 1e2, log=True),
        "preparation.zeros": CategoricalDistribution(["keep", "impute"]),
    },
    repeats=3,
    simplest=Simplest("C", "low"),
    metric="accuracy",
    card=Card(
        intended_use="To help a clinician decide which patients to examine further for heart disease.",
        not_for="A diagnosis by itself, patients unlike those of the five clinics the rows come from, or children.",
        quirks=(
            "172 of the 918 rows have Cholesterol 0 and one has RestingBP 0: not measured, written as zero. Cross-validation decides "
            "whether the model takes them as they are or puts the median in their place and says so to the estimator.",
        ),
    ),
    slices={"Sex": (), "Age": (45.0, 55.0, 65.0)},
    baseline=DecisionTreeClassifier(max_leaf_nodes=3),
    gate=Gate(floor=0.86, tolerance=0.005),
    port=8001,
    schedules=(Schedule("monthly", "0 3 1 * *", "America/Bogota"),),
    learns=Outcomes(fall=0.5),
    # of these two the 184 test rows, which nothing has happened to, lie 0.2 standard deviations from the 734 training rows
    watch=Watch(columns={"Age": Drift(threshold=0.35), "Cholesterol": Drift(threshold=0.35)}),
    wording={
        "en": Wording(
            title="Heart disease",
            columns={
                "Age": "Age",
                "Sex": Label("Sex", values={"F": "Female", "M": "Male"}),
                "ChestPainType": Label(
                    "Chest pain",
                    values={"TA": "Typical angina", "ATA": "Atypical angina", "NAP": "Non-anginal pain", "ASY": "No pain (asymptomatic)"},
                ),
                "RestingBP": Label("Systolic blood pressure at rest", "mmHg", help="Enter 0 if it was not measured."),
                "Cholesterol": Label("Serum cholesterol", "mg/dL", help="Enter 0 if it was not measured."),
                "FastingBS": Label("Fasting blood sugar above 120 mg/dL", values={0: "No", 1: "Yes"}),
                "RestingECG": Label(
                    "Electrocardiogram at rest",
                    values={"Normal": "Normal", "ST": "ST-T wave abnormality", "LVH": "Left ventricular hypertrophy"},
                ),
                "MaxHR": Label("Highest heart rate reached"),
                "ExerciseAngina": Label("Angina during exercise", values={"N": "No", "Y": "Yes"}),
                "Oldpeak": Label("ST depression during exercise", help="Compared with rest. A negative number is an elevation."),
                "ST_Slope": Label(
                    "Slope of the ST segment at peak exercise", values={"Up": "Upsloping", "Flat": "Flat", "Down": "Downsloping"}
                ),
            },
        ),
        "es": Wording(
            title="Enfermedad cardíaca",
            purpose="Ayudar al personal médico a decidir a qué pacientes examinar más a fondo por una posible enfermedad cardíaca.",
            not_for=(
                "Un diagnóstico por sí solo, pacientes distintos de los de las cinco clínicas de las que proceden los datos, ni menores."
            ),
            answers={0: "sin enfermedad cardíaca", 1: "enfermedad cardíaca"},
            columns={
                "Age": Label("Edad", "años"),
                "Sex": Label("Sexo", values={"F": "Femenino", "M": "Masculino"}),
                "ChestPainType": Label(
                    "Dolor torácico",
                    values={
                        "TA": "Angina típica",
                        "ATA": "Angina atípica",
                        "NAP": "Dolor no anginoso",
                        "ASY": "Sin dolor (asintomático)",
                    },
                ),
                "RestingBP": Label("Presión arterial sistólica en reposo", "mmHg", help="Escriba 0 si no se midió."),
                "Cholesterol": Label("Colesterol sérico", "mg/dL", help="Escriba 0 si no se midió."),
                "FastingBS": Label("Glucemia en ayunas superior a 120 mg/dL", values={0: "No", 1: "Sí"}),
                "RestingECG": Label(
                    "Electrocardiograma en reposo",
                    values={"Normal": "Normal", "ST": "Alteración de la onda ST-T", "LVH": "Hipertrofia ventricular izquierda"},
                ),
                "MaxHR": Label("Frecuencia cardíaca máxima alcanzada", "latidos/min"),
                "ExerciseAngina": Label("Angina con el ejercicio", values={"N": "No", "Y": "Sí"}),
                "Oldpeak": Label(
                    "Descenso del segmento ST con el ejercicio", help="En comparación con el reposo. Un número negativo es una elevación."
                ),
                "ST_Slope": Label(
                    "Pendiente del segmento ST en el esfuerzo máximo",
                    values={"Up": "Ascendente", "Flat": "Plana", "Down": "Descendente"},
                ),
            },
        ),
    },
)
