"""The form of a model, and its answer. A prediction takes the same way as one of the API: the same checks, limits, split and log.

Values, ids and answers are in the bodies of requests and replies only, never in an address: addresses are kept by browsers and proxies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.audit import prediction_id
from slipway.gateway.bodies.forms import SentForm
from slipway.gateway.bodies.refusing import check
from slipway.gateway.bodies.shapes import Columns
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, show
from slipway.gateway.endpoints.explain import explained_rows
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.languages import Language
from slipway.pages.prediction.answers import facts, shown_answer, shown_values
from slipway.pages.prediction.fields import FormField, form_fields
from slipway.pages.prediction.refusals import field_errors, refused_columns
from slipway.pages.prediction.typed_values import Typed, typed_row
from slipway.pages.prediction.why import shown_why
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.rendering import FieldError
from slipway.rows.checks import keeps, violation, with_gaps
from slipway.rows.subjects import SUBJECT, Subjects, is_subject, takes_no_subject, wrong_subjects

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
    from slipway.bundle.deployment import Deployment


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form as a browser sent it: what was typed, by the name of the input, and what that means, by column."""

    words: Vocabulary
    fields: Sequence[FormField]
    sent: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Typed] = field(default_factory=dict)

    @property
    def subject(self) -> str | None:
        return self.sent.get(SUBJECT, "").strip() or None

    def read(self, contract: Contract) -> tuple[Columns, Subjects]:
        """Return the row and its subject, as the bodies of the API are read.

        Raises:
            RequestError: 400, a value can be read in two ways, or was forgotten; the contract itself is checked by the caller.
        """
        columns: Columns = {name: [typed.cell] for name, typed in self.typed.items()}
        subjects = [self.subject] if self.subject else []
        faulty = [(one.column, columns[one.column.name]) for one in self.fields if self.typed[one.column.name].fault]
        # the check of the API finds the others; it takes an empty text for a missing cell
        taken = [(column, cells) for column, cells in faulty if keeps(column, with_gaps(column, cells) if column.missing else cells)]
        if taken:
            valid = [violation(0, column, *cells) for column, cells in taken]
            check(columns, contract, [*valid, *wrong_subjects(subjects)])
        return columns, subjects

    def errors(self) -> list[FieldError]:
        """Return all that is wrong with it."""
        refused: set[str | None] = {*refused_columns(self.fields, self.typed)}
        if not is_subject(self.subject):
            refused.add(SUBJECT)
        return field_errors(self.fields, self.sent, self.typed, refused, self.words.language)


@of_version
async def prediction_form(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    return await _form(parts, call, _filled(deployment, SentForm(), language_of(parts, call.request)))


@of_version
async def change_values(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    """Show the form again with the values of an answer."""
    return await _form(parts, call, _filled(deployment, call.form, language_of(parts, call.request)))


@of_version
async def predict_on_page(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    """Answer about one person; a form with mistakes comes back as it was filled in, with an error beside each field."""
    language = language_of(parts, call.request)
    filled = _filled(deployment, call.form, language)
    try:
        scored, found = await explained_rows(lambda _, __, contract: filled.read(contract), deployment, parts, call, b"", required=False)
    except RequestError as error:
        if error.code == BAD_REQUEST and (errors := filled.errors()):
            raise ShownError(error, await _form(parts, call, filled, errors)) from None
        raise
    answered = call.deployment or deployment  # the challenger perhaps
    words = Vocabulary(answered.contract, answered.words, language)
    row = [scored.columns[column.name][0] for column in answered.contract.columns]
    values = shown_values(words, form_fields(words), row)
    return await show(
        parts,
        call,
        "prediction/answer.html",
        errors=[],
        words=words,
        answer=shown_answer(words, scored.labels[0], scored.probabilities[0]),
        values=values,
        why=shown_why(words, values, found[0]) if found else None,
        sent=filled.sent,
        subject=filled.subject or "",
        facts=facts(words, call.request.arrived),
        prediction_id=prediction_id(call.request.id, 0),
    )


def _filled(deployment: Deployment, form: SentForm, language: Language) -> FilledForm:
    """Return a form with those of its inputs that a browser sent."""
    words = Vocabulary(deployment.contract, deployment.words, language)
    fields = form_fields(words)
    names = [*([] if takes_no_subject(words.contract) else [SUBJECT]), *(name for one in fields for name in one.names)]
    sent = {name: value for name in names if (value := form.get(name))}
    return FilledForm(words, fields, sent, typed_row(fields, sent, language))


async def _form(parts: Parts, call: Call, filled: FilledForm, errors: Sequence[FieldError] = ()) -> Reply:
    return await show(
        parts,
        call,
        "prediction/form.html",
        status=400 if errors else 200,
        words=filled.words,
        fields=filled.fields,
        sent=filled.sent,
        errors=list(errors),
        subject=not takes_no_subject(filled.words.contract),
        decimals=any(one.column.kind == "number" for one in filled.fields),
    )
