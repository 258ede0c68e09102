"""Routes: a method and a path, the handler that answers, and what its caller needs. The table is in `endpoints.routes`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from slipway.access.callers import Caller, Role
from slipway.gateway.parts import Parts
from slipway.gateway.replies import METHOD_NOT_ALLOWED, NOT_FOUND, Reply, RequestError
from slipway.gateway.request import Request

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

MODELS = "/models/"
OF_MODEL = f"{MODELS}{{model}}"


@dataclass(slots=True)
class Call:
    """A request, and what is known about it so far: its route, its model ("": the gateway itself), its caller, the version that answers."""

    request: Request
    route: Route | None = None
    model: str = ""
    caller: Caller | None = None
    deployment: Deployment | None = None

    @property
    def caller_name(self) -> str:
        """Return the caller's name for logs, "" while the caller is unknown."""
        return str(self.caller) if self.caller else ""


Handler = Callable[[Parts, Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. A model's own port answers at the paths below `/models/{model}`, without that prefix.

    `needs` is what the caller must have: nothing, any credential, or a role. `basic`: the credential may also come as the password of
    HTTP's Basic, for which a browser prompts.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Handler
    needs: Role | Literal["nothing", "any"] = "nothing"
    basic: bool = False

    @property
    def name(self) -> str:
        """Return the handler's name, which is the label `endpoint` of the metrics."""
        return self.handler.__name__


class Routes:
    """The routes of the gateway, by path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_path: dict[str, list[Route]] = {}
        for route in routes:
            self._by_path.setdefault(route.path, []).append(route)

    def __iter__(self) -> Iterator[Route]:
        for routes in self._by_path.values():
            yield from routes

    def find(self, method: str, path: str, *, own_port: bool = False) -> tuple[Route, str]:
        """Return the route of a request, and its model, "" for the gateway's own paths. A slash at the end of a path changes nothing.

        Args:
            own_port: Whether the request came to the model's own port, so that the caller knows the path without the model.
        Raises:
            RequestError: 404, there is no such path; 405, the path has other methods.
        """
        model, template = "", path
        if path.startswith(MODELS):
            model, slash, last = path[len(MODELS) :].partition("/")
            last = last.removesuffix("/")
            template = "" if not model or (slash and not last) else f"{OF_MODEL}{slash}{last}"
        elif path not in self._by_path:
            template = path.removesuffix("/")
        found = self._by_path.get(template, ())
        asked = path[len(MODELS) + len(model) :] if own_port else path
        if not found:
            raise RequestError(404, NOT_FOUND, f"there is nothing at {asked[:200]!r}.{self._hint(path, model, own_port)}")
        wanted = "GET" if method == "HEAD" else method  # the connection leaves out the body
        for route in found:
            if wanted == route.method:
                return route, model
        methods = [name for route in found for name in (("GET", "HEAD") if route.method == "GET" else (route.method,))]
        message = f"{asked[:200]}: expected {' or '.join(methods)}, received {method[:20]}."
        raise RequestError(405, METHOD_NOT_ALLOWED, message, headers=[(b"allow", ", ".join(methods).encode())])

    def _hint(self, path: str, model: str, own_port: bool) -> str:
        """Return the path that is probably meant."""
        if f"{OF_MODEL}{path}" in self._by_path and path not in self._by_path:
            return f" A model's path is /models/<name>{path}."
        prefix = f"{MODELS}{model}" if model else ""
        known = [known.removeprefix(OF_MODEL if model else "") for known in self._by_path if known.startswith(OF_MODEL) == bool(model)]
        close = get_close_matches(path.removeprefix(prefix)[:200], filter(None, known), 1, 0.75)
        if own_port:
            prefix = ""
        if close:
            return f" It is probably {prefix[:80]}{close[0]}."
        return f" GET {prefix[:80]}/openapi.json describes every path."
