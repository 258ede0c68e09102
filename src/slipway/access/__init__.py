"""Who may ask the gateway for what: API keys, users with sessions, and the tokens of an OIDC provider.

Nothing here knows HTTP beyond status codes. The libraries that cost memory (argon2, pyotp, PyJWT) are imported where they are used, so a
gateway whose callers have API keys never loads them.
"""
