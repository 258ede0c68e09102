"""The acts of an operator: which are possible, and what their forms order."""

from __future__ import annotations

import msgspec
import pytest

from slipway.pages.rendering import View, render
from slipway.pages.service.acts import ACTS, MOST_OF_A_REASON, AwaitedApproval, Preview, VersionFacts, read_order

WHY = {"why": "it calls  everybody\nhealthy"}


def version(number: int) -> VersionFacts:
    return VersionFacts(number, 0.8, "2026-11-30T07:00:00+00:00", "ada", "better", "promoted", sample=False)


FULL = Preview(
    model="toy",
    metric="recall",
    now=version(3),
    before=2,
    earlier=[version(2), version(1)],
    others=[version(4), version(2), version(1)],
    challenger=4,
    held="ada rolled back to version 3",
    frozen="",
    asks=False,
    approvals=[AwaitedApproval("a-1", 5, "release-toy", "", "", "", "<p>fine</p>")],
)
EMPTY = msgspec.structs.replace(
    FULL, now=None, before=None, earlier=[], others=[], challenger=None, held="", frozen="", approvals=[], silent=""
)


@pytest.mark.parametrize(
    ("address", "sent", "parameters"),
    [
        ("roll-back", {"version": "1"}, {"to": 1}),
        ("promote", {"version": "4"}, {"version": 4}),
        ("promote", {"version": "4", "asks": "1"}, {"version": 4, "approval": True}),
        ("challenge", {"version": "2"}, {"version": 2, "share": 0.0}),
        ("challenge", {"version": "2", "share": " 10 "}, {"version": 2, "share": 0.1}),
        ("challenge", {"version": "end", "share": "nonsense"}, {"version": None}),
        ("approve", {"approval": "a-1", "decision": "approve"}, {"approval": "a-1", "approved": True}),
        ("approve", {"approval": "a-1", "decision": "reject"}, {"approval": "a-1", "approved": False}),
        ("freeze", {}, {}),
        ("resume", {}, {}),
        ("release", {}, {}),
        ("release", {"dry_run": "1", "sample": "1"}, {"dry_run": True}),  # sample rows replace no real ones
    ],
)
def test_a_form_orders_what_was_chosen_with_its_reason_on_one_line(address, sent, parameters):
    order, errors = read_order(ACTS[address], FULL, sent | WHY, "en")

    assert errors == []
    assert order.parameters == parameters
    assert order.why == "it calls everybody healthy"


@pytest.mark.parametrize(
    ("address", "sent", "field", "message"),
    [
        ("roll-back", WHY, "version", "Choose a version."),
        ("roll-back", WHY | {"version": "3"}, "version", "Choose a version."),
        ("roll-back", {"version": "1", "why": " "}, "why", "Enter a reason."),
        (
            "roll-back",
            {"version": "1", "why": "x" * (MOST_OF_A_REASON + 1)},
            "why",
            "Shorten the reason: it has 501 characters, and may have 500.",
        ),
        ("promote", WHY | {"version": "2"}, "", "The challenger has changed since you opened this page. Look at it again."),
        ("challenge", WHY | {"version": "2", "share": "100"}, "share", "Enter a whole number from 0 to 99, such as 10."),
        ("challenge", WHY | {"version": "2", "share": "-1"}, "share", "Enter a whole number from 0 to 99, such as 10."),
        ("challenge", WHY | {"version": "2", "share": "٣"}, "share", "Enter a whole number from 0 to 99, such as 10."),
        ("challenge", WHY | {"version": "9"}, "version", "Choose a version."),
        ("approve", WHY | {"approval": "a-1"}, "decision", "Choose whether you approve or reject it."),
        (
            "approve",
            WHY | {"approval": "a-2", "decision": "approve"},
            "",
            "This version waits for approval no more: it was decided, or its release has ended.",
        ),
    ],
)
def test_what_is_wrong_with_a_form_is_said_beside_its_field(address, sent, field, message):
    _, errors = read_order(ACTS[address], FULL, sent, "en")

    assert [(error.field, error.message) for error in errors] == [(field, message)]


