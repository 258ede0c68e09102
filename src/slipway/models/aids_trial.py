"""An event in the ACTG-175 trial, by a random forest."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from slipway.spec import (
    Card,
    Columns,
    Dataset,
    Difference,
    Gate,
    Label,
    ModelSpec,
    Numeric,
    Preparation,
    Schedule,
    Split,
    Target,
    Wording,
)

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
    wording={
        "en": Wording(
            title="Event in the ACTG-175 trial",
            columns={
                "time": Label("Time of observation", help="Days from entry to the event, or to the end of observation."),
                "age": "Age at entry",
                "wtkg": "Weight at entry",
                "preanti": Label("Antiretroviral therapy before the trial", help="Days of therapy; 0 if there was none."),
                "cd40": Label("CD4 count at entry", "cells/mm³"),
                "cd420": Label("CD4 count at 20 weeks", "cells/mm³"),
                "cd80": Label("CD8 count at entry", "cells/mm³"),
                "cd820": Label("CD8 count at 20 weeks", "cells/mm³"),
                "karnof": Label("Karnofsky score", help="Participants of the trial had 70, 80, 90 or 100."),
                "hemo": Label("Haemophilia", values={0: "No", 1: "Yes"}),
                "drugs": Label("History of intravenous drug use", values={0: "No", 1: "Yes"}),
                "race": Label("Race, as recorded in the trial", values={0: "White", 1: "Not white"}),
                "gender": Label("Sex", values={0: "Female", 1: "Male"}),
                "symptom": Label("Symptoms at entry", values={0: "No", 1: "Yes"}),
                "treat": Label("Arm of the trial", values={0: "Zidovudine only", 1: "Another treatment"}),
                "offtrt": Label("Off treatment before 96 weeks", values={0: "No", 1: "Yes"}),
            },
        ),
        "es": Wording(
            title="Evento en el ensayo ACTG-175",
            purpose="Estudiar, después del ensayo, qué acompañó a un evento entre sus participantes.",
            not_for=(
                "Predecir el futuro de un paciente: el tiempo de observación, los recuentos a las 20 semanas y el abandono del "
                "tratamiento solo se conocen una vez iniciado el tratamiento."
            ),
            answers={0: "sin evento", 1: "evento"},
            columns={
                "time": Label("Tiempo de observación", "días", help="Días desde el ingreso hasta el evento o el fin de la observación."),
                "age": Label("Edad al ingreso", "años"),
                "wtkg": "Peso al ingreso",
                "preanti": Label("Terapia antirretroviral antes del ensayo", "días", help="Días de terapia; 0 si no hubo."),
                "cd40": Label("Recuento de CD4 al ingreso", "células/mm³"),
                "cd420": Label("Recuento de CD4 a las 20 semanas", "células/mm³"),
                "cd80": Label("Recuento de CD8 al ingreso", "células/mm³"),
                "cd820": Label("Recuento de CD8 a las 20 semanas", "células/mm³"),
                "karnof": Label("Índice de Karnofsky", "puntos", help="En el ensayo: 70, 80, 90 o 100."),
                "hemo": Label("Hemofilia", values={0: "No", 1: "Sí"}),
                "drugs": Label("Antecedentes de uso de drogas intravenosas", values={0: "No", 1: "Sí"}),
                "race": Label("Raza, según el registro del ensayo", values={0: "Blanca", 1: "No blanca"}),
                "gender": Label("Sexo", values={0: "Femenino", 1: "Masculino"}),
                "symptom": Label("Síntomas al ingreso", values={0: "No", 1: "Sí"}),
                "treat": Label("Brazo del ensayo", values={0: "Solo zidovudina", 1: "Otro tratamiento"}),
                "offtrt": Label("Abandono del tratamiento antes de las 96 semanas", values={0: "No", 1: "Sí"}),
            },
        ),
    },
)
