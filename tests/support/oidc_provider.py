"""An OIDC provider on loopback: real keys, real codes with PKCE, and one person who is always signed in there."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "slipway-pages", "a client's secret: of 1 test"


class OidcProvider:
    """The provider. `claims` replaces claims of its tokens; `denies` sends people back without a code."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.denies = False
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def authorize(self, query: dict[str, str]) -> str:
        """Return the address to which the person is sent back."""
        if self.denies:
            answer = {"error": "access_denied"}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = query
            answer = {"code": code}
        return f"{query['redirect_uri']}?{urlencode(answer | {'state': query['state'], 'iss': self.url})}"

    def exchange(self, sent: dict[str, str], credentials: str) -> tuple[int, dict[str, Any]]:
        """Return status and answer for a code, which is good once and only with its verifier."""
        asked = self.codes.pop(sent["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        own = base64.b64encode(f"{CLIENT}:{urlencode({'': SECRET})[1:]}".encode()).decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != sent["redirect_uri"]
            or credentials != f"Basic {own}"
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "dr.who", "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims |= {"amr": ["pwd", "otp"], "roles": ["doctors"]} | self.claims
        return 200, {"id_token": jwt.encode(claims, self.key, "RS256", headers={"kid": "one"}), "token_type": "Bearer"}


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, provider: OidcProvider, *arguments: Any) -> None:
        self.provider = provider
        super().__init__(*arguments)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            base = self.provider.url
            self._send(200, {"issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"})
        elif url.path == "/jwks.json":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.provider.key.public_key()))
            self._send(200, {"keys": [key | {"kid": "one", "use": "sig"}]})
        else:
            self.send_response(303)
            self.send_header("Location", self.provider.authorize(_only(url.query)))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_POST(self) -> None:
        sent = _only(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._send(*self.provider.exchange(sent, self.headers.get("Authorization", "")))

    def _send(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _only(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
