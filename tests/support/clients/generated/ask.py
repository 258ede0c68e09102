"""Asks a gateway with the client that openapi-python-client made: address, key."""

import sys

from client import AuthenticatedClient
from client.api.default import invocations, outcomes, predict
from client.models import Inputs, ManyRows, OneRow, Outcomes, PredictionOutcome, PredictionOutcomeOutcome, SubjectRow, SubjectRowSex

address, key = sys.argv[1:]
young = SubjectRow(age=30, oldpeak=0.0, sex=SubjectRowSex.F, subject="patient-1")
old = SubjectRow(age=80, oldpeak=2.0, sex=SubjectRowSex.M)

with AuthenticatedClient(address, token=key) as client:
    many = predict.sync(client=client, body=ManyRows([young, old]))
    for each in many.predictions:
        print(each.label.value, each.meaning.value)
    print(many.model, many.version, many.predictions[0].subject)
    one = predict.sync(client=client, body=OneRow(old))
    print(one.predictions[0].label.value)

    for label in invocations.sync(client=client, body=Inputs([[30, 0.0, "F"], [80, 2.0, "M"]])).predictions:
        print(label.value)

    outcome = PredictionOutcome(one.predictions[0].prediction_id, PredictionOutcomeOutcome.VALUE_1)
    print(outcomes.sync(client=client, body=Outcomes([outcome])).recorded)
    old.age = 900
    print(predict.sync_detailed(client=client, body=OneRow(old)).status_code.value)
