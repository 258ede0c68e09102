"""Students of a Portuguese institution: whether they drop out, are still enrolled, or graduate."""

from slipway.spec import Card, Columns, Dataset, Numeric, Split, Target


def _code(last: int, description: str) -> Numeric:
    return Numeric(1, last, "code", f"{description}; a code of the file", integer=True, nominal=True)


def _yes(description: str) -> Numeric:
    return Numeric(0, 1, "0 or 1", description, integer=True)


def _semester(ordinal: str) -> dict[str, Numeric]:
    units = f"Curricular units {ordinal} sem"
    counted = {
        "credited": "credited from before",
        "enrolled": "enrolled in",
        "evaluations": "evaluations taken",
        "approved": "passed",
    }
    return {
        **{f"{units} ({key})": Numeric(0, 60, "units", f"{ordinal} semester: {what}", integer=True) for key, what in counted.items()},
        f"{units} (grade)": Numeric(0, 20, "of 20", f"{ordinal} semester: mean grade of the units passed; 0 where none was"),
        f"{units} (without evaluations)": Numeric(0, 60, "units", f"{ordinal} semester: without evaluation", integer=True),
    }


DATASET = Dataset(
    origin=(
        "https://raw.githubusercontent.com/NanThawe/ML-zoomcamp-files/"
        "82a10fdf0eec0c954a581f2dc5ae043263ca7590/student_dropout_pred/dataset.csv"
    ),
    sha256="ff327a7ed348140d42dd682df49e36331e2ca91ca41b8fb9ad911a4f5fba0f4e",
    file="students.csv",
)

COLUMNS = Columns(
    features={
        "Marital status": _code(6, "Marital status"),
        "Application mode": _code(18, "How the student applied"),
        "Application order": Numeric(0, 9, "place", "Place of this course among the student's choices", integer=True),
        "Course": _code(17, "Course"),
        "Daytime/evening attendance": _yes("Attends by day (1) or in the evening (0)"),
        "Previous qualification": _code(17, "Previous qualification"),
        "Nacionality": _code(21, "Nationality; spelt as in the file"),
        "Mother's qualification": _code(29, "Mother's qualification"),
        "Father's qualification": _code(34, "Father's qualification"),
        "Mother's occupation": _code(32, "Mother's occupation"),
        "Father's occupation": _code(46, "Father's occupation"),
        "Displaced": _yes("Lives away from home"),
        "Educational special needs": _yes("Has special educational needs"),
        "Debtor": _yes("Owes money to the institution"),
        "Tuition fees up to date": _yes("Tuition fees are paid"),
        "Gender": _yes("Sex: 0 female, 1 male"),
        "Scholarship holder": _yes("Holds a scholarship"),
        "Age at enrollment": Numeric(15, 100, "years", "Age at enrolment", integer=True),
        "International": _yes("Comes from abroad"),
        **_semester("1st"),
        **_semester("2nd"),
        "Unemployment rate": Numeric(0, 100, "%", "Unemployment rate of the year"),
        "Inflation rate": Numeric(-20, 100, "%", "Inflation rate of the year"),
        "GDP": Numeric(-50, 50, "%", "Growth of the gross domestic product of the year"),
    },
    target=Target("Target", {"Dropout": "drops out", "Enrolled": "is still enrolled", "Graduate": "graduates"}),
)

SPLIT = Split(test=0.30, seed=42, stratify=True)

SLICES: dict[str, tuple[float, ...]] = {"Gender": (1.0,), "Age at enrollment": (20.0, 25.0, 35.0)}

CARD = Card(
    intended_use="To find students whom a talk or a scholarship might keep, after their second semester.",
    not_for="Refusing anybody a place, a grade or money; students elsewhere; the first year, whose results it needs.",
    quirks=(
        "Half of the columns are results of the first two semesters, so the model knows a student only when a year has passed.",
        "`Enrolled` is the end of the record, not of the student: it is the rarest class (794 of 4424 rows) and the one most often missed.",
        "Nine columns are codes without an order (occupations, courses, countries); each code is a column of its own inside the model.",
        "Sex, nationality and the parents' occupations are among the columns: look at the slices before you act on an answer.",
    ),
)
