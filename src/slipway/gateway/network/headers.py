"""The security headers of every answer: a browser must not run, embed or cache it."""

from __future__ import annotations

from slipway.gateway.replies import Header

POLICY = b"content-security-policy"
SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),  # answers are about patients
    (POLICY, b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Only with TLS: over plain HTTP anyone on the way could have written it, and browsers ignore it.
SECURITY_TLS: tuple[Header, ...] = (*SECURITY, (b"strict-transport-security", b"max-age=31536000"))


# For a page that contains its own scripts and styles: they run in an opaque origin and can reach no other address.
SCRIPTED_PAGE: tuple[Header, ...] = (
    (
        POLICY,
        b"sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
        b"font-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
)
# For a page with forms and no script. With `no-referrer`, a browser would send its forms with `Origin: null`, which anyone could send.
PAGE: tuple[Header, ...] = (
    (POLICY, b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"referrer-policy", b"same-origin"),
)


def replaced(headers: tuple[Header, ...], others: tuple[Header, ...]) -> tuple[Header, ...]:
    """Return the headers with others in place of those of the same names: a browser applies all policies that it gets."""
    names = {name for name, _ in others}
    return (*(header for header in headers if header[0] not in names), *others)


def security(tls: bool) -> tuple[Header, ...]:
    """Return the headers for a gateway with or without TLS."""
    return SECURITY_TLS if tls else SECURITY
