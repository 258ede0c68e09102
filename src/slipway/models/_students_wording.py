"""What the pages of both models of students say, in English and Spanish."""

from slipway.spec import Label, Wording

SEMESTER_KEYS = ("credited", "enrolled", "evaluations", "approved", "without evaluations")


def _semester(ordinal: str, names: str, unit: str, grade: Label) -> dict[str, Label]:
    """Return the labels of a semester: `names` has one for each of the keys, divided by semicolons."""
    units = f"Curricular units {ordinal} sem"
    counted = zip(SEMESTER_KEYS, names.split("; "), strict=True)
    return {**{f"{units} ({key})": Label(name, unit) for key, name in counted}, f"{units} (grade)": grade}


def _english_semester(ordinal: str, name: str) -> dict[str, Label]:
    grade = Label(f"{name} semester: mean grade", "", "Of the units passed; 0 if none was.")
    what = ("credited from before", "enrolled in", "evaluations taken", "passed", "without evaluation")
    names = "; ".join(f"{name} semester: {one if one.startswith('evaluations') else f'units {one}'}" for one in what)
    return _semester(ordinal, names, "", grade)


def _spanish_semester(ordinal: str, name: str) -> dict[str, Label]:
    grade = Label(f"{name} semestre: nota media", "", "De las asignaturas aprobadas; 0 si no aprobó ninguna.")
    what = ("asignaturas convalidadas", "asignaturas matriculadas", "evaluaciones realizadas", "asignaturas aprobadas")
    names = "; ".join(f"{name} semestre: {one}" for one in (*what, "asignaturas sin evaluación"))
    return _semester(ordinal, names, "", grade)


CODE, CODIGO = "A code of the source.", "Un código de la fuente."
NO_YES: dict[str | int | bool, str] = {0: "No", 1: "Yes"}
NO_SI: dict[str | int | bool, str] = {0: "No", 1: "Sí"}

ENGLISH = Wording(
    title="Students who drop out",
    columns={
        "Marital status": Label("Marital status", "", CODE),
        "Application mode": Label("How the student applied", "", CODE),
        "Application order": Label("Place of this course among the student's choices", ""),
        "Course": Label("Course", "", CODE),
        "Daytime/evening attendance": Label("Attendance", values={1: "By day", 0: "In the evening"}),
        "Previous qualification": Label("Previous qualification", "", CODE),
        "Nacionality": Label("Nationality", "", CODE),
        "Mother's qualification": Label("Mother's qualification", "", CODE),
        "Father's qualification": Label("Father's qualification", "", CODE),
        "Mother's occupation": Label("Mother's occupation", "", CODE),
        "Father's occupation": Label("Father's occupation", "", CODE),
        "Displaced": Label("Lives away from home", values=NO_YES),
        "Educational special needs": Label("Special educational needs", values=NO_YES),
        "Debtor": Label("Owes money to the institution", values=NO_YES),
        "Tuition fees up to date": Label("Tuition fees are paid", values=NO_YES),
        "Gender": Label("Sex", values={0: "Female", 1: "Male"}),
        "Scholarship holder": Label("Holds a scholarship", values=NO_YES),
        "Age at enrollment": "Age at enrolment",
        "International": Label("Comes from abroad", values=NO_YES),
        **_english_semester("1st", "First"),
        **_english_semester("2nd", "Second"),
        "Unemployment rate": "Unemployment rate of the year",
        "Inflation rate": "Inflation rate of the year",
        "GDP": "Growth of the gross domestic product of the year",
    },
)

SPANISH = Wording(
    title="Abandono de los estudios",
    purpose="Encontrar, después del segundo semestre, a estudiantes a quienes una conversación o una beca podría retener.",
    not_for=(
        "Negar a nadie una plaza, una nota o dinero; estudiantes de otras instituciones; ni el primer año, cuyos resultados son necesarios."
    ),
    answers={"Dropout": "abandona", "Enrolled": "sigue matriculado", "Graduate": "se gradúa"},
    columns={
        "Marital status": Label("Estado civil", "", CODIGO),
        "Application mode": Label("Vía de acceso", "", CODIGO),
        "Application order": Label("Orden de esta carrera entre las opciones del estudiante", ""),
        "Course": Label("Carrera", "", CODIGO),
        "Daytime/evening attendance": Label("Turno", values={1: "De día", 0: "De noche"}),
        "Previous qualification": Label("Titulación previa", "", CODIGO),
        "Nacionality": Label("Nacionalidad", "", CODIGO),
        "Mother's qualification": Label("Estudios de la madre", "", CODIGO),
        "Father's qualification": Label("Estudios del padre", "", CODIGO),
        "Mother's occupation": Label("Profesión de la madre", "", CODIGO),
        "Father's occupation": Label("Profesión del padre", "", CODIGO),
        "Displaced": Label("Vive fuera de su domicilio familiar", values=NO_SI),
        "Educational special needs": Label("Necesidades educativas especiales", values=NO_SI),
        "Debtor": Label("Debe dinero a la institución", values=NO_SI),
        "Tuition fees up to date": Label("Matrícula pagada al día", values=NO_SI),
        "Gender": Label("Sexo", values={0: "Femenino", 1: "Masculino"}),
        "Scholarship holder": Label("Tiene beca", values=NO_SI),
        "Age at enrollment": Label("Edad al matricularse", "años"),
        "International": Label("Viene del extranjero", values=NO_SI),
        **_spanish_semester("1st", "Primer"),
        **_spanish_semester("2nd", "Segundo"),
        "Unemployment rate": "Tasa de desempleo del año",
        "Inflation rate": "Tasa de inflación del año",
        "GDP": "Crecimiento del producto interior bruto del año",
    },
)
