"""The OpenAPI documents are valid and cover every path, and the running gateway does what they say."""

from __future__ import annotations

import json

import httpx
import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from slipway.bundle.compiling import contract_columns
from slipway.catalogue import catalogue
from slipway.gateway.endpoints.routes import ROUTES
from slipway.gateway.openapi import documents, schemas

YOUNG = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}
KEPT = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


def document(url, key=None):
    reply = httpx.get(f"{url}/openapi.json", headers=key)
    assert reply.headers["content-type"] == "application/json"
    return reply.raise_for_status().json()


@pytest.fixture
def every_document(answering):
    return [
        document(answering.url),
        document(answering.model_url, answering.bearer),
        document(f"{answering.url}/models/toy", answering.bearer),
    ]


def test_the_documents_are_valid_openapi_and_their_schemas_valid_json_schemas(every_document):
    for found in every_document:
        assert list(OPENAPI_31_VALIDATOR.iter_errors(found)) == []
        for schema in found["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)


def test_the_documents_have_nothing_that_generators_of_clients_do_not_understand(every_document):
    """What they refuse, or make a client of that does not compile; tests/gateway/test_generated_clients.py runs them."""

    def understood(schema):
        if isinstance(schema, list):
            return all(understood(each) for each in schema)
        if not isinstance(schema, dict):
            return True
        choices = [each.get("type") for kind in ("oneOf", "anyOf") for each in schema.get(kind, ())]
        listed = schema.get("type") != "array" or isinstance(schema.get("items"), dict)
        return listed and "array" not in choices and "uniqueItems" not in schema and all(understood(each) for each in schema.values())

    for found in every_document:
        assert [name for name, schema in found["components"]["schemas"].items() if not understood(schema)] == []
        assert understood(found["paths"])


def test_every_path_is_in_a_document(every_document):
    gateway, own, _ = every_document

    documented = {path: operations.keys() - {"parameters"} for path, operations in gateway["paths"].items()}
    documented |= {f"/models/{{model}}{path}": operations.keys() for path, operations in own["paths"].items()}
    routes = {
        path: {route.method.lower() for route in ROUTES if route.path == path}
        for path in {route.path for route in ROUTES if not route.page}
    }
    assert documented == routes


def test_a_models_document_names_its_columns_and_its_server(every_document):
    _, own, main = every_document

    assert (own["servers"], main["servers"]) == ([{"url": "/"}], [{"url": "/models/toy"}])
    row = own["components"]["schemas"]["Row"]
    assert row["required"] == ["Age", "Oldpeak", "Sex"]
    assert row["properties"]["Age"] == {"type": "integer", "minimum": 0, "maximum": 120, "description": "age at admission (years)"}
    assert row["properties"]["Sex"] == {"type": "string", "enum": ["F", "M"], "description": "sex"}
    assert own["paths"]["/predict"]["post"]["security"] == [{"key": []}]
    assert own["paths"]["/ping"]["get"]["security"] == []


def test_a_models_document_needs_a_key_as_its_contract_does(answering):
    assert httpx.get(f"{answering.model_url}/openapi.json").status_code == 401


def test_a_new_version_has_a_new_document(serving, bundles):
    before = document(serving.model_url, serving.bearer)["info"]["version"]

    serving.serve(bundles["toy-2"])

    assert (before, document(serving.model_url, serving.bearer)["info"]["version"]) == ("1", "2")


def test_every_example_is_taken(answering, every_document):
    for path, of in every_document[1]["paths"].items():
        for method, operation in of.items():
            for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
                sent = {"content": content["example"]} if content_type == "text/csv" else {"json": content["example"]}
                headers = answering.bearer | {"Content-Type": content_type}
                reply = httpx.request(method, f"{answering.model_url}{path}", headers=headers, **sent)
                if path == "/outcomes":  # only its prediction is missing
                    assert [one["column"] for one in reply.json()["violations"]] == ["prediction_id"]
                else:
                    assert reply.is_success


@pytest.mark.parametrize("spec", catalogue().values(), ids=lambda spec: spec.name)
def test_every_models_document_is_valid_and_its_example_keeps_its_schema(spec, contract_of):
    target = spec.columns.target
    contract = contract_of(
        model=spec.name, columns=contract_columns(spec), classes=tuple(target.classes), class_meanings=tuple(target.classes.values())
    )

    found = json.loads(msgspec.json.encode(documents.of_model(contract, "/")))

    assert list(OPENAPI_31_VALIDATOR.iter_errors(found)) == []
    jsonschema.validate(schemas.example_row(contract), found["components"]["schemas"]["Row"])


def operations(url, key, path=None):
    found = schemathesis.openapi.from_dict(document(url, key))
    found.config.update(base_url=url)
    return [result.ok() for result in found.get_all_operations() if path is None or result.ok().path == path]


def ask_many(strategy, examples, headers, kept):
    """Send generated requests; each reply is one that the document describes. Return the status codes received."""
    statuses = set()

    @seed(4)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def ask(case):
        statuses.add(case.call_and_validate(headers=headers, checks=kept, timeout=30).status_code)

    ask()
    return statuses


@pytest.mark.parametrize("path", ["/predict", "/invocations", "/outcomes"])
def test_requests_that_break_the_document_are_refused_as_it_says(answering, path):
    [operation] = operations(answering.model_url, answering.bearer, path)

    kept = [*KEPT, negative_data_rejection]
    assert 400 in ask_many(operation.as_strategy(schemathesis.GenerationMode.NEGATIVE), 150, answering.bearer, kept)


def test_every_request_that_keeps_the_document_of_predict_is_answered(answering):
    [operation] = operations(answering.model_url, answering.bearer, "/predict")

    assert ask_many(operation.as_strategy(), 150, answering.bearer, [*KEPT, positive_data_acceptance]) == {200}


def test_requests_that_keep_the_document_of_invocations_are_answered_as_it_says(answering):
    """Not all are taken: no schema says that columns are of one length, or that cells are in the order of the names."""
    [operation] = operations(answering.model_url, answering.bearer, "/invocations")

    assert ask_many(operation.as_strategy(), 150, answering.bearer, KEPT) == {200, 400}


def test_the_gateways_own_paths_answer_as_their_document_says(answering):
    for operation in operations(answering.url, None):
        ask_many(operation.as_strategy(), 10, answering.bearer, KEPT)


def test_without_a_key_everything_that_needs_one_answers_401_as_the_document_says(answering):
    for url, key in ((answering.url, None), (answering.model_url, answering.bearer)):
        for operation in operations(url, key):
            signs_in = (operation.method, operation.path) == ("post", "/sessions")  # where 401 is for a wrong password
            needs_key = bool(operation.definition.raw["security"])
            assert signs_in or (401 in ask_many(operation.as_strategy(), 5, {}, KEPT)) == needs_key
