"""Access to the gateway: API keys, users with sessions, and the tokens of an OIDC provider.

Of HTTP, this room knows only headers and status codes. The libraries that cost memory (argon2, pyotp, PyJWT) are imported only where
they are used, so a gateway whose callers have API keys never loads them.
"""
