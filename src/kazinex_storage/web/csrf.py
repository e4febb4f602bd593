"""Protection of callers whom a cookie proves: other sites can make their browsers send it, but not our header.

A change needs ``X-Kazinex-CSRF`` with the token of the session, and must not come from another site as far as the
browser says (Fetch metadata, else ``Origin``). Callers with a token in ``Authorization`` need neither: no browser adds
that by itself.
"""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from .access import Caller
from .problems import ProblemError

HEADER: Final = "X-Kazinex-CSRF"
"""What brings the token."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(key: bytes, session: str) -> str:
    """Return the token of the session of that id; *key* is a secret of the host, the same in all its processes.

    Example:
        >>> csrf_token(b"an example key, not a real one!!", "session-1")[:8]
        'e5ae340c'
    """
    return hmac.digest(key, f"kazinex-storage csrf\0{session}".encode(), "sha256").hex()


def check_csrf(request: Request, caller: Caller) -> None:
    """Refuse a change that another site may have made the browser of *caller* send.

    Raises:
        ProblemError: the token is missing or another one, or the request comes from another site.
    """
    if not caller.cookie or request.method in _SAFE:
        return
    given = request.headers.get(HEADER, "")
    if caller.csrf is None or not hmac.compare_digest(given.encode(), caller.csrf.encode()):
        raise ProblemError(403, "csrf", f"the request has no valid {HEADER}; load the page again, then repeat it")
    if not _is_own(request):
        raise ProblemError(403, "csrf", "the request comes from another site")


def _is_own(request: Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    # Behind a proxy the scheme may differ; the host is what the browser asked for.
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
