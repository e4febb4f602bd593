"""Why a service cannot be reached at all, in the words of its administrators: the same for every service. Pure."""

from __future__ import annotations

from typing import Final

from ...transport import Response
from ...types import Diagnosis

CODES: Final = ("dns", "connect", "timeout", "tls", "cut")
"""The transport's words for why there is no answer."""


def wrong_clock(minutes: int | None) -> Diagnosis:
    """Explain a clock that is off; *minutes* is positive when ours is behind."""
    off = "differs from the service's by more than it tolerates"
    if minutes:
        off = f"is {abs(minutes)} minutes {'behind' if minutes > 0 else 'ahead of'} the service's"
    return Diagnosis(
        meaning=f"the clock of this machine {off}, so that no signature is accepted",
        fix="set the clock and keep it right with a time service (NTP), then verify again; the keys may well be right",
    )


def unreachable(endpoint_url: str, code: str, message: str, *, mistyped: str) -> Diagnosis:
    """Explain why the service is not reached; *code* is the transport's, *mistyped* the setting that names the host."""
    host = endpoint_url.partition("://")[2]
    match code:
        case "dns":
            return Diagnosis(
                meaning=f"the host name {host!r} is not known: it is mistyped, or this machine has no name service",
                fix=f"correct {mistyped}; if it is right, let the machine resolve it",
            )
        case "tls":
            return _untrusted(host, message)
        case "connect" | "timeout":
            return Diagnosis(
                meaning=f"{host!r} does not answer: a firewall or a proxy is in the way, or the port is wrong",
                fix="let this machine open connections to that host and port, or set https_proxy; then verify again",
            )
        case _:
            plain = endpoint_url.startswith("http://")
            return Diagnosis(
                meaning=f"{host!r} accepts the connection and breaks it off"
                + (": the endpoint says http:// and the port may speak TLS" if plain else ""),
                fix="write https:// in the endpoint" if plain else "look at proxies and firewalls, then verify again",
            )


def unexpected_response(endpoint_url: str, response: Response) -> Diagnosis:
    """Explain an answer that no storage service gives."""
    what = f"status {response.status}, {response.headers.get('content-type', 'no content type')[:60]}"
    return Diagnosis(
        meaning=f"something other than the storage service answers for {endpoint_url!r} ({what}): a sign-in page "
        "of the network, a proxy, or a web site at a mistyped address",
        fix="open a page from this machine and sign in to the network, let the proxy pass that host, or correct the "
        "endpoint",
    )


def is_dated(message: str) -> bool:
    """Say whether *message*, of a failed TLS handshake, is about the dates of a certificate."""
    said = message.lower()
    return "not yet valid" in said or "expired" in said


def _untrusted(host: str, message: str) -> Diagnosis:
    if is_dated(message):
        return Diagnosis(
            meaning=f"the certificate of {host!r} is out of date, or the clock of this machine is wrong",
            fix="look at the clock first; if it is right, the certificate of the service has to be renewed",
        )
    return Diagnosis(
        meaning=f"no trusted TLS connection to {host!r} is possible: its certificate is not signed by an authority "
        "that this machine trusts, or is for another name, or the port does not speak TLS",
        fix="if a proxy of your organisation opens TLS, or the service is your own, put its authority into a file and "
        "name it in ca_file of the settings, or in KAZINEX_STORAGE_CA_FILE; otherwise correct the endpoint",
    )
