"""What an ERP or CRM imports to ask a Slipway gateway: `Client`, `AsyncClient`, their answers and their errors.

Needs httpx and msgspec; rows are dictionaries, or a pandas frame where there is pandas.
"""

from slipway.client.answers import Prediction, RecordedOutcomes, Violation
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
