"""AWS Signature Version 4 of one attempt: the headers that authorise it. No I/O.

libcurl can sign as well, but derives the key anew for each request and hashes it byte by byte, which took 12 us of the
70 of a small get; here the key is derived once a day, and what the requests of a shape have in common is kept: 4 us.
docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (read 2026-11). Read next: ``handle.py``.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from hmac import digest
from typing import TYPE_CHECKING, Final, NamedTuple

from .auth import SigV4

if TYPE_CHECKING:
    from .attempt import Attempt

Headers = tuple[tuple[str, str], ...]

PAYLOAD: Final = "x-amz-content-sha256"
"""The header with the sha256 of the body, or with what stands for it."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DATE: Final = "x-amz-date"
# What libcurl or a proxy on the way may change or leave out.
_NOT_SIGNED: Final = frozenset({"accept-encoding", "connection", "expect", "transfer-encoding", "user-agent"})
_BLANKS: Final = re.compile("[ \t]+")


class _Template(NamedTuple):
    before: str
    """The headers up to the date."""
    after: str
    """Those after it."""
    names: str
    payload: str
    line: str
    """One to be sent as well, or nothing."""


class Signer:
    """Signs with one key. Not thread-safe."""

    __slots__ = ("_clock", "_day", "_key", "_known", "_scope", "_second", "_stamp", "_template", "signing")

    def __init__(self, signing: SigV4, clock: Callable[[], float] = time.time) -> None:
        """Sign with *signing*, at the seconds since 1970 that *clock* says."""
        self.signing = signing
        """The key."""
        self._clock = clock
        self._second = -1
        self._stamp = self._day = self._scope = ""
        self._key = b""
        self._known: tuple[Headers, Headers, str] | None = None
        """The headers and the start of the URL that the template is of."""
        self._template = _Template("", "", "", "", "")

    def lines(self, attempt: Attempt) -> list[str | bytes]:
        """Return the header lines to be sent in addition to those of *attempt* and of its authorisation.

        A body of bytes is hashed when no header says its sha256; of others the payload is not signed.
        """
        request, own, added = attempt.request, attempt.headers, attempt.authorisation.headers
        url, method = request.url, request.method
        begin = url.find("/", url.index("://") + 3)
        start = url if begin < 0 else url[:begin]
        path, _, query = (url[begin:] if begin >= 0 else "/").partition("?")
        known = self._known
        if known is None or known[0] is not own or known[1] is not added or known[2] != start:
            self._template = _template_of(start, own, added, request.body)
            # What was hashed for one body does not hold for the next.
            self._known = None if self._template.line else (own, added, start)
        before, after, names, payload, line = self._template
        second = int(self._clock())
        if second != self._second:
            self._tell_time(second)
        if query:
            pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
            query = "&".join([f"{name}={value}" for name, value in pairs])
        canonical = f"{method}\n{path}\n{query}\n{before}{self._stamp}{after}\n{names}\n{payload}"
        hashed = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
        text = f"{_ALGORITHM}\n{self._stamp}\n{self._scope}\n{hashed}"
        signature = digest(self._key, text.encode(), "sha256").hex()
        found: list[str | bytes] = [
            f"X-Amz-Date: {self._stamp}",
            f"Authorization: {_ALGORITHM} Credential={self.signing.access_key_id}/{self._scope}, "
            f"SignedHeaders={names}, Signature={signature}",
        ]
        return [*found, line] if line else found

    def _tell_time(self, second: int) -> None:
        self._second, self._stamp = second, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        if self._stamp[:8] != self._day:
            signing, self._day = self.signing, self._stamp[:8]
            self._scope = f"{self._day}/{signing.region}/{signing.service}/aws4_request"
            key = b"AWS4" + signing.secret_access_key.encode()
            for part in self._scope.split("/"):
                key = digest(key, part.encode(), "sha256")
            self._key = key


def _template_of(start: str, own: Headers, added: Headers, body: object) -> _Template:
    scheme, _, authority = start.partition("://")
    # libcurl leaves the usual port out of Host.
    fields = {"host": authority.removesuffix(":443" if scheme == "https" else ":80"), _DATE: ""}
    for name, value in (*own, *added):
        lower = name.lower()
        if lower not in _NOT_SIGNED:
            plain = "  " not in value and "\t" not in value
            text = value.strip(" ") if plain else _BLANKS.sub(" ", value).strip(" ")
            fields[lower] = f"{fields[lower]},{text}" if lower in fields else text
    line = ""
    if PAYLOAD not in fields:
        known = body is None or isinstance(body, bytes)
        fields[PAYLOAD] = hashlib.sha256(body or b"").hexdigest() if known else "UNSIGNED-PAYLOAD"  # type: ignore[arg-type]
        line = f"{PAYLOAD}: {fields[PAYLOAD]}"
    names = sorted(fields)
    place = names.index(_DATE)
    before = "".join(f"{name}:{fields[name]}\n" for name in names[:place]) + f"{_DATE}:"
    after = "\n" + "".join(f"{name}:{fields[name]}\n" for name in names[place + 1 :])
    return _Template(before, after, ";".join(names), fields[PAYLOAD], line)
