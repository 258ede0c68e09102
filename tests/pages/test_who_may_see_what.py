"""Every page and every form by address, for a person of each role: what the route needs decides, whatever links the pages show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipway.access.callers import ROLES
from slipway.gateway.endpoints.routes import ROUTES
from slipway.gateway.routing import MODEL, Route
from tests.pages.conftest import Visitor

PAGES = [route for route in ROUTES if route.page and route.needs != "nothing"]
OF_A_ROLE = [route for route in PAGES if route.needs != "any"]


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def ask(visitor: Visitor, route: Route, token: str = "") -> tuple[int, str]:
    """Ask for a page, or send its form with nothing but the token; return the status, and where the browser is sent to."""
    path = route.path.replace(MODEL, "toy")
    reply = visitor.get(path) if route.method == "GET" else visitor.submit(path, {"form_token": token})
    return reply.status_code, reply.headers.get("location", "")


@pytest.fixture(scope="module")
def people(pages, add_person) -> Iterator[dict[str, tuple[Visitor, str]]]:
    """A person of each role, and one of each role for another model, signed in, with the token of their forms."""
    grants = {role: role for role in ROLES} | {f"{role}:other": f"{role}:other" for role in ROLES if role != "administer"}
    found = {}
    for number, (key, grant) in enumerate(grants.items()):
        visitor = Visitor(pages.url)
        assert visitor.sign_in(add_person(f"only-{number}", grant)).status_code == 303
        found[key] = (visitor, visitor.form("/account")["form_token"])
    yield found
    for visitor, _ in found.values():
        visitor.close()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", OF_A_ROLE, ids=named)
def test_a_person_with_one_role_is_refused_the_pages_and_forms_of_the_others(people, route, role):
    visitor, token = people[role]
    if role not in (route.needs, *route.also):
        assert ask(visitor, route, token)[0] == 403
    elif route.method == "GET":
        status, location = ask(visitor, route)
        assert status not in (401, 403, 500)
        assert not location.startswith("/sign-in")


@pytest.mark.parametrize("route", [route for route in OF_A_ROLE if MODEL in route.path], ids=named)
def test_a_role_for_another_model_opens_no_page_of_this_one(people, route):
    for key, (visitor, token) in people.items():
        if key.endswith(":other"):
            assert ask(visitor, route, token)[0] == 403


@pytest.mark.parametrize("route", [route for route in PAGES if route.needs == "any" and route.method == "GET"], ids=named)
def test_what_everybody_may_see_is_refused_to_nobody_who_is_signed_in(people, route):
    for visitor, _ in people.values():
        assert ask(visitor, route)[0] in (200, 303)


@pytest.mark.parametrize("route", PAGES, ids=named)
def test_who_is_not_signed_in_gets_the_form_for_that_and_a_program_nothing(pages, route):
    with Visitor(pages.url) as visitor:
        status, location = ask(visitor, route)
        assert location.startswith("/sign-in") if status == 303 else status == 401
        visitor.headers["Accept"] = "application/json"
        assert ask(visitor, route)[0] == 404
        visitor.headers["Authorization"] = f"Bearer {pages.key}"
        assert ask(visitor, route)[0] == 404
