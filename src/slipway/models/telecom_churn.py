"""Whether a telecom customer leaves, by a random forest."""

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
    WeightedMean,
    Wording,
)

CHARGED = "the charge is a constant rate times the minutes"

MODEL = ModelSpec(
    name="telecom-churn",
    registered_as="rfc_tune",
    description="Whether a telecom customer leaves, from a month's use of the telephone.",
    dataset=Dataset(
        origin=(
            "https://raw.githubusercontent.com/anujn1801/Marketing-Analytics-Predicting-Customer-Churn-in-Python/"
            "177bd106e11e3f3260da1d1089b7e4b09ead3df3/telco.csv"
        ),
        sha256="1c86f74e68639a2ceef7f37583765098bb8b609d97f63f4be7dd03db13204a59",
        file="churn.csv",
    ),
    columns=Columns(
        features={
            "Account_Length": Numeric(0, 1_000, "see the source", "How long the customer has had the account", integer=True),
            "Vmail_Message": Numeric(0, 1_000, "messages", "Voice mail messages", integer=True),
            "Day_Mins": Numeric(0, 1_000, "minutes", "Minutes by day"),
            "Eve_Mins": Numeric(0, 1_000, "minutes", "Minutes in the evening"),
            "Night_Mins": Numeric(0, 1_000, "minutes", "Minutes by night"),
            "Intl_Mins": Numeric(0, 1_000, "minutes", "International minutes"),
            "CustServ_Calls": Numeric(0, 100, "calls", "Calls to customer service", integer=True),
            "Intl_Plan": Category(("no", "yes"), "Has an international plan"),
            "Day_Calls": Numeric(0, 1_000, "calls", "Calls by day", integer=True),
            "Eve_Calls": Numeric(0, 1_000, "calls", "Calls in the evening", integer=True),
            "Night_Calls": Numeric(0, 1_000, "calls", "Calls by night", integer=True),
            "Intl_Calls": Numeric(0, 1_000, "calls", "International calls", integer=True),
        },
        target=Target("Churn", {0: "stays", 1: "leaves"}, positive=1, in_file={0: "no", 1: "yes"}),
        excluded={
            "Unnamed: 0": "number of the row in the file",
            "Vmail_Plan": "follows from Vmail_Message",
            "Day_Charge": CHARGED,
            "Eve_Charge": CHARGED,
            "Night_Charge": CHARGED,
            "Intl_Charge": CHARGED,
            "State": "too many values for too few rows",
            "Area_Code": "an address, not a habit",
            "Phone": "identifies the customer",
        },
        # the bill, by the rates of the file's own charges: what a customer pays says more than any one kind of minutes
        derived={"bill": WeightedMean({"Day_Mins": 0.17, "Eve_Mins": 0.085, "Night_Mins": 0.045, "Intl_Mins": 0.27})},
    ),
    split=Split(test=0.20, seed=42, stratify=False),
    preparation=Preparation(scale=False),
    estimator=RandomForestClassifier(),
    search_space={
        "n_estimators": IntDistribution(100, 500, step=50),
        "criterion": CategoricalDistribution(["gini", "entropy", "log_loss"]),
        "max_features": IntDistribution(2, 8),
        "min_samples_leaf": IntDistribution(1, 4),
        "class_weight": CategoricalDistribution(["balanced", "balanced_subsample"]),
    },
    trials=50,
    metric="f1",
    card=Card(
        intended_use="To choose which customers to call before they leave.",
        not_for="Deciding what a customer pays or is offered for other reasons, or customers of another operator or tariff.",
        quirks=(
            "Nearly all that sets this forest apart from one on the bare minutes comes from the derived column `bill`: the minutes "
            "weighted by the rates of the file's own charges. Under another tariff it must be trained anew.",
            "The file does not say which month it is of, nor where the customers come from.",
        ),
    ),
    slices={"Intl_Plan": (), "CustServ_Calls": (4.0,)},
    baseline=DecisionTreeClassifier(max_leaf_nodes=4),
    gate=Gate(floor=0.80, tolerance=0.01, sample_floor=0.20),
    port=8124,
    schedules=(Schedule("monthly", "0 3 6 * *", "America/Bogota"),),
    learns=Outcomes(fall=0.5),
    wording={
        "en": Wording(
            title="Customers who leave",
            columns={
                "Account_Length": Label("Age of the account", "", help="In the unit of the source, which does not name it."),
                "Vmail_Message": "Voice mail messages",
                "Day_Mins": "Minutes by day",
                "Eve_Mins": "Minutes in the evening",
                "Night_Mins": "Minutes by night",
                "Intl_Mins": "International minutes",
                "CustServ_Calls": "Calls to customer service",
                "Intl_Plan": Label("International plan", values={"no": "No", "yes": "Yes"}),
                "Day_Calls": "Calls by day",
                "Eve_Calls": "Calls in the evening",
                "Night_Calls": "Calls by night",
                "Intl_Calls": "International calls",
            },
        ),
        "es": Wording(
            title="Clientes que se van",
            purpose="Elegir a qué clientes llamar antes de que se vayan.",
            not_for=(
                "Decidir lo que paga un cliente o lo que se le ofrece por otros motivos, ni clientes de otra operadora o de otra tarifa."
            ),
            answers={0: "se queda", 1: "se va"},
            columns={
                "Account_Length": Label("Antigüedad de la cuenta", "", help="En la unidad de la fuente, que no la indica."),
                "Vmail_Message": Label("Mensajes del buzón de voz", "mensajes"),
                "Day_Mins": Label("Minutos de día", "minutos"),
                "Eve_Mins": Label("Minutos por la tarde", "minutos"),
                "Night_Mins": Label("Minutos de noche", "minutos"),
                "Intl_Mins": Label("Minutos internacionales", "minutos"),
                "CustServ_Calls": Label("Llamadas al servicio de atención al cliente", "llamadas"),
                "Intl_Plan": Label("Plan internacional", values={"no": "No", "yes": "Sí"}),
                "Day_Calls": Label("Llamadas de día", "llamadas"),
                "Eve_Calls": Label("Llamadas por la tarde", "llamadas"),
                "Night_Calls": Label("Llamadas de noche", "llamadas"),
                "Intl_Calls": Label("Llamadas internacionales", "llamadas"),
            },
        ),
    },
)
