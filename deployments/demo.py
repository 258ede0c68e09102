"""`make demo`: everything started, heart-failure released on sample rows, and what to try next."""

from __future__ import annotations

import json
import secrets
import shlex

import typer

from deployments import cli
from deployments.commands.release import REFUSED
from deployments.terminal.output import show
from slipway.bundle.reading import read
from slipway.bundle.store.active import active
from slipway.catalogue import lookup
from slipway.settings import Settings

MODEL = "heart-failure"
USER = "demo"
SHOWN_CODES = 3


def curl(settings: Settings) -> str:
    """Return a request that works when pasted: one probe row of the version in service."""
    pointer = active(settings.bundles, MODEL)
    if pointer is None or settings.api_key is None:
        raise RuntimeError(f"{MODEL} was released, but nothing is in service.")
    bundle = read(settings.bundles / MODEL / pointer.bundle)
    row = {column.name: cell for column, cell in zip(bundle.contract.columns, bundle.probe.rows[0], strict=True)}
    return " ".join(
        [
            " ".join(["curl", *_trusting(settings), f"{settings.address_of(pointer.port)}/invocations"]),
            f"-H 'Authorization: Bearer {settings.api_key.get_secret_value()}'",
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(json.dumps({'dataframe_records': [row]}))}",
        ]
    )


def person(settings: Settings) -> tuple[str, list[str]]:
    """Return the password of the user `demo` and a few codes, all of them new, for the pages."""
    from slipway.access import users
    from slipway.access.callers import ROLES, Grant
    from slipway.audit import record_act
    from slipway.audit.acts import myself

    password, home = secrets.token_urlsafe(12), settings.home
    record_act(settings.audit_url or home, myself(), "add user", f"{USER}: for the demo")
    if USER in users.listed(home):
        users.rotate(home, USER, password, with_second_factor=True)
    else:
        users.add(home, USER, password, map(Grant, ROLES), with_second_factor=True)
    return password, users.renew_recovery_codes(home, USER)[:SHOWN_CODES]


def _trusting(settings: Settings) -> list[str]:
    trusted = settings.tls_certificate and settings.tls_authority
    return ["--cacert", shlex.quote(str(trusted))] if trusted else []


def main() -> None:
    try:
        if code := cli.app(["up"], standalone_mode=False):
            raise SystemExit(code)
        code = cli.app(["release", MODEL, "--sample"], standalone_mode=False)
        if code not in (None, 0, REFUSED):
            raise SystemExit(code)
        settings, spec = Settings.load(), lookup(MODEL)
        if code == REFUSED:
            show("the champion before it stays in service")
        password, codes = person(settings)
        typer.echo(  # as it is: the request is for pasting
            f"\npages:     {settings.gateway_url}\n"
            f"user:      {USER}\n"
            f"password:  {password}\n"
            f"codes:     {' '.join(codes)} (any one, each works once)\n\n"
            f"run page:  {settings.prefect_url}/deployments\n"
            f"MLflow:    {settings.mlflow_url}/#/models/{spec.registered_as}\n"
            f"endpoint:  {settings.gateway_url}/models/{MODEL}/invocations\n"
            f"API key:   {settings.api_key.get_secret_value() if settings.api_key else ''}\n\n"
            f"Try it:\n\n{curl(settings)}\n\n"
            "Stop everything with `make down`."
        )
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
