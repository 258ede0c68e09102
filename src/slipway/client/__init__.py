"""The Python client of a Slipway gateway, for programs such as an ERP or CRM: `Client`, `AsyncClient`, their answers and errors.

It needs httpx and msgspec. Rows are dictionaries, or a pandas frame if pandas is installed.
"""

from slipway.client.answers import Contribution, ExplainedPrediction, Explanation, Prediction, RecordedOutcomes, Violation
from slipway.client.asynchronous import AsyncClient
from slipway.client.blocking import Client
from slipway.client.errors import (
    ClientError,
    Forbidden,
    GatewayFailed,
    NotAnswered,
    RateLimited,
    RefusedOutcomes,
    RefusedRequest,
    RefusedRows,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnknownModel,
)

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "Contribution",
    "ExplainedPrediction",
    "Explanation",
    "Forbidden",
    "GatewayFailed",
    "NotAnswered",
    "Prediction",
    "RateLimited",
    "RecordedOutcomes",
    "RefusedOutcomes",
    "RefusedRequest",
    "RefusedRows",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "UnknownModel",
    "Violation",
]