@pytest.mark.parametrize(("sent", "model"), [({}, "toy"), ({"of": "toy", "asks": "1"}, "toy"), ({"of": "toy-boosting"}, "toy-boosting")])
def test_a_release_is_of_the_model_or_of_one_that_challenges_it(sent, model):
    preview = msgspec.structs.replace(FULL, rivals=["toy-boosting"])

    order, errors = read_order(ACTS["release"], preview, sent | WHY, "en")

    assert errors == []
    assert order.model == model


@pytest.mark.parametrize(
    ("preview", "sent", "field", "message"),
    [
        (FULL, {"of": "toy-boosting"}, "of", "Choose one of these models."),
        (
            msgspec.structs.replace(EMPTY, rivals=["rival"]),
            {"of": "rival"},
            "of",
            "Choose one of these models.",
        ),  # nothing to try it beside
        (
            msgspec.structs.replace(FULL, rivals=["rival"]),
            {"of": "rival", "asks": "1"},
            "asks",
            "A version on trial replaces nothing, so there is nothing to approve. Leave this out.",
        ),
    ],
)
def test_a_release_that_could_not_be_tried_is_refused_beside_its_field(preview, sent, field, message):
    _, errors = read_order(ACTS["release"], preview, sent | WHY, "en")

    assert [(error.field, error.message) for error in errors] == [(field, message)]


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_form_of_a_release_offers_a_challenger_and_shows_what_is_wrong_with_it(language):
    preview, sent = msgspec.structs.replace(FULL, rivals=["toy-boosting"]), {"of": "toy-boosting", "asks": "1"}
    act = ACTS["release"]
    _, errors = read_order(act, preview, sent | WHY, language)

    view = View(language, path="/service/toy/release", form_token="t")
    facts = {"words": lambda what: act.words(what, language), "event": lambda one: one.words(language), "moment": str, "figure": str}

    def page(preview, sent, errors):
        facts_of_form = {"act": act, "preview": preview, "sent": sent, "errors": errors, "end": "end", "once": "1"}
        return render("service/act.html", view, **facts, **facts_of_form).decode()

    wrong, fresh, plain = page(preview, sent, errors), page(preview, {}, []), page(FULL, {}, [])

    assert 'name="of" value="toy-boosting" checked' in wrong
    assert 'href="#asks"' in wrong
    assert 'id="asks" name="asks" value="1" checked aria-invalid="true" aria-describedby="asks-error"' in wrong
    assert 'name="of" value="toy" checked' in fresh
    assert act.words("of_rival", language) in fresh
    assert 'name="of"' not in plain


@pytest.mark.parametrize(("language", "said"), [("en", "Trusts further types"), ("es", "Confía en otros tipos")])
def test_who_approves_sees_the_further_types_that_the_models_file_trusts(language, said):
    act, view = ACTS["approve"], View(language, path="/service/toy/approve", form_token="t")
    facts = {"words": lambda what: act.words(what, language), "event": lambda one: one.words(language), "moment": str, "figure": str}
    trusting = msgspec.structs.replace(FULL.approvals[0], trusted=("lightgbm.basic.Booster",))

    def page(approval):
        preview = msgspec.structs.replace(FULL, approvals=[approval])
        return render("service/act.html", view, **facts, act=act, preview=preview, sent={}, errors=[], end="end", once="1").decode()

    assert f"<dt>{said}</dt><dd><code>lightgbm.basic.Booster</code>" in page(trusting)
    assert said not in page(FULL.approvals[0])


def test_an_act_is_offered_while_there_is_something_to_do():
    assert {act.address for act in ACTS.values() if act.possible(FULL)} == set(ACTS)
    assert {act.address for act in ACTS.values() if act.possible(EMPTY)} == {"release"}
    order, _ = read_order(ACTS["release"], EMPTY, WHY | {"sample": "1", "asks": "1"}, "en")
    assert order.parameters == {"sample": True, "approval": True}
    frozen = msgspec.structs.replace(EMPTY, now=version(1), frozen="calibration")
    assert {act.address for act in ACTS.values() if act.possible(frozen)} == {"release", "resume"}
