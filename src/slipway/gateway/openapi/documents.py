"""OpenAPI 3.1 documents: one per model from its contract, and one of the gateway's own paths.

A model's document is made once for each installation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from slipway.bundle.contract import Contract
from slipway.gateway.bodies.explanations import MOST_ROWS, NOTE
from slipway.gateway.openapi import explanations, schemas
from slipway.gateway.openapi.operations import MODEL, Schema, components, operation

VERSION = "3.1.0"
SCORING = (400, 401, 403, 404, 408, 413, 415, 503)
READING = (404, 503)
MOST_KEPT = 64  # a caller behind a proxy may invent servers
STATUS: Schema = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}


class Documents:
    """The models' documents. Each is made for its first request; a newer installation replaces it."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[str, bytes]] = {}

    def of_model(self, installation: str, contract: Contract, server: str) -> bytes:
        """Return the document of the version in service, as JSON, for paths below `server`."""
        made = self._made.get((contract.model, server))
        if made is None or made[0] != installation:
            if len(self._made) >= MOST_KEPT:
                del self._made[next(iter(self._made))]
            made = self._made[contract.model, server] = installation, msgspec.json.encode(of_model(contract, server))
        return made[1]


def of_model(contract: Contract, server: str) -> dict[str, Any]:
    """Return the document of one model. Its paths are below `server`: `/models/<name>`, or `/` on its own port."""
    sample = " Trained on sample rows: not for use on patients or customers." if contract.sample else ""
    return {
        "openapi": VERSION,
        "info": {
            "title": contract.model,
            "version": str(contract.version),
            "summary": contract.description,
            "description": f"{contract.registered_as}, run {contract.run_id}.{sample}",
        },
        "servers": [{"url": server}],
        "paths": {
            "/predict": {"post": _predict(contract)},
            "/explain": {"post": _explain(contract)},
            "/report": {"get": _report()},
            "/outcomes": {"post": _outcomes(contract)},
            "/invocations": {"post": _invocations(contract)},
            "/ping": {"get": operation("ping", "Whether the model answers", {}, READING, of_version=True)},
            "/health": {"get": operation("health", "Whether the model answers", {}, READING, of_version=True)},
            "/version": {"get": operation("version", "The MLflow version that logged the model", {}, READING, of_version=True)},
            "/openapi.json": {"get": operation("openapi", "This document", {"type": "object"}, (401, 403, *READING), of_version=True)},
        },
        "components": components(_schemas(contract)),
    }


@lru_cache(MOST_KEPT)
def of_gateway(version: str, server: str = "/") -> bytes:
    """Return the document of the gateway's own paths, as JSON, for paths below `server`."""
    model: Schema = {"$ref": "#/components/schemas/Model"}
    name: Schema = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}, "description": "The model's name."}
    document = {
        "openapi": VERSION,
        "info": {"title": "Slipway gateway", "version": version, "summary": "Each model has its own: /models/{model}/openapi.json."},
        "servers": [{"url": server}],
        "paths": {
            "/ping": {"get": operation("ping", "Whether the gateway answers", {}, ())},
            "/health": {"get": operation("health", "Whether the gateway answers", {}, ())},
            "/health/live": {"get": operation("live", "Whether the process lives; else restart it", STATUS, ())},
            "/health/ready": {"get": operation("ready", "Whether to send requests here, and why not", STATUS, (503,))},
            "/metrics": {"get": _as_text(operation("metrics", "Counts, for Prometheus; needs the role operate", {}, (401, 403, 503)))},
            "/sessions": {"post": _sign_in(), "delete": operation("signOut", "End the session whose token is sent", {}, (401, 503))},
            "/version": {"get": operation("version", "The gateway's version", {}, ())},
            "/openapi.json": {"get": operation("openapi", "This document", {"type": "object"}, ())},
            "/models": {"get": operation("models", "The models", {"type": "array", "items": model}, (401, 503))},
            "/models/{model}": {
                "get": operation("model", "What is in service, and what failed", model, (401, 403, 404, 503)),
                "parameters": [name],
            },
        },
        "components": components({"Model": MODEL}),
    }
    return msgspec.json.encode(document)


def _report() -> Schema:
    described = operation("report", "What the last watch found, for a browser; needs the role operate", {}, (401, 403, 404, 503))
    described["responses"]["200"]["content"] = {"text/html": {}}
    return described | {"security": [{"key": []}, {"browser": []}]}


def _as_text(described: Schema) -> Schema:
    described["responses"]["200"]["content"] = {"text/plain": {}}
    return described


