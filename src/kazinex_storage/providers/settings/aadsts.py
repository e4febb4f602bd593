"""What the token endpoint of Microsoft refuses, in words. Pure.

The OAuth ``error`` decides the class of the error, as Microsoft asks; the AADSTS number only chooses the words —
learn.microsoft.com/entra/identity-platform/reference-error-codes (read 2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import AuthenticationError, ReconnectRequiredError, SettingsError, StorageError, UnavailableError
from ...types import Diagnosis

_RECONNECT: Final = frozenset(
    {"invalid_grant", "interaction_required", "consent_required", "login_required", "expired_token"}
)
_PASSING: Final = frozenset({"temporarily_unavailable", "server_error"})

NUMBERS: Final[Mapping[int, Diagnosis]] = {
    700016: Diagnosis(
        meaning="the app is not registered in this tenant",
        fix="check tenant id and client id; for an app of another tenant, an administrator has to consent to it first",
    ),
    90002: Diagnosis(meaning="there is no such tenant", fix="copy the Directory (tenant) ID from the app's overview"),
    900023: Diagnosis(meaning="there is no such tenant", fix="copy the Directory (tenant) ID from the app's overview"),
    65001: Diagnosis(
        meaning="no one has consented to the app",
        fix="let an administrator grant admin consent: app registration, API permissions, Grant admin consent",
    ),
    65005: Diagnosis(
        meaning="the app asks for permissions that its registration does not list",
        fix="add Microsoft Graph, Sites.ReadWrite.All or Sites.Selected, to its API permissions and grant consent",
    ),
    7000215: Diagnosis(
        meaning="the client secret is wrong",
        fix="enter the value of the secret, not its id; if it is lost, make a new one in Certificates & secrets",
    ),
    7000222: Diagnosis(
        meaning="the client secret has expired", fix="make a new one in Certificates & secrets and enter its value"
    ),
    700027: Diagnosis(
        meaning="the certificate is not registered for the app",
        fix="upload the public certificate in Certificates & secrets, and give the key that belongs to it",
    ),
    700082: Diagnosis(meaning="the connection was not used for too long and has expired", fix="connect again"),
    70008: Diagnosis(meaning="the connection has expired", fix="connect again"),
    700084: Diagnosis(
        meaning="the connection was made for a single-page app, which lasts for 24 hours",
        fix="register the redirect URI as a Web platform and connect again",
    ),
    50173: Diagnosis(
        meaning="the connection was revoked, because the password was changed or its sessions were signed out",
        fix="connect again",
    ),
    50076: Diagnosis(meaning="the account has to confirm a second factor", fix="connect again"),
    50079: Diagnosis(meaning="the account has to set up a second factor", fix="connect again"),
    53003: Diagnosis(
        meaning="a conditional access policy of the tenant forbids it",
        fix="ask an administrator to let the app, or this network, through the policy",
    ),
}
"""What people are shown, by AADSTS number."""

GENERAL: Final[Mapping[str, Diagnosis]] = {
    "invalid_client": Diagnosis(
        meaning="the app cannot prove its identity", fix="enter client id and secret, or the certificate, again"
    ),
    "unauthorized_client": Diagnosis(
        meaning="the app may not ask for tokens this way", fix="check the client id and the platforms of the app"
    ),
    "invalid_grant": Diagnosis(meaning="the connection is no longer valid", fix="connect again"),
}
"""What people are shown where the number says nothing, by the error of OAuth."""


def error_of(error: str, description: str, numbers: tuple[int, ...] = ()) -> StorageError:
    """Return the error that an OAuth *error* of the token endpoint means.

    Example:
        >>> error_of("invalid_client", "AADSTS7000222: ...", (7000222,)).code
        'AADSTS7000222'
    """
    number = numbers[0] if numbers else _number(description)
    diagnosis = NUMBERS.get(number or 0) or GENERAL.get(error)
    words = f"{diagnosis.meaning}; {diagnosis.fix}" if diagnosis is not None else f"no token was given ({error[:60]})"
    if error in _RECONNECT:
        kind: type[StorageError] = ReconnectRequiredError
    elif error in _PASSING:
        kind = UnavailableError
    elif error in ("invalid_tenant", "invalid_request", "invalid_scope", "invalid_resource"):
        kind = SettingsError
    else:
        kind = AuthenticationError
    return kind(words, code=f"AADSTS{number}" if number is not None else error[:60])


def diagnosis_of(code: str | None) -> Diagnosis | None:
    """Return what the *code* of an error from here means to people."""
    if code is None or not code.startswith("AADSTS") or not code[6:].isdigit():
        return None
    return NUMBERS.get(int(code[6:]))


def _number(description: str) -> int | None:
    head, _, _ = description.partition(":")
    digits = head.strip().removeprefix("AADSTS")
    return int(digits) if digits.isascii() and digits.isdigit() else None
