"""Routes: a method and a path, the handler that answers, and what its caller needs. The table is in `endpoints.routes`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from slipway.access.callers import Caller, Role
from slipway.access.page_sessions import PageSession
from slipway.gateway.bodies.forms import SentForm
from slipway.gateway.bodies.multipart_forms import SentFile
from slipway.gateway.parts import Parts
from slipway.gateway.replies import METHOD_NOT_ALLOWED, NOT_FOUND, Reply, RequestError
from slipway.gateway.request import Request

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

MODELS = "/models/"
MODEL = "{model}"
OF_MODEL = f"{MODELS}{MODEL}"


@dataclass(slots=True)
class Call:
    """A request, and what is known about it so far: its route, its model ("": the gateway itself), its caller, the version that answers.

    Requests for pages have a session, if somebody is signed in, and a form, if one was sent; `file` is that of a form with a file, which is
    not read yet. `cookie` is that of a session that is opened while the request is answered.
    """

    request: Request
    route: Route | None = None
    model: str = ""
    caller: Caller | None = None
    deployment: Deployment | None = None
    session: PageSession | None = None
    form: SentForm = field(default_factory=SentForm)
    file: SentFile | None = None
    cookie: str = ""

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

    `page`: a page for people. Its caller is known by the cookie of a session, never by `Authorization`, and its errors are pages too.
    `also`: roles on a page about all models of which one is as good as `needs`.
    `first`: the page is shown also to a person who must still set up a second factor. `file`: its form ends with a file, which may be
    larger than other bodies.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Handler
    needs: Role | Literal["nothing", "any"] = "nothing"
    basic: bool = False
    page: bool = False
    first: bool = False
    file: bool = False
    also: tuple[Role, ...] = ()

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
        of_models = {path.partition(MODEL)[0] for path in self._by_path if MODEL in path}
        self._before_model = sorted(of_models, key=lambda prefix: prefix != MODELS)  # most requests are for the API

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
        template, model = self._template(path)
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

    def take_file(self, method: str, path: str) -> bool:
        """Return whether a request may have a file, so that its body has a limit of its own."""
        return method == "POST" and any(route.file for route in self._by_path.get(self._template(path)[0], ()))

    def _template(self, path: str) -> tuple[str, str]:
        """Return the path as it is in the table, perhaps with `{model}`, and the model."""
        for prefix in self._before_model:
            if path.startswith(prefix):
                model, slash, last = path[len(prefix) :].partition("/")
                last = last.removesuffix("/")
                return "" if not model or (slash and not last) else f"{prefix}{MODEL}{slash}{last}", model
        return path if path in self._by_path else path.removesuffix("/"), ""

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
