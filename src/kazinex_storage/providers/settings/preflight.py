"""Asks a service what a browser asks before it uploads: an unsigned preflight of CORS, for ``verify``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...transport import Exchange, Request, Response
from ...types import Diagnosis


def check_cors(
    url: str, origin: str, uploads: Mapping[str, Sequence[str]], rules: str, methods: str
) -> Exchange[Diagnosis | None]:
    """Say what pages of *origin* lack to upload straight to *url*; None when nothing is missing.

    *uploads* are the headers of each method, in lower case; one request each. The fix is a rule at *rules* for all the
    *methods* that signed URLs have. The configuration itself is not for keys of objects to read.

    Raises:
        UnavailableError: there is no answer.
    """
    for method, headers in uploads.items():
        missing = yield from _preflight(url, origin, method, headers)
        if missing is not None:
            wanted = ", ".join(sorted({name for names in uploads.values() for name in names}))
            return Diagnosis(
                meaning=f"pages of {origin} cannot upload straight to the store: {missing}",
                fix=f"add a rule at {rules}: origin {origin}, methods {methods}, headers {wanted}, and expose ETag; it "
                "takes up to a minute to take effect",
            )
    return None


def _preflight(url: str, origin: str, method: str, headers: Sequence[str]) -> Exchange[str | None]:
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