def _sign_in() -> Schema:
    asked = {
        "type": "object",
        "required": ["name", "password"],
        "properties": {"name": {"type": "string"}, "password": {"type": "string"}, "code": {"type": ["string", "null"]}},
        "additionalProperties": False,
    }
    given = {
        "type": "object",
        "required": ["token", "token_type", "expires_in"],
        "properties": {
            "token": {"type": "string", "description": "Send it as `Authorization: Bearer <token>`."},
            "token_type": {"type": "string", "const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds."},
        },
    }
    described = operation("signIn", "Get a short-lived token for a password and, with a second factor, a code", given, (400, 413, 415, 503))
    described["responses"]["401"] = {"description": "Name, password or code is wrong; the message does not say which."}
    return described | {"requestBody": {"required": True, "content": {"application/json": {"schema": asked}}}}


def _predict(contract: Contract) -> Schema:
    bodies = [{"$ref": f"#/components/schemas/{name}"} for name in schemas.of_bodies()]
    content = {"application/json": {"schema": {"oneOf": bodies}, "example": {"rows": [schemas.example_row(contract)]}}}
    answer = {"$ref": "#/components/schemas/Predictions"}
    described = operation("predict", contract.output.of_each, answer, SCORING, of_version=True)
    more = "Every form of /invocations is taken too, with a column `subject` if you like."
    return described | {"description": more, "requestBody": {"required": True, "content": content}}


def _explain(contract: Contract) -> Schema:
    bodies = [{"$ref": f"#/components/schemas/{name}"} for name in schemas.of_bodies()]
    content = {"application/json": {"schema": {"oneOf": bodies}, "example": {"rows": [schemas.example_row(contract)]}}}
    answer = {"$ref": "#/components/schemas/Explanations"}
    summary = "The answer to each row, and what every column adds to it"
    described = operation("explain", summary, answer, SCORING, of_version=True)
    more = f"At most {MOST_ROWS} rows, in every form that /predict takes. {NOTE}"
    return described | {"description": more, "requestBody": {"required": True, "content": content}}


def _invocations(contract: Contract) -> Schema:
    row = schemas.example_row(contract)
    forms = [{"$ref": f"#/components/schemas/{name}"} for name in ("Split", "Records", "Inputs", "Instances")]
    content = {
        "application/json": {"schema": {"oneOf": forms}, "example": {"dataframe_records": [row]}},
        "text/csv": {"schema": {"type": "string"}, "example": schemas.as_csv(row)},
    }
    answer = {"$ref": "#/components/schemas/Labels"}
    described = operation("invocations", f"MLflow's scoring protocol: {contract.output.of_invocation}", answer, SCORING, of_version=True)
    return described | {"requestBody": {"required": True, "content": content}}


def _outcomes(contract: Contract) -> Schema:
    example = {"outcomes": [{"prediction_id": "0199c8e2f5a10123456789ab-0", "outcome": contract.output.example}]}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Outcomes"}, "example": example}}
    answer = {"$ref": "#/components/schemas/Recorded"}
    described = operation("outcomes", "The actual outcomes of predictions; needs the role outcome", answer, SCORING, of_version=True)
    return described | {"requestBody": {"required": True, "content": content}}


def _schemas(contract: Contract) -> dict[str, Schema]:
    return {
        "Row": schemas.of_row(contract),
        "SubjectRow": schemas.of_subject_row(contract),
        **schemas.of_bodies(),
        "Positions": schemas.of_positions(contract),
        "Split": schemas.of_form("dataframe_split", schemas.of_split(contract)),
        "Records": schemas.of_form("dataframe_records", schemas.of_list({"$ref": "#/components/schemas/Row"})),
        "Inputs": schemas.of_form("inputs", schemas.of_tensor()),
        "Instances": schemas.of_form("instances", schemas.of_tensor()),
        "Labels": schemas.of_labels(contract),
        "Prediction": schemas.of_prediction(contract),
        "Predictions": schemas.of_predictions(contract),
        "Contribution": explanations.of_contribution(contract),
        "Explanation": explanations.of_explanation(contract),
        "ExplainedPrediction": explanations.of_explained_prediction(contract),
        "Explanations": explanations.of_explanations(contract),
        "PredictionOutcome": schemas.of_prediction_outcome(contract),
        "SubjectOutcome": schemas.of_subject_outcome(contract),
        "Outcomes": schemas.of_outcomes(),
        "Recorded": schemas.of_recorded(),
    }
