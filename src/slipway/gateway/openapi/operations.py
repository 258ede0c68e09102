"""The parts that all OpenAPI documents share: operations with every status code that they send, and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slipway.gateway import replies
from slipway.rows.checks import LISTED

Schema = dict[str, Any]

FAILURES = {
    400: "The body has another form, or rows break the contract; nothing was predicted or recorded.",
    401: "The request has no valid credential in the header `Authorization: Bearer <key or token>`.",
    403: "The caller does not have the role for this.",
    404: "No such model is in service.",
    408: "The request did not arrive in time.",
    413: "More bytes or rows than one request may have; send them in several requests.",
    415: "The body has another Content-Type or Content-Encoding.",
    429: "Too many requests from this caller or this address; try again after the seconds in Retry-After.",
    500: "The gateway failed; its log says why under the request's id.",
    503: "The model is being loaded, too many requests are in work, or the audit log cannot be written; try again after the seconds in "
    "Retry-After.",
}
REQUEST_HEADER = {"X-Request-Id": "Names the request in the logs."}
VERSION_HEADERS = {
    "X-Slipway-Model": "The model that answered.",
    "X-Slipway-Version": "Its version.",
    "X-Slipway-Run": "The MLflow run that made the version.",
}
WAIT = {"Retry-After": "Seconds to wait."}
MORE_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 429: WAIT, 503: WAIT}
SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `Authorization: Bearer slw_...`, a token of POST /sessions, or one of the identity provider.",
    },
    "browser": {"type": "http", "scheme": "basic", "description": "The same as the password, with any name."},
}

VIOLATION: Schema = {
    "type": "object",
    "description": "One value that breaks the contract.",
    "required": ["row", "column", "expected", "received"],
    "properties": {
        "row": {"type": "integer", "minimum": 0, "description": "The row's place in the request, from 0."},
        "column": {"type": ["string", "null"], "description": "null if the whole row is wrong."},
        "expected": {"type": "string"},
        "received": {"type": "string", "description": "The value that was received, shortened to 60 characters."},
    },
}
ERROR: Schema = {
    "type": "object",
    "description": "Why a request was not answered. Violations come with rows that break the contract.",
    "required": ["error_code", "message"],
    "properties": {
        "error_code": {"type": "string", "examples": [replies.BAD_REQUEST, replies.UNAUTHENTICATED, replies.UNAVAILABLE]},
        "message": {"type": "string"},
        "violations": {"type": "array", "maxItems": LISTED, "items": {"$ref": "#/components/schemas/Violation"}},
        "total": {"type": "integer", "minimum": 0, "description": f"The number of violations; the first {LISTED} are listed."},
    },
    "examples": [
        {
            "error_code": replies.BAD_REQUEST,
            "message": "the rows break the contract of a-model in 1 place; nothing was predicted.\n"
            "row 0, column 'age': expected a whole number from 0 to 120 (years), received \"forty\"",
            "violations": [
                {"row": 0, "column": "age", "expected": "a whole number from 0 to 120 (years)", "received": '"forty"'},
            ],
            "total": 1,
        }
    ],
}
MODEL: Schema = {
    "type": "object",
    "description": "A model, with its contract while a version is in service.",
    "required": ["model", "version", "run_id", "installation", "sample", "port", "error", "challenger", "columns", "classes"],
    "properties": {
        "model": {"type": "string"},
        "version": {"type": ["integer", "null"], "description": "null if none is in service."},
        "run_id": {"type": ["string", "null"]},
        "installation": {"type": ["string", "null"]},
        "sample": {"type": ["boolean", "null"], "description": "true: trained on sample rows, not for use."},
        "port": {"type": ["integer", "null"], "description": "The model's own port."},
        "error": {
            "type": ["object", "null"],
            "description": "The installation that could not be put into service.",
            "required": ["installation", "message"],
            "properties": {"installation": {"type": "string"}, "message": {"type": "string"}},
        },
        "challenger": {
            "type": ["object", "null"],
            "description": "The version that is tried beside it; error says why it does not run.",
            "required": ["version", "run_id", "installation", "share", "error"],
            "properties": {
                "version": {"type": ["integer", "null"]},
                "run_id": {"type": ["string", "null"]},
                "installation": {"type": ["string", "null"]},
                "share": {"type": ["number", "null"], "description": "The share of the requests that it answers; 0: none, in shadow."},
                "error": {"type": ["object", "null"]},
            },
        },
        "columns": {"type": "array", "items": {"type": "object"}},
        "classes": {"type": "array", "items": {"type": ["integer", "string"]}},
    },
}


def operation(name: str, summary: str, answer: Schema, failures: Sequence[int], *, of_version: bool = False) -> Schema:
    """Describe one method of one path. One that can fail with 401 needs a key.

    Args:
        answer: The schema of the answer; {} for text that is not JSON.
        failures: The status codes beside 200, 429 and 500.
        of_version: Whether the reply names a version in its headers.
    """
    headers = REQUEST_HEADER | (VERSION_HEADERS if of_version else {})
    error = {"$ref": "#/components/schemas/Error"}
    responses = {"200": _response("The answer.", answer, headers)} | {
        str(code): _response(FAILURES[code], error, REQUEST_HEADER | MORE_HEADERS.get(code, {})) for code in sorted({*failures, 429, 500})
    }
    security: list[Schema] = [{"key": []}] if 401 in failures else []
    return {"operationId": name, "summary": summary, "security": security, "responses": responses}


def components(schemas: dict[str, Schema]) -> Schema:
    return {"schemas": schemas | {"Error": ERROR, "Violation": VIOLATION}, "securitySchemes": SECURITY}


def _response(description: str, answer: Schema, headers: dict[str, str]) -> Schema:
    return {
        "description": description,
        "headers": {name: {"description": what, "schema": {"type": "string"}} for name, what in headers.items()},
        "content": {"application/json": {"schema": answer} if answer else {}},
    }
