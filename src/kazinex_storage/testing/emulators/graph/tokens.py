"""The token endpoint of the Microsoft identity platform, as far as msal asks for it."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from html import escape
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ..http import Answer, Received
from .state import App, State

_STORAGE: Final = "https://storage.azure.com"
_WORDS: Final = {
    7000215: "Invalid client secret provided.",
    7000222: "The provided client secret keys are expired.",
    700016: "Application was not found in the directory.",
    90002: "Tenant not found.",
    65001: "The user or administrator has not consented to use the application.",
    50173: "The provided grant has expired due to it being revoked.",
    700082: "The refresh token has expired due to inactivity.",
}


class Tokens:
    """Issues tokens to the apps of the tenant."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._codes: dict[str, tuple[str, str, str]] = {}
        """Client, redirect URI and PKCE challenge of each authorization code."""
        self._devices: dict[str, str] = {}
        self._nonces: dict[str, str] = {}
        self.login_url = ""
        """The authority, without the tenant."""
        self.requests = 0
        """How often a token was asked for."""
        self.headers: tuple[str, ...] = ()
        """Names of the headers that came with it the last time, in lower case."""

    def serve(self, received: Received) -> Answer:
        """Answer one request."""
        tenant, _, rest = received.path.strip("/").partition("/")
        if tenant not in (self._state.tenant, "organizations", "common"):
            return self._refused("invalid_tenant", 90002)
        if rest == "v2.0/.well-known/openid-configuration":
            return _json(200, self._configuration(tenant))
        if rest == "oauth2/v2.0/authorize":
            return self._consent_page(received.query)
        form = {name: values[0] for name, values in parse_qs(received.body.decode()).items()}
        if rest == "oauth2/v2.0/token":
            self.requests += 1
            self.headers = tuple(name.lower() for name in received.headers)
            return self._token(form)
        if rest == "oauth2/v2.0/devicecode":
            return self._device(form)
        return _json(404, {"error": "not_found"})

    def authorize(self, auth_uri: str) -> str:
        """Do what a person does who agrees: return the query that the browser brings back to the redirect URI."""
        asked = {name: values[0] for name, values in parse_qs(auth_uri.partition("?")[2]).items()}
        code = secrets.token_urlsafe(24)
        self._codes[code] = (asked["client_id"], asked["redirect_uri"], asked["code_challenge"])
        self._nonces[asked["client_id"]] = asked.get("nonce", "")
        return urlencode({"code": code, "state": asked["state"]})

    def _consent_page(self, query: str) -> Answer:
        """Return the page of consent: its buttons post to the redirect URI, as response_mode=form_post asks for."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        app = self._state.apps.get(asked.get("client_id", ""))
        if app is None or asked.get("response_mode") != "form_post" or "code_challenge" not in asked:
            return Answer(status=400, headers={"content-type": "text/plain"}, body=b"AADSTS900144: a field is missing")
        granted = dict(parse_qsl(self.authorize(f"?{query}")))
        refused = {
            "error": "access_denied",
            "error_description": "AADSTS65004: User declined to consent.",
            "state": asked.get("state", ""),
        }
        forms = "".join(
            f'<form method="post" action="{escape(asked["redirect_uri"])}">'
            + "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
            + f"<button>{button}</button></form>"
            for button, fields in (("Accept", granted), ("Cancel", refused))
        )
        page = (
            f"<!doctype html><html lang='en'><title>Permissions requested</title><h1>Permissions requested</h1>{forms}"
        )
        return Answer(status=200, headers={"content-type": "text/html; charset=utf-8"}, body=page.encode())

    def _configuration(self, tenant: str) -> dict[str, object]:
        base = f"{self.login_url}/{tenant}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }

    def _device(self, form: dict[str, str]) -> Answer:
        code = secrets.token_urlsafe(24)
        self._devices[code] = form.get("client_id", "")
        return _json(
            200,
            {
                "device_code": code,
                "user_code": "EXAMPLE1",
                "verification_uri": f"{self.login_url}/device",
                "expires_in": 900,
                "interval": 0,
                "message": "enter EXAMPLE1",
            },
        )

    def _token(self, form: dict[str, str]) -> Answer:
        app = self._state.apps.get(form.get("client_id", ""))
        if app is None:
            return self._refused("unauthorized_client", 700016)
        if app.failure is not None:
            return self._refused(*app.failure)
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            refusal = self._check_client(app, form)
            if refusal is None and form.get("scope", "").startswith(_STORAGE):
                return self._issued(app, refresh=False, token=self._for_storage(app))
            return refusal or self._issued(app, refresh=False)
        if app.secret is not None and form.get("client_secret") != app.secret:
            return self._refused("invalid_client", 7000215)
        if grant == "refresh_token":
            if self._state.refresh_tokens.get(form.get("refresh_token", "")) != app.client_id:
                return self._refused("invalid_grant", 50173)
            return self._issued(app, refresh=True)
        if grant == "authorization_code":
            return self._code(app, form)
        if grant.endswith("device_code") and self._devices.pop(form.get("device_code", ""), None) == app.client_id:
            return self._issued(app, refresh=True)
        return self._refused("invalid_grant", 70000)

    def _code(self, app: App, form: dict[str, str]) -> Answer:
        found = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if found != (app.client_id, form.get("redirect_uri"), challenge):
            return self._refused("invalid_grant", 54005)
        return self._issued(app, refresh=True)

    def _check_client(self, app: App, form: dict[str, str]) -> Answer | None:
        if app.certificate is not None and "client_assertion" in form:
            return (
                None
                if _signed_by(app.certificate, form["client_assertion"])
                else self._refused("invalid_client", 700027)
            )
        if app.secret is None or form.get("client_secret") != app.secret:
            return self._refused("invalid_client", 7000215)
        return None

    def _for_storage(self, app: App) -> str:
        """Return a token for Azure Storage as Azurite reads it: it looks at the claims and not at the signature."""
        now = int(time.time())
        claims = {
            "aud": _STORAGE,
            "iss": f"https://sts.windows.net/{self._state.tenant}/",
            "oid": app.client_id,
            "tid": self._state.tenant,
            **{"iat": now, "nbf": now - 60, "exp": now + int(self._state.knobs.token_seconds)},
        }
        return f"{_part({'typ': 'JWT', 'alg': 'RS256'})}.{_part(claims)}.{_part({})}"

    def _issued(self, app: App, *, refresh: bool, token: str | None = None) -> Answer:
        found: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": int(self._state.knobs.token_seconds),
            "access_token": token if token is not None else self._state.issue(app.client_id),
        }
        if refresh:
            claims = {
                "oid": "99999999-0000-4000-8000-000000000000",
                "tid": self._state.tenant,
                "preferred_username": "admin@contoso.example",
                "aud": app.client_id,
                "iss": f"{self.login_url}/{self._state.tenant}/v2.0",
                "sub": "example-subject",
                "nonce": self._nonces.get(app.client_id, ""),
                "exp": int(time.time()) + 3600,
                "iat": int(time.time()),
            }
            found["refresh_token"] = self._state.issue_refresh(app.client_id)
            found["id_token"] = f"{_part({'alg': 'none'})}.{_part(claims)}."
            found["client_info"] = _part({"uid": "99999999-0000-4000-8000-000000000000", "utid": self._state.tenant})
            found["scope"] = "https://graph.microsoft.com/.default"
        return _json(200, found)

    def _refused(self, error: str, number: int) -> Answer:
        words = _WORDS.get(number, "The request was refused.")
        return _json(
            401 if error == "invalid_client" else 400,
            {
                "error": error,
                "error_description": f"AADSTS{number}: {words} Trace ID: 00000000-0000-4000-8000-000000000000",
                "error_codes": [number],
            },
        )


def _signed_by(certificate: bytes, assertion: str) -> bool:
    """Say whether the key of *certificate* has signed a JWT: RS256 or PS256."""
    header, payload, signature = assertion.split(".")
    key = x509.load_pem_x509_certificate(certificate).public_key()
    algorithm = json.loads(_decoded(header))["alg"]
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    pad = padding.PKCS1v15() if algorithm == "RS256" else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    try:
        key.verify(_decoded(signature), f"{header}.{payload}".encode(), pad, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _json(status: int, value: object) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(value).encode())
