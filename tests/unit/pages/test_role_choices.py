"""The roles that an administrator's form offers, and what it accepts."""

from __future__ import annotations

import pytest

from slipway.access.callers import Grant
from slipway.pages.access.role_choices import chosen_grants, role_groups
from slipway.pages.prediction.words import Phrase

MODELS = {"toy": Phrase("Toy"), "diabetes": Phrase("Diabetes")}


def test_each_role_is_offered_for_every_model_and_for_each_and_administering_for_users_alone():
    of_user = role_groups(MODELS, (), ("predict:toy", "administer"), of_user=True)

    assert [group.model for group in of_user] == ["*", "diabetes", "toy", ""]
    assert [choice.sent for group in of_user for choice in group.choices if choice.chosen] == ["predict:toy", "administer"]
    assert [choice.sent for choice in of_user[0].choices] == ["predict", "outcome", "audit", "operate"]
    assert [group.model for group in role_groups(MODELS, (), (), of_user=False)] == ["*", "diabetes", "toy"]


def test_a_role_for_a_model_that_is_no_longer_there_can_be_kept():
    groups = role_groups(MODELS, ("predict:gone", "operate"), ("predict:gone", "operate"), of_user=False)

    assert str(next(group.title for group in groups if group.model == "gone")) == "gone"
    assert chosen_grants(["predict:gone"], groups) == [Grant("predict", "gone")]


@pytest.mark.parametrize("sent", [[], ["predict:other"], ["predict", "administer:toy"], ["<script>"], ["predict:"], ["predict", ""]])
def test_nothing_and_what_was_not_offered_is_refused(sent):
    assert chosen_grants(sent, role_groups(MODELS, (), (), of_user=True)) is None


def test_a_key_is_not_given_the_role_of_administrators():
    assert chosen_grants(["administer"], role_groups(MODELS, (), (), of_user=False)) is None
    assert chosen_grants(["predict:toy", "predict:toy"], role_groups(MODELS, (), (), of_user=False)) == [Grant("predict", "toy")]
