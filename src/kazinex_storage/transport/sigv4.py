"""AWS Signature Version 4, of an attempt by headers and of a URL by its query. No I/O.

libcurl can sign as well, but derives the key anew for each request and hashes it byte by byte, which took 12 us of the
70 of a small get; here the key is derived once a day, and what the requests of a shape have in common is kept: 4 us.
docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html (read 2026-11).
Read next: ``handle.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from ..lazy import module, regex
from .auth import Day, Keyed, SigV4

if TYPE_CHECKING:
    import hashlib
    from urllib import parse

    from .attempt import Attempt
else:
    parse = module(__name__, "urllib.parse")

# The one that Python was built with, as ``random`` does: OpenSSL's takes 4 ms to load, and is no faster here.
try:
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]  # since 3.12
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]
    except ImportError:  # built without it
        from hashlib import sha256 as _sha256

Headers = tuple[tuple[str, str], ...]

PAYLOAD: Final = "x-amz-content-sha256"
"""The header with the sha256 of the body, or with what stands for it."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DATE: Final = "x-amz-date"
# What libcurl or a proxy on the way may change or leave out.
_NOT_SIGNED: Final = frozenset({"accept-encoding", "connection", "expect", "transfer-encoding", "user-agent"})
_BLANKS: Final = regex("[ \t]+")
_BLOCK: Final = 64
"""Bytes of a block of SHA-256 (RFC 2104)."""


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
    """Signs with one key. Not thread-safe, but for ``signed_url``."""

    __slots__ = ("_clock", "_known", "_second", "_stamp", "_template", "signing")

    def __init__(self, signing: SigV4, clock: Callable[[], float] = time.time) -> None:
        """Sign with *signing*, at the seconds since 1970 that *clock* says."""
        self.signing = signing
        """The key."""
        self._clock = clock
        self._second = -1
        self._stamp = ""
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
            self._second, self._stamp = second, _stamp_of(second)
        stamp, day = self._stamp, self.signing.day
        if day is None or not stamp.startswith(day.date):
            day = _begin_day(self.signing, stamp)
        query = query and _sorted_query(query)
        canonical = f"{method}\n{path}\n{query}\n{before}{stamp}{after}\n{names}\n{payload}"
        hashed = _sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
        signature = _hmac(day.key, f"{_ALGORITHM}\n{stamp}\n{day.scope}\n{hashed}").hexdigest()
        found: list[str | bytes] = [
            f"X-Amz-Date: {stamp}",
            f"Authorization: {_ALGORITHM} Credential={self.signing.access_key_id}/{day.scope}, "
            f"SignedHeaders={names}, Signature={signature}",
        ]
        return [*found, line] if line else found

    def signed_url(
        self, method: str, url: str, headers: Mapping[str, str], expires_s: int, at: int, token: str | None
    ) -> str:
        """Return *url*, which has a path, with a signature that is valid for *expires_s* seconds.

        Args:
            method: Of the request.
            url: May have a query.
            headers: What its user has to send besides.
            expires_s: How long it is valid.
            at: From when, in seconds since 1970.
            token: Of the session, where the key is temporary.
        """
        stamp, day = _stamp_of(at), self.signing.day
        if day is None or not stamp.startswith(day.date):
            day = _begin_day(self.signing, stamp)
        begin = url.find("/", url.index("://") + 3)
        path, _, query = url[begin:].partition("?")
        _, signed, names, _, _ = _template_of(url[:begin], tuple(headers.items()), (), None, dated=False)
        pairs = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.signing.access_key_id}/{day.scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires_s),
            "X-Amz-SignedHeaders": names,
        }
        if token is not None:
            pairs["X-Amz-Security-Token"] = token
        added = "&".join([f"{name}={parse.quote(value, safe='~')}" for name, value in pairs.items()])
        query = f"{query}&{added}" if query else added
        canonical = f"{method}\n{path}\n{_sorted_query(query)}\n{signed}\n{names}\nUNSIGNED-PAYLOAD"
        hashed = _sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
        signature = _hmac(day.key, f"{_ALGORITHM}\n{stamp}\n{day.scope}\n{hashed}").hexdigest()
        return f"{url[:begin]}{path}?{query}&X-Amz-Signature={signature}"


def _begin_day(signing: SigV4, stamp: str) -> Day:
    scope = f"{stamp[:8]}/{signing.region}/{signing.service}/aws4_request"
    key = f"AWS4{signing.secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(_keyed(key), part).digest()
    signing.day = day = Day(stamp[:8], scope, _keyed(key))
    return day


def _stamp_of(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


def _keyed(key: bytes) -> Keyed:
    block = (_sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return _sha256(bytes(byte ^ 0x36 for byte in block)), _sha256(bytes(byte ^ 0x5C for byte in block))


def _hmac(key: Keyed, message: str) -> hashlib._Hash:
    """Return the HMAC of *message*; the module of that name would begin with the key each time."""
    inner, outer = key[0].copy(), key[1].copy()
    inner.update(message.encode())
    outer.update(inner.digest())
    return outer


def _sorted_query(query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join([f"{name}={value}" for name, value in pairs])


def _template_of(start: str, own: Headers, added: Headers, body: object, *, dated: bool = True) -> _Template:
    """Return what is signed of the headers *own* and *added* for a URL that begins with *start*.

    Not *dated*, of a URL: the date, and what is signed of the body, are in its query.
    """
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
    if not dated:
        del fields[_DATE]
    elif PAYLOAD not in fields:
        known = body is None or isinstance(body, bytes)
        fields[PAYLOAD] = _sha256(body or b"").hexdigest() if known else "UNSIGNED-PAYLOAD"
        line = f"{PAYLOAD}: {fields[PAYLOAD]}"
    names = sorted(fields)
    before = after = ""
    for name in names:  # no generator: every put comes here
        if name == _DATE:
            before, after = f"{after}{_DATE}:", "\n"
        else:
            after += f"{name}:{fields[name]}\n"
    return _Template(before, after, ";".join(names), fields.get(PAYLOAD, ""), line)
