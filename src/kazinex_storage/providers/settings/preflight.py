"""Asks a service what a browser asks before it uploads: an unsigned preflight of CORS."""

from __future__ import annotations

from collections.abc import Sequence

from ...transport import Exchange, Request, Response


def preflight(url: str, origin: str, method: str, headers: Sequence[str]) -> Exchange[str | None]:
    """Ask whether pages of *origin* may send *method* with *headers*; return what is missing, None when nothing is.

    One request; the names of *headers* are in small letters.

    Raises:
        UnavailableError: there is no answer.
    """
    request = Request(
        method="OPTIONS",
        url=url,
        headers=(
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", ", ".join(headers)),
        ),
        operation="verify",
    )
    response: Response = yield request
    return _missing(response, origin, method, headers)


def _missing(response: Response, origin: str, method: str, wanted_headers: Sequence[str]) -> str | None:
    allowed = response.headers.get("access-control-allow-origin")
    wanted = f"{method} with {', '.join(wanted_headers)}"
    if not 200 <= response.status < 300 or allowed not in ("*", origin):
        return f"no CORS rule allows {wanted} from there (status {response.status})"
    methods, headers = (_names(response, f"access-control-allow-{what}") for what in ("methods", "headers"))
    if {method.lower(), "*"} & methods and ("*" in headers or headers.issuperset(wanted_headers)):
        return None
    return f"the CORS rule that applies does not allow {wanted}"


def _names(response: Response, header: str) -> set[str]:
    return {name.strip().lower() for name in response.headers.get(header, "").split(",")}
