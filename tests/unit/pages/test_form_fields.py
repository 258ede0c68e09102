"""The fields of a form follow from the contract and the words of a bundle, and what is typed becomes a row that keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.bundle.contract import Column
from slipway.bundle.wording import ColumnWords, Words
from slipway.gateway.bodies.refusing import check
from slipway.gateway.replies import RequestError
from slipway.pages.languages import LANGUAGES, Language
from slipway.pages.prediction.answers import value_of
from slipway.pages.prediction.fields import FormField, form_fields
from slipway.pages.prediction.refusals import field_errors, refused_columns
from slipway.pages.prediction.typed_values import typed_row
from slipway.pages.prediction.words import Vocabulary

Vocabularies = Callable[..., Vocabulary]

NUMBER = Column("HbA1c (%)", "number", "HbA1c", unit="%", low=2, high=20)
WHOLE = Column("age", "integer", "Age", unit="years", low=0, high=120)
OPEN = Column("open", "number", "Anything")
GAP = Column("ldl", "number", "LDL", low=0, high=490, missing=True)
CODE = Column("coded", "integer", "0 for no", unit="0 or 1", low=0, high=1)
FEW = Column("colour", "category", "Colour", values=("red", "blue"))
MANY = Column("province", "category", "Province", values=tuple("abcdefgh"))
FREE = Column("shop", "category", "Shop", values=("north", "south"), other=True, missing=True)
YES = Column("urgent", "boolean", "Urgent")
YES_GAP = Column("diabetic", "boolean", "Diabetic", missing=True)
DAY = Column("admitted", "date", "Admitted")
TIME = Column("seen", "date", "Seen", time=True, missing=True)
TEXT = Column("note", "text", "Note", longest=20)
TEXT_GAP = Column("remark", "text", "Remark", longest=20, missing=True)

# a column, the fields that a browser sends, and the cell
READ: list[tuple[Column, dict[str, str], Any]] = [
    (NUMBER, {"value:HbA1c (%)": "8,1"}, 8.1),
    (NUMBER, {"value:HbA1c (%)": "8,1 %"}, 8.1),  # with the unit
    (WHOLE, {"value:age": " 60 "}, 60),
    (WHOLE, {"value:age": "60 YEARS"}, 60),
    (OPEN, {"value:open": "-3,25"}, -3.25),
    (GAP, {"value:ldl": "", "unknown:ldl": "1"}, None),
    (GAP, {"value:ldl": "120"}, 120),
    (CODE, {"value:coded": "=1"}, 1),
    (FEW, {"value:colour": "=blue"}, "blue"),
    (MANY, {"value:province": "=h"}, "h"),
    (FREE, {"value:shop": "=north", "other:shop": "ignored"}, "north"),
    (FREE, {"value:shop": "?other", "other:shop": " west "}, "west"),
    (FREE, {"value:shop": "?unknown"}, None),
    (YES, {"value:urgent": "=true"}, True),
    (YES, {"value:urgent": "=false"}, False),
    (YES_GAP, {"value:diabetic": "?unknown"}, None),
    (DAY, {"day:admitted": "9", "month:admitted": "2", "year:admitted": "2026"}, "2026-02-09"),
    (TIME, {"day:seen": "29", "month:seen": "11", "year:seen": "2026", "time:seen": "9:30"}, "2026-11-29T09:30"),
    (TIME, {"day:seen": "29", "month:seen": "11", "year:seen": "2026", "time:seen": ""}, "2026-11-29"),
    (TIME, {"unknown:seen": "1"}, None),
    (TEXT, {"value:note": "two\r\nlines"}, "two\nlines"),
    (TEXT_GAP, {"unknown:remark": "1"}, None),
]

# a column, the fields that a browser sends, and what the error says in English and Spanish
NO_DATE = "“Admitted” must be a real date with a year of four digits, such as 29 11 2026."
SIN_FECHA = "«Admitted» debe ser una fecha real con un año de cuatro cifras, como 29 11 2026."
NO_TIME = "“Seen” must be a real date with a year of four digits, such as 29 11 2026, and a time such as 14:30."
SIN_HORA = "«Seen» debe ser una fecha real con un año de cuatro cifras, como 29 11 2026, y una hora como 14:30."

REFUSED: list[tuple[Column, dict[str, str], str, str]] = [
    (
        WHOLE,
        {"value:age": "400"},
        "“Age” must be from 0 to 120 years; you entered 400.",
        "«Age» debe estar entre 0 y 120 years; ha escrito 400.",
    ),
    (
        WHOLE,
        {"value:age": "60,5"},
        "“Age” must be a whole number; you entered “60.5”.",
        "«Age» debe ser un número entero; ha escrito «60,5».",
    ),
    (WHOLE, {"value:age": "old"}, "“Age” must be a whole number; you entered “old”.", "«Age» debe ser un número entero; ha escrito «old»."),
    (WHOLE, {"value:age": ""}, "Enter a value for “Age”.", "Escriba un valor en «Age»."),
    (WHOLE, {}, "Enter a value for “Age”.", "Escriba un valor en «Age»."),
    (
        NUMBER,
        {"value:HbA1c (%)": "1,9"},
        "“HbA1c” must be from 2 to 20 %; you entered 1.9.",
        "«HbA1c» debe estar entre 2 y 20 %; ha escrito 1,9.",
    ),
    (
        NUMBER,
        {"value:HbA1c (%)": "8,1,"},
        "“HbA1c” must be a number such as 8.1; you entered “8,1,”.",
        "«HbA1c» debe ser un número, como 8,1; ha escrito «8,1,».",
    ),
    (
        NUMBER,
        {"value:HbA1c (%)": "1.234,5"},
        "“HbA1c”: 1.234,5 can be read in two ways. Write it without separators of thousands: 1234.5.",
        "«HbA1c»: 1.234,5 se puede leer de dos maneras. Escríbalo sin separadores de miles: 1234,5.",
    ),
    (
        Column("n", "number", "n", low=5),
        {"value:n": "4"},
        "“N” must be at least 5; you entered 4.",
        "«N» debe ser como mínimo 5; ha escrito 4.",
    ),
    (
        Column("n", "number", "n", high=5),
        {"value:n": "6"},
        "“N” must be at most 5; you entered 6.",
        "«N» debe ser como máximo 5; ha escrito 6.",
    ),
    (OPEN, {"value:open": "9" * 40}, f"“Open”: {'9' * 40} is too large a number.", f"«Open»: {'9' * 40} es un número demasiado grande."),
    (GAP, {}, "Enter a value for “Ldl”, or tick “Not known”.", "Escriba un valor en «Ldl» o marque «No se sabe»."),
    (
        GAP,
        {"value:ldl": "120", "unknown:ldl": "1"},
        "“Ldl”: enter a value or tick “Not known”, not both.",
        "«Ldl»: escriba un valor o marque «No se sabe», pero no ambas cosas.",
    ),
    (CODE, {"value:coded": "=2"}, "Choose a value for “Coded”.", "Elija un valor en «Coded»."),
    (FEW, {}, "Choose a value for “Colour”.", "Elija un valor en «Colour»."),
    (FEW, {"value:colour": "=green"}, "Choose a value for “Colour”.", "Elija un valor en «Colour»."),  # of an earlier version
    (FEW, {"value:colour": "?unknown"}, "Choose a value for “Colour”.", "Elija un valor en «Colour»."),  # it may not be missing
    (FREE, {"value:shop": "?other", "other:shop": " "}, "Write the other value of “Shop”.", "Escriba el otro valor de «Shop»."),
    (YES, {"value:urgent": "=maybe"}, "Choose a value for “Urgent”.", "Elija un valor en «Urgent»."),
    (DAY, {"day:admitted": "30", "month:admitted": "2", "year:admitted": "2026"}, NO_DATE, SIN_FECHA),
    (DAY, {"day:admitted": "3", "month:admitted": "2", "year:admitted": "26"}, NO_DATE, SIN_FECHA),
    (DAY, {"day:admitted": "3"}, NO_DATE, SIN_FECHA),
    (TIME, {"day:seen": "3", "month:seen": "2", "year:seen": "2026", "time:seen": "25:00"}, NO_TIME, SIN_HORA),
    (
        TEXT,
        {"value:note": "x" * 21},
        "“Note” has 21 characters; at most 20 are allowed.",
        "«Note» tiene 21 caracteres; se permiten 20 como máximo.",
    ),
    (TEXT, {"value:note": " \r\n "}, "Enter a value for “Note”.", "Escriba un valor en «Note»."),
]


def checked(fields: list[FormField], sent: Mapping[str, str], vocabulary: Vocabulary) -> tuple[list[Any], set[str | None]]:
    """Return the cells, and the columns that the check of the API refuses."""
    cells = {name: [typed.cell] for name, typed in typed_row(fields, sent, vocabulary.language).items()}
    try:
        return [column[0] for column in check(cells, vocabulary.contract).values()], set()
    except RequestError as error:
        return [column[0] for column in cells.values()], {violation.column for violation in error.violations}


@pytest.mark.parametrize(("column", "sent", "cell"), READ, ids=lambda value: getattr(value, "name", None))
def test_what_a_reader_types_becomes_a_cell_that_keeps_the_contract(
    with_columns: Vocabularies, column: Column, sent: dict[str, str], cell: Any
) -> None:
    vocabulary = with_columns(column, language="es")
    fields = form_fields(vocabulary)

    cells, refused = checked(fields, sent, vocabulary)

    assert (cells, [type(one) for one in cells]) == ([cell], [type(cell)])
    assert not refused
    assert not field_errors(fields, sent, typed_row(fields, sent, "es"), refused, "es")
    assert set(sent) <= set(fields[0].names)  # all that a browser sends is known to the form, so it is filled again


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("column", "sent", "english", "spanish"), REFUSED, ids=lambda value: getattr(value, "name", None))
def test_every_kind_of_mistake_is_named_in_the_reader_s_language(
    with_columns: Vocabularies, column: Column, sent: dict[str, str], english: str, spanish: str, language: Language
) -> None:
    vocabulary = with_columns(column, language=language)
    fields = form_fields(vocabulary)
    _, refused = checked(fields, sent, vocabulary)

    errors = field_errors(fields, sent, typed_row(fields, sent, language), refused, language)

    assert [(error.field, error.message) for error in errors] == [(fields[0].id, english if language == "en" else spanish)]


COLUMNS = (NUMBER, WHOLE, OPEN, GAP, CODE, FEW, MANY, FREE, YES, YES_GAP, DAY, TIME, TEXT, TEXT_GAP)
TYPED = st.one_of(
    st.text(max_size=30), st.from_regex(r"[+-]?[0-9.,' ]{1,12}", fullmatch=True), st.sampled_from(["?other", "?unknown", "=true", "=1"])
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), language=st.sampled_from(LANGUAGES))
def test_whatever_is_typed_is_a_row_that_keeps_the_contract_or_has_an_error_beside_the_field(
    with_columns: Vocabularies, data: st.DataObject, language: Language
) -> None:
    column = data.draw(st.sampled_from(COLUMNS))
    vocabulary = with_columns(column, language=language)
    fields = form_fields(vocabulary)
    sent = data.draw(st.dictionaries(st.sampled_from(fields[0].names), TYPED))
    typed = typed_row(fields, sent, language)

    _, refused = checked(fields, sent, vocabulary)
    errors = field_errors(fields, sent, typed, refused_columns(fields, typed), language)

    fault = typed[column.name].fault
    assert fault or refused == refused_columns(fields, typed)  # the form and the API refuse the same
    assert bool(errors) == bool(refused or fault)
    assert all(error.message for error in errors)


def test_errors_come_in_the_order_of_the_form_with_the_subject_first(with_columns: Vocabularies) -> None:
    vocabulary = with_columns(FEW, WHOLE)
    fields = form_fields(vocabulary)
    sent = {"value:age": "400"}

    errors = field_errors(fields, sent, typed_row(fields, sent, "en"), {"age", "subject"}, "en")

    assert [error.field for error in errors] == ["subject", "c0", "c1"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_of_every_model_has_a_field_that_takes_a_valid_row(
    vocabulary: Vocabularies, specs: dict[str, Any], language: Language
) -> None:
    for name, spec in specs.items():
        words = vocabulary(name, language)
        fields = form_fields(words)
        sent: dict[str, str] = {}
        for field in fields:
            if field.choices:
                sent[field.name] = field.choices[0].sent
            elif field.kind == "date":
                sent |= {field.part("day"): "1", field.part("month"): "12", field.part("year"): "2025"}
            else:
                sent[field.name] = "" if field.column.missing else f"{int((field.column.low or 0) + (field.column.high or 2)) // 2}"
                sent |= {field.unknown: "1"} if field.column.missing else {}

        _, refused = checked(fields, sent, words)

        assert not refused, name
        assert [field.column.name for field in fields] == spec.columns.names  # in the order in which a person gives them
        assert all(field.label.text for field in fields)


def test_the_fields_of_diabetes_are_those_that_a_doctor_expects(vocabulary: Vocabularies) -> None:
    fields = form_fields(vocabulary("diabetes", "es"))

    assert [(field.kind, field.label.text, field.unit) for field in fields] == [
        ("radios", "Sexo", ""),
        ("number", "Edad", "años"),
        ("radios", "Hipertensión", ""),
        ("radios", "Enfermedad cardíaca", ""),
        ("select", "Antecedentes de tabaquismo", ""),
        ("number", "Índice de masa corporal", "kg/m²"),
        ("number", "Hemoglobina glicosilada (HbA1c)", "%"),
        ("number", "Glucosa en sangre", "mg/dL"),
    ]
    assert [choice.words.text for choice in fields[2].choices] == ["No", "Sí"]
    assert [field.hint for field in fields if field.hint] == [
        "De 0 a 120 años.", "De 5 a 120 kg/m².", "De 2 a 20 %.", "Un número entero de 20 a 1000 mg/dL.",
    ]  # fmt: skip
    row = ["Male", 54.5, 0, 1, "never", 27.3, 8.1, 210]
    assert [value_of(field, cell, "es").text for field, cell in zip(fields, row, strict=True)] == [
        "Masculino", "54,5 años", "No", "Sí", "Nunca ha fumado", "27,3 kg/m²", "8,1 %", "210 mg/dL",
    ]  # fmt: skip


def test_a_version_without_words_shows_the_names_of_its_columns_and_the_description_of_the_contract(with_columns: Vocabularies) -> None:
    (field,) = form_fields(with_columns(Column("smoking_history", "category", "Smoking history, as recorded", values=("a", "b"))))

    assert (field.label.text, field.phrases.help.text) == ("Smoking history", "Smoking history, as recorded")
    assert [choice.words.text for choice in field.choices] == ["a", "b"]


def test_words_that_exist_in_another_language_only_say_so(with_columns: Vocabularies) -> None:
    english = Words(title="Toys", columns={"colour": ColumnWords("Colour", values={"red": "Red", "blue": "Blue"})})
    vocabulary = with_columns(FEW, language="es", words={"en": english})

    (field,) = form_fields(vocabulary)

    assert (vocabulary.title.text, vocabulary.title.language) == ("Toys", "en")
    assert (field.label.language, field.choices[0].words.language) == ("en", "en")


def test_a_number_that_is_coded_shows_its_codes_if_nothing_says_what_they_mean(with_columns: Vocabularies) -> None:
    (field,) = form_fields(with_columns(CODE))

    assert (field.kind, [choice.words.text for choice in field.choices]) == ("radios", ["0", "1"])
    assert field.phrases.help.text == "0 for no"


def test_a_value_that_is_not_listed_or_not_known_is_one_of_the_choices(with_columns: Vocabularies) -> None:
    (field,) = form_fields(with_columns(FREE, language="es"))

    assert [choice.words.text for choice in field.choices] == ["north", "south", "Otro valor", "No se sabe"]


def test_values_are_shown_again_in_words(with_columns: Vocabularies) -> None:
    fields = form_fields(with_columns(YES, FREE, DAY, TIME, GAP, TEXT, language="es"))
    cells = [True, "west", "2026-02-09", "2026-11-29T09:30", None, "<b>"]

    assert [value_of(field, cell, "es").text for field, cell in zip(fields, cells, strict=True)] == [
        "Sí", "west", "9 de febrero de 2026", "29 de noviembre de 2026, 09:30", "No se sabe", "<b>",
    ]  # fmt: skip
