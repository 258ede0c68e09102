"""Which path is what, with which method, and whom it is for. A new path is one line here and a handler in `endpoints`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slipway.access.callers import Role
from slipway.gateway.replies import METHOD_NOT_ALLOWED, NOT_FOUND, RequestError

MODELS = "/models/"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a path is. `name` is its handler's; `needs` is what a caller must hold: nothing, any credential, or one for a role.

    `basic`: the credential may also come as the password of HTTP's Basic, which a browser asks a person for.
    `of` says what it is asked of: the gateway, a model by its name, or the version of a model that is in service.
    """

    name: str
    of: Literal["gateway", "model", "version"]
    method: Literal["GET", "POST", "DELETE"] = "GET"
    needs: Role | Literal["nothing", "any"] = "nothing"
    basic: bool = False


GATEWAY: dict[str, tuple[Endpoint, ...]] = {
    "/ping": (Endpoint("ping", "gateway"),),
    "/health": (Endpoint("ping", "gateway"),),
    "/health/live": (Endpoint("live", "gateway"),),
    "/health/ready": (Endpoint("ready", "gateway"),),
    "/metrics": (Endpoint("metrics", "gateway", needs="operate"),),
    "/version": (Endpoint("gateway_version", "gateway"),),
    "/openapi.json": (Endpoint("gateway_openapi", "gateway"),),
    "/sessions": (Endpoint("open_session", "gateway", "POST"), Endpoint("close_session", "gateway", "DELETE", "any")),
    "/models": (Endpoint("models", "gateway", needs="any"),),
}
# By what follows the model's name: `/models/<name>` and `/models/<name>/<this>`, and `/<this>` on the model's own port.
MODEL: dict[str, tuple[Endpoint, ...]] = {
    "": (Endpoint("summary", "model", needs="any"),),
    "ping": (Endpoint("model_ping", "version"),),
    "health": (Endpoint("model_ping", "version"),),
    "version": (Endpoint("model_version", "version"),),
    "openapi.json": (Endpoint("model_openapi", "version", needs="any"),),
    "invocations": (Endpoint("invocations", "version", "POST", "predict"),),
    "predict": (Endpoint("predict", "version", "POST", "predict"),),
    "report": (Endpoint("report", "model", needs="operate", basic=True),),
    "outcomes": (Endpoint("outcomes", "version", "POST", "outcome"),),
}


def find(method: str, path: str) -> tuple[Endpoint, str]:
    """Return the endpoint at a path, and the model it is asked of, "" for the gateway's own.

    Raises:
        RequestError: 404, there is nothing; 405, it wants another method.
    """
    model = ""
    if path.startswith(MODELS):
        model, slash, last = path[len(MODELS) :].partition("/")
        found = () if not model or (slash and not last) else MODEL.get(last, ())
    else:
        found = GATEWAY.get(path, ())
    if not found:
        hint = f" A model's path is /models/<name>{path}." if path in ("/invocations", "/predict") else ""
        raise RequestError(404, NOT_FOUND, f"there is nothing at {path[:200]!r}.{hint}")
    for endpoint in found:
        if method == endpoint.method:
            return endpoint, model
    methods = [endpoint.method for endpoint in found]
    message = f"{path[:200]}: expected {' or '.join(methods)}, received {method[:20]}."
    raise RequestError(405, METHOD_NOT_ALLOWED, message, headers=[(b"allow", ", ".join(methods).encode())])
