"""Headers that every answer carries, so that a browser which is pointed at the gateway does nothing with what it gets."""

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
# Only under TLS: over plain HTTP anyone on the way could have written it, and browsers ignore it.
SECURITY_TLS: tuple[Header, ...] = (*SECURITY, (b"strict-transport-security", b"max-age=31536000"))


# A page with all that it needs inside: its own scripts and styles run, in an origin of nobody's, and can reach nothing and no one.
PAGE = (
    b"sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    b"font-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def with_policy(headers: tuple[Header, ...], policy: bytes) -> tuple[Header, ...]:
    """Return the headers with another policy; a browser that gets two keeps both."""
    return tuple((name, policy if name == POLICY else value) for name, value in headers)


def security(tls: bool) -> tuple[Header, ...]:
    """Return the headers for this gateway; computed once, not for every answer."""
    return SECURITY_TLS if tls else SECURITY
