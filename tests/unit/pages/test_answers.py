"""An answer in words: probability and threshold, a number and its interval, the values, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from slipway.bundle.contract import Column
from slipway.bundle.wording import ColumnWords, Words
from slipway.explaining.explanation import Explanation
from slipway.pages.languages import LANGUAGES, Language
from slipway.pages.prediction.answers import facts, shown_answer, shown_values
from slipway.pages.prediction.fields import form_fields
from slipway.pages.prediction.why import MOST_BARS, shown_why
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.rendering import FieldError, View, render

Vocabularies = Callable[..., Vocabulary]
NBSP = "\N{NO-BREAK SPACE}"
HOSTILE = '"><script>alert(1)</script>'


def explanation(*contributions: float, **changes: Any) -> Explanation:
    parts = {"scale": "log-odds", "of": 1, "unit": "", "base": -1.0, "margin": 1.0, "errors": None, "background": 40}
    return Explanation(**parts | {"contributions": contributions} | changes)  # type: ignore[arg-type]


def test_a_probability_comes_with_the_threshold_in_words(vocabulary: Vocabularies) -> None:
    answer = shown_answer(vocabulary("diabetes", "es", threshold=0.342), 1, [0.266, 0.734])

    assert answer.headline.text == "Diabetes"
    assert answer.sentences == (
        f"La probabilidad de «diabetes» es 73,4{NBSP}%.",
        f"A partir de 34,2{NBSP}%, el modelo responde «diabetes»; por debajo, «sin diabetes».",
    )
    assert [(bar.share, bar.answered) for bar in answer.bars] == [(73.4, True)]
    assert answer.threshold == 34.2


def test_the_probability_is_that_of_the_positive_class_also_when_the_other_one_is_the_answer(vocabulary: Vocabularies) -> None:
    answer = shown_answer(vocabulary("diabetes", "en", threshold=0.342), 0, [0.9, 0.1])

    assert answer.headline.text == "No diabetes"
    assert answer.sentences[0] == "The probability of “diabetes” is 10.0%."
    assert not answer.bars[0].answered


def test_a_probability_next_to_the_threshold_has_the_decimals_that_show_the_difference(vocabulary: Vocabularies) -> None:
    answer = shown_answer(vocabulary("diabetes", "en", threshold=0.34219), 0, [0.65784, 0.34216])

    assert "34.216%" in answer.sentences[0]
    assert "34.219%" in answer.sentences[1]


def test_no_probability_is_shown_as_certain(vocabulary: Vocabularies) -> None:
    words = vocabulary("diabetes", "en", threshold=0.5)

    assert "is less than 0.1%." in shown_answer(words, 0, [0.99996, 0.00004]).sentences[0]
    assert "is more than 99.9%." in shown_answer(words, 1, [0.00004, 0.99996]).sentences[0]


def test_of_three_classes_all_probabilities_are_shown(vocabulary: Vocabularies) -> None:
    answer = shown_answer(vocabulary("student-dropout-svm", "es"), "Graduate", [0.2, 0.3, 0.5])

    assert answer.headline.text == "Se gradúa"
    assert answer.sentences[1] == "El modelo responde con el más probable de estos 3 resultados."
    assert [(bar.words.text, bar.answered) for bar in answer.bars] == [
        ("abandona", False), ("sigue matriculado", False), ("se gradúa", True),
    ]  # fmt: skip


def test_a_number_comes_with_its_interval_and_as_many_digits_as_mean_something(vocabulary: Vocabularies) -> None:
    answer = shown_answer(vocabulary("diabetes-progression", "en"), 152.3712, [93.2, 211.9])

    assert answer.headline.text == "Progression: 152"
    assert answer.sentences[0].startswith("Probably between 93 and 212: in 90% of cases")
    assert answer.bars == ()


def test_facts_name_version_and_moment(vocabulary: Vocabularies) -> None:
    when = datetime(2026, 11, 30, 12, 5).timestamp()  # in the zone of the machine

    found = dict(facts(vocabulary("diabetes", "es"), when))

    assert (found["Modelo"], found["Versión"]) == ("diabetes", "3")
    assert found["Fecha y hora"].startswith("30 de noviembre de 2026, 12:05 ")
    assert dict(facts(vocabulary("diabetes", "en", version=None), when))["Version"] == "not registered"


def test_the_values_that_moved_the_answer_most_come_first(vocabulary: Vocabularies) -> None:
    words = vocabulary("diabetes", "es")
    fields = form_fields(words)
    values = shown_values(words, fields, ["Male", 54, 1, 0, "former", 31.2, 8.1, 210])

    why = shown_why(words, values, explanation(0.1, -0.4, 0.0, 0.2, 0.05, 0.3, 2.0, -1.0))

    assert [(one.label.text, one.value.text, one.words, one.amount) for one in why.effects[:3]] == [
        ("Hemoglobina glicosilada (HbA1c)", "8,1 %", "sube", "+2,00"),
        ("Glucosa en sangre", "210 mg/dL", "baja", "\N{MINUS SIGN}1,00"),
        ("Edad", "54 años", "baja", "\N{MINUS SIGN}0,40"),
    ]
    assert [(one.begin, one.width) for one in why.effects[:2]] == [(50.0, 50.0), (25.0, 25.0)]  # from the middle, to either side
    assert (why.effects[-1].words, why.effects[-1].amount, why.effects[-1].width) == ("apenas", "", 0.0)
    assert why.about == "Las barras se refieren a «diabetes»."


def test_many_values_are_folded_and_a_sampled_explanation_states_its_error(vocabulary: Vocabularies) -> None:
    words = vocabulary("student-dropout-svm", "en")
    values = shown_values(words, form_fields(words), [1] * 34)

    why = shown_why(words, values, explanation(*[0.01 * n for n in range(34)], of="Dropout", errors=(0.004,) * 34))

    assert (len(why.effects), len(why.rest)) == (MOST_BARS, 34 - MOST_BARS)
    assert "the standard error is at most 0.004." in why.sentences[1]


PATIENT: list[Any] = ["Male", 54, 1, 0, "former", 31.2, 8.1, 210]


def test_probabilities_are_explained_in_points_and_numbers_in_their_unit(vocabulary: Vocabularies) -> None:
    words = vocabulary("diabetes", "es")
    values = shown_values(words, form_fields(words), PATIENT)
    parts = (0.0, 0.021, 0.0, 0.0, 0.0, -0.0004, 0.741, 0.0)

    why = shown_why(words, values, explanation(*parts, scale="probability", base=0.18, margin=0.9416))

    assert [one.amount for one in why.effects[:3]] == ["+74,1 puntos", "+2,1 puntos", ""]  # the third rounds to nothing
    assert why.sentences[0].startswith(f"En detalle: la media de los otros casos es 18,0{NBSP}% y esta respuesta es 94,2{NBSP}%.")

    numbers = shown_why(words, values, explanation(*(100 * one for one in parts), scale="number", unit="días", base=18.0, margin=94.16))
    assert [one.amount for one in numbers.effects[:2]] == ["+74,1 días", "+2,1 días"]


def page(words: Vocabulary, row: list[Any] = PATIENT, **changes: Any) -> str:
    values = shown_values(words, form_fields(words), row)
    parts = {
        "errors": [],
        "words": words,
        "answer": shown_answer(words, 1, [0.266, 0.734]),
        "values": values,
        "why": shown_why(words, values, explanation(*range(len(row)))),
        "sent": {"value:age": "54"},
        "subject": "HC-4711",
        "facts": facts(words, 0.0),
        "prediction_id": "0123-0",
    }
    view = View(words.language, path="/predict/diabetes", name="ana", form_token="t")
    return render("prediction/answer.html", view, **parts | changes).decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_of_sample_rows_is_marked_on_top_of_the_page(vocabulary: Vocabularies, language: Language) -> None:
    sample, real = (page(vocabulary("diabetes", language, threshold=0.5, sample=sample)) for sample in (True, False))

    assert sample.index('class="alarm"') < sample.index("<h1")
    assert 'class="alarm"' not in real
    assert len(sample.encode()) < 60_000


def test_a_page_without_an_explanation_says_so(vocabulary: Vocabularies) -> None:
    assert "there is no explanation of the answer" in page(vocabulary("diabetes", "en", threshold=0.5), why=None)


def test_nothing_that_a_person_or_a_model_s_file_wrote_becomes_html(with_columns: Vocabularies) -> None:
    column = Column(HOSTILE, "category", HOSTILE, values=(HOSTILE, "b"), other=True, missing=True)
    number = Column("n", "number", HOSTILE, unit=HOSTILE)
    words = {"en": Words(HOSTILE, HOSTILE, HOSTILE, answers={"1": HOSTILE}, columns={"n": ColumnWords(HOSTILE, HOSTILE, HOSTILE)})}
    vocabulary = with_columns(column, number, words=words)
    vocabulary = Vocabulary(msgspec.structs.replace(vocabulary.contract, threshold=0.5, model=HOSTILE, description=HOSTILE), words, "en")
    fields = form_fields(vocabulary)
    sent = {name: HOSTILE for field in fields for name in field.names} | {"subject": HOSTILE}
    errors = [FieldError(fields[0].id, HOSTILE), FieldError("subject", HOSTILE)]
    view = View("en", path=HOSTILE, name=HOSTILE, form_token=HOSTILE)

    form = render("prediction/form.html", view, words=vocabulary, fields=fields, sent=sent, errors=errors, subject=True, decimals=True)
    answer = page(vocabulary, [HOSTILE, 1.0], subject=HOSTILE, sent=sent, prediction_id=HOSTILE)

    for html in (form.decode(), answer):
        assert HOSTILE not in html
        assert "<script" not in html
        assert html.count("&lt;script&gt;") > 8
