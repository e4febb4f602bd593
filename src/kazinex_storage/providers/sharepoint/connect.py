"""How a person connects: in the browser with an authorization code and PKCE, or with a code typed on another device.

``begin_connect`` gives the address to send the browser to and a state to keep until it comes back; ``finish_connect``
turns what the browser brought into a refresh token. The state holds the PKCE verifier: keep it on the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import cast

from ...errors import AuthenticationError, ReconnectRequiredError
from ...json_text import parse_own_json, write_json
from ...values import value
from ..settings.aadsts import error_of
from ..settings.entra import AppIdentity, asked, client_of, http_of

# offline_access, openid and profile are added by msal. learn.microsoft.com/graph/permissions-reference.
SCOPES = ("Sites.ReadWrite.All", "Files.ReadWrite.All")
"""What a person is asked to consent to."""


@value
class ConnectRequest:
    """What a browser is sent to, and what is kept until it returns."""

    url: str
    state: str = field(repr=False)
    """JSON for ``finish_connect``; it holds a secret and is good for one use."""


@value
class Connection:
    """What a person has granted."""

    refresh_token: str = field(repr=False)
    account: str
    """The name that the person signs in with."""
    tenant_id: str = ""
    """Of the person, where Microsoft says so."""


@value
class DeviceRequest:
    """What a person types on another device."""

    message: str
    """What to show them: the address and the code."""
    flow: Mapping[str, object] = field(repr=False)


def begin_connect(identity: AppIdentity, redirect_uri: str, *, state: str | None = None) -> ConnectRequest:
    """Return where to send the browser; one request, for the addresses of the authority.

    Args:
        state: What the browser brings back, not to be guessed; None makes one.

    Raises:
        SettingsError: there is no such tenant.
        UnavailableError: the authority does not answer.
    """
    # The browser brings the code in the body of a POST, so that no log holds it — RFC 9700, 4.3.1.
    flow = client_of(identity).initiate_auth_code_flow(
        _scopes(identity), redirect_uri=redirect_uri, response_mode="form_post", state=state
    )
    return ConnectRequest(url=flow["auth_uri"], state=write_json(flow))


def finish_connect(identity: AppIdentity, state: str, returned: Mapping[str, str]) -> Connection:
    """Return what the person granted; *returned* is the form that the browser posted to the redirect URI.

    Raises:
        AuthenticationError: they do not belong to *state*: another person's link, or one that was used before.
        ReconnectRequiredError: the person refused, or the code has expired.
        UnavailableError: the token endpoint does not answer.
    """
    client, foreign = client_of(identity), "what the browser brought does not belong to this connection; start over"
    try:
        flow = parse_own_json(state)
        if isinstance(flow, dict) and "state" in flow:
            found = asked(lambda: client.acquire_token_by_auth_code_flow(flow, dict(returned)), http_of(client))
        else:
            raise AuthenticationError(foreign)
    except (ValueError, RuntimeError) as error:  # another state, another nonce
        raise AuthenticationError(foreign) from error
    return _connection(found)


def begin_device(identity: AppIdentity) -> DeviceRequest:
    """Return what to show the person.

    Raises:
        AuthenticationError: the app allows no public client flows.
        UnavailableError: the token endpoint does not answer.
    """
    client = client_of(replace(identity, secret=None, private_key=None))  # device codes are for public clients
    flow = asked(lambda: client.initiate_device_flow(_scopes(identity)), http_of(client))
    if "user_code" not in flow:
        raise error_of(str(flow.get("error", "")), str(flow.get("error_description", "")))
    return DeviceRequest(message=flow["message"], flow=flow)


def finish_device(identity: AppIdentity, request: DeviceRequest) -> Connection:
    """Wait until the person has typed the code, and return what they granted.

    Raises:
        ReconnectRequiredError: they refused, or took too long.
        UnavailableError: the token endpoint does not answer.
    """
    client = client_of(replace(identity, secret=None, private_key=None))
    return _connection(asked(lambda: client.acquire_token_by_device_flow(dict(request.flow)), http_of(client)))


def _connection(found: Mapping[str, object]) -> Connection:
    token = found.get("refresh_token")
    if not isinstance(token, str):
        if "error" in found:
            raise error_of(str(found["error"]), str(found.get("error_description", "")))
        raise ReconnectRequiredError("Microsoft gave no refresh token; consent to offline access and connect again")
    claims = cast("Mapping[str, object]", found.get("id_token_claims") or {})
    return Connection(
        refresh_token=token,
        account=str(claims.get("preferred_username", "")),
        tenant_id=str(claims.get("tid", "")),
    )


def _scopes(identity: AppIdentity) -> list[str]:
    graph = identity.scope.removesuffix("/.default")
    return [f"{graph}/{scope}" for scope in SCOPES]
