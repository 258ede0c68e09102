"""How long the gateway takes for each page, and how large the page is on the wire, on a platform that runs.

    make demo; python benchmarks/pages.py [--model heart-failure] [--times 21] [--json]

It signs in at the gateway of SLIPWAY_HOME as a user of its own with every role, asks for each page there is, one request after another over
one connection, and revokes the user at the end. Milliseconds are medians of the time to the last byte. The first request for a page, which
may start the process beside the gateway, is not counted. The aim is 100 ms and 60 kB.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import statistics
import time
from dataclasses import asdict, dataclass

import httpx
import pyotp

from slipway.access import users
from slipway.access.callers import ROLES, Grant
from slipway.access.records import read
from slipway.gateway.endpoints.routes import ROUTES
from slipway.settings import Settings

HEAD = ("page", "status", "ms", "slowest ms", "kB")
BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip", "Accept-Language": "en"}


@dataclass(frozen=True)
class Page:
    """One page: its status, the median and the longest time in milliseconds, and its size in kilobytes on the wire."""

    page: str
    status: int
    ms: float
    slowest_ms: float
    kilobytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="heart-failure", help="a model in service")
    parser.add_argument("--times", type=int, default=21, help="requests for each page")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not answers(Settings.load()):
        print(f"no gateway answers at {Settings.load().gateway_url}, so no page was measured; `make demo` starts one.")
        return
    settings, name, password = Settings.load(), f"benchmark-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    users.add(settings.home, name, password, map(Grant, ROLES), with_second_factor=True)
    try:
        with httpx.Client(base_url=settings.gateway_url, headers=BROWSER, timeout=60) as browser:
            sign_in(browser, settings, name, password)
            pages = [measured(browser, path, arguments.times) for path in paths(arguments.model)]
    finally:
        users.revoke(settings.home, name)
    if arguments.json:
        print(json.dumps([asdict(page) for page in pages], indent=2))
        return
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|")
    for page in pages:
        print(f"| `{page.page}` | {page.status} | {page.ms:.1f} | {page.slowest_ms:.1f} | {page.kilobytes:.1f} |")


def answers(settings: Settings) -> bool:
    try:
        return httpx.get(f"{settings.gateway_url}/ping").is_success
    except httpx.TransportError:
        return False


def paths(model: str) -> list[str]:
    """Return the address of every page that needs no more than a model's name."""
    found = [route.path.replace("{model}", model) for route in ROUTES if route.page and route.method == "GET" and route.needs != "nothing"]
    return [path for path in found if path not in ("/second-factor",)]


def sign_in(browser: httpx.Client, settings: Settings, name: str, password: str) -> None:
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', browser.get("/sign-in").text))
    code = pyotp.TOTP(read(settings.home).users[name].second_factor or "").now()
    fields = form | {"name": name, "password": password, "code": code}
    reply = browser.post("/sign-in", data=fields, headers={"Origin": settings.gateway_url})
    if reply.status_code != httpx.codes.SEE_OTHER:
        raise SystemExit(f"signing in was answered by {reply.status_code}")


def measured(browser: httpx.Client, path: str, times: int) -> Page:
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        with browser.stream("GET", path) as reply:
            size = sum(map(len, reply.iter_raw()))
        taken.append((time.perf_counter() - began) * 1_000)
    return Page(path, reply.status_code, statistics.median(taken[1:]), max(taken[1:]), size / 1_000)


if __name__ == "__main__":
    main()
