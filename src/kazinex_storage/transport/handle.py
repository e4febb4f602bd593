"""One curl handle set up for one attempt. The only module that knows libcurl's options.

What is never set is as deliberate: no redirects (a signature is for one host), no cookies, no netrc, no total timeout
unless it is asked for. Loaded when the first request is made: pycurl costs 10 ms to import.
"""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Final, cast

import pycurl

from ..errors import NotSupportedError, SettingsError
from ..lazy import regex
from ..secrecy.masking import Masked
from .opener import Opener
from .request import BodySlice, Request
from .sigv4 import Headers, Signer
from .stall import LEAST_SPEED
from .trust import named_trust

if TYPE_CHECKING:
    from .attempt import Attempt
    from .settings import TransportSettings

# Nothing older is in a wheel of pycurl 7.49 or later, with which this transport is tested.
OLDEST_LIBCURL: Final = (8, 12, 0)
"""The first version that may be used."""

# 1 GiB from loopback into a file: 1.35 s of user time with 64 KiB, 1.1 with 512 KiB. Small answers cost the same, since
# a multi has one buffer and touches what it fills.
RECEIVE_BUFFER_BYTES: Final = 512 * 1024
"""Bytes that libcurl reads from a socket at a time (CURLOPT_BUFFERSIZE)."""

KEPT_BODY_BYTES: Final = 64 * 1024
"""The largest body that an idle handle may hold on to."""

_UPLOAD_BUFFER_BYTES: Final = 256 * 1024

# " HTTP/1.1", Host, Accept, Content-Length and the line ends, less the scheme, which is not sent. What else libcurl
# adds once, a User-Agent, is shorter than that and a URL together.
_ADDED_BYTES: Final = 49

# What a signature adds: Authorization, X-Amz-Date, x-amz-content-sha256. From 300 to 400 bytes were measured besides
# the key id and the region; less than that and the rest of a request together, so that twice is never taken for once.
_SIGNED_BYTES: Final = 250

_BREAKS: Final = regex("[\r\n\0]")
WITH_BODY: Final = ("PUT", "POST", "PATCH")
"""The methods whose requests libcurl must not repeat unnoticed."""

Option = tuple[int, object]

Shape = tuple[str, type, bool]
"""Method, kind of body, and whether a repeat does no harm."""


def check_version(version: tuple[int, int, int] | None = None) -> None:
    """Refuse a libcurl that is too old.

    Raises:
        SettingsError: libcurl is too old, or cannot do TLS.
    """
    facts = pycurl.version_info()
    number = facts[2]
    found = version if version is not None else (number >> 16, number >> 8 & 255, number & 255)
    if found < OLDEST_LIBCURL:
        raise SettingsError(
            f"libcurl {'.'.join(map(str, found))} is older than what this was tested with; 8.12 or newer is needed: "
            "pip install --upgrade --force-reinstall --only-binary :all: 'pycurl>=7.49'",
            code="libcurl",
        )
    if "https" not in facts[8]:
        raise SettingsError("this libcurl cannot do TLS; install pycurl from a wheel", code="libcurl")


def options_of(settings: TransportSettings) -> tuple[Option, ...]:
    """Return the options that are the same for every request.

    Raises:
        SettingsError: libcurl cannot be used, or does not take the CA file or the proxy.
    """
    check_version()
    options: list[Option] = [
        (pycurl.NOSIGNAL, 1),  # signals and threads do not go together — curl.se/libcurl/c/threadsafe.html
        (pycurl.TCP_NODELAY, 1),
        (pycurl.TCP_KEEPALIVE, 1),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.CONNECTTIMEOUT_MS, max(1, round(settings.connect_timeout_s * 1000))),
        (pycurl.LOW_SPEED_LIMIT, LEAST_SPEED),
        # It wakes the drivers once a second, so that they look at the timeouts (stall.py), and is the last resort.
        (pycurl.LOW_SPEED_TIME, math.ceil(max(settings.first_byte_timeout_s, settings.idle_timeout_s))),
        (pycurl.BUFFERSIZE, RECEIVE_BUFFER_BYTES),
        (pycurl.UPLOAD_BUFFERSIZE, _UPLOAD_BUFFER_BYTES),
        (pycurl.USERAGENT, settings.user_agent),
        *trust(settings),
    ]
    if settings.attempt_timeout_s is not None:
        options.append((pycurl.TIMEOUT_MS, max(1, round(settings.attempt_timeout_s * 1000))))
    if settings.proxy is not None:
        options.append((pycurl.PROXY, settings.proxy))
    if settings.addresses is not None:
        options.append((pycurl.OPENSOCKETFUNCTION, Opener(settings.addresses)))  # the last one, see prepare
    trial = pycurl.Curl()
    for option, value in options:
        try:
            trial.setopt(option, value)
        except (pycurl.error, TypeError, ValueError, UnicodeError) as error:
            name = "the proxy" if option == pycurl.PROXY else f"option {option}"
            raise SettingsError(f"libcurl does not take {name}; look at the transport settings") from error
    trial.close()
    return tuple(options)


def trust(settings: TransportSettings) -> list[Option]:
    """Return the options that say whose certificates are trusted.

    Raises:
        SettingsError: the CA file cannot be read.
    """
    path = named_trust(settings.ca_file)
    if path is not None:
        return [(pycurl.CAPATH if os.path.isdir(path) else pycurl.CAINFO, path)]
    return [(pycurl.CAINFO, _public_authorities())]


def _public_authorities() -> str:
    """Return the file of certifi, if possible without its package, which takes 5 ms to load."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("certifi") if "certifi" not in sys.modules else None
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        file = os.path.join(folder, "cacert.pem")
        if os.path.isfile(file):
            return file
    import certifi

    return certifi.where()


class _Handle:
    """A handle, and what it is set up for. Attributes of pycurl's own object take 1 us each to read."""

    __slots__ = ("curl", "headers", "lines", "set_option", "shape", "signer")

    def __init__(self) -> None:
        self.curl = pycurl.Curl()
        self.set_option = self.curl.setopt
        self.shape: Shape | None = None
        self.signer: Signer | None = None
        """One for each shape, since it keeps what it made of their headers."""
        self.headers: Headers | None = None
        """Those of the last request, if nothing was added to them but a signature."""
        self.lines: list[str | bytes] = []
        """What they are to libcurl."""


class Handles:
    """The idle handles of one multi, by the shape of the requests that they are set up for.

    What is the same for all requests of a shape is set once (5 us of 40 otherwise). Not thread-safe.
    """

    __slots__ = ("_idle", "_options")

    def __init__(self, options: tuple[Option, ...]) -> None:
        """Make handles with the *options*."""
        self._options = options
        self._idle: dict[Shape, list[_Handle]] = {}

    def take(self, attempt: Attempt) -> pycurl.Curl:
        """Return a handle that is set up to send *attempt*; its connections are those of the multi that it is added to.

        Raises:
            IntegrityError: the source of the body cannot be read any more.
            NotSupportedError: a header would break the message.
        """
        request, authorisation, options = attempt.request, attempt.authorisation, self._options
        shape = (request.method, type(request.body), request.idempotent)
        idle = self._idle.get(shape)
        attempt.setup = known = idle.pop() if idle else _Handle()
        set_option = known.set_option
        try:
            # Of a request of the same shape everything that differs is set below; the rest may stay.
            if known.shape is None:
                _set_shape(known.curl, request, options)
                known.shape, known.headers = shape, None
            if attempt.patience_s is not None:  # of a repeat, so seldom
                _limit_connecting(known.curl, attempt.patience_s, options)
                known.shape = None  # the next request has its own
            if options[-1][0] == pycurl.OPENSOCKETFUNCTION:
                set_option(pycurl.OPENSOCKETFUNCTION, cast(Opener, options[-1][1]).of(attempt))
            set_option(
                pycurl.URL, _with_query(request.url, authorisation.query) if authorisation.query else request.url
            )
            set_option(pycurl.HEADERFUNCTION, attempt.head.append)
            set_option(pycurl.WRITEFUNCTION, attempt.collect if request.sink is None else attempt.write)
            fresh = known.headers is not attempt.headers or request.body is not None or bool(authorisation.headers)
            if fresh:  # they hold tokens: no local variable does, since a traceback may show those
                known.lines = _lines_of(known.curl, attempt, (*attempt.headers, *authorisation.headers))
                known.headers = None if authorisation.headers else attempt.headers
            if authorisation.signing is not None:
                signer = known.signer
                if signer is None or signer.signing is not authorisation.signing:
                    signer = known.signer = Signer(authorisation.signing)
                set_option(pycurl.HTTPHEADER, known.lines + signer.lines(attempt))
            elif fresh and known.lines:
                set_option(pycurl.HTTPHEADER, known.lines)
            elif fresh:
                known.curl.unsetopt(pycurl.HTTPHEADER)  # pycurl ignores an empty list: the last ones would go out
        except BaseException:
            known.curl.close()
            raise
        return known.curl

    def give(self, handle: pycurl.Curl, attempt: Attempt) -> None:
        """Take back a *handle* that has been removed from its multi, and release large bodies that it holds."""
        known: _Handle = attempt.setup
        shape = known.shape
        if shape is None:
            handle.close()
            return
        body = attempt.request.body
        sent = 0 if body is None else len(body) if type(body) is bytes else attempt.size
        if sent > KEPT_BODY_BYTES or attempt.taken + attempt.collected > KEPT_BODY_BYTES:
            handle.setopt(pycurl.WRITEFUNCTION, _ignore)
            if shape[1] is BodySlice:
                handle.setopt(pycurl.READFUNCTION, _ignore)
                handle.setopt(pycurl.SEEKFUNCTION, _ignore)
            elif shape[1] is bytes:
                handle.setopt(pycurl.POSTFIELDS, b"")
        idle = self._idle.get(shape)
        if idle is None:
            self._idle[shape] = [known]
        else:
            idle.append(known)

    def close(self) -> None:
        """Close the idle handles."""
        for handles in self._idle.values():
            while handles:
                handles.pop().curl.close()


def _limit_connecting(handle: pycurl.Curl, patience_s: float, options: tuple[Option, ...]) -> None:
    limit_ms = next(int(str(value)) for option, value in options if option == pycurl.CONNECTTIMEOUT_MS)
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, min(limit_ms, round(1000 * patience_s))))


def _ignore(*_: object) -> None:
    """Stand in for the callbacks of a transfer that has ended."""


def was_repeated(handle: pycurl.Curl, attempt: Attempt) -> int:
    """Return how often libcurl resent a write on its own, because a kept-alive connection closed before a response.

    It does so on a new connection or on another idle one. It reports how many bytes it sent in all; twice what
    the request surely has means twice the request.
    """
    request, authorisation = attempt.request, attempt.authorisation
    if request.method not in WITH_BODY:
        return 0
    sent = int(handle.getinfo(pycurl.REQUEST_SIZE))
    least = attempt.size + len(request.url) + len(authorisation.query) + _ADDED_BYTES
    if sent < 2 * least:  # without the headers: enough for most bodies
        return 0
    for name, value in (*attempt.headers, *authorisation.headers):
        least += len(name) + len(value) + 4
    signing = authorisation.signing
    if signing is not None:
        least += _SIGNED_BYTES + len(signing.access_key_id) + len(signing.region)
    return max(0, sent // least - 1)


def _set_shape(handle: pycurl.Curl, request: Request, options: tuple[Option, ...]) -> None:
    handle.reset()
    for option, value in options:
        handle.setopt(option, value)
    method = request.method
    handle.setopt(pycurl.PATH_AS_IS, 1)
    if type(request.body) is BodySlice:
        handle.setopt(pycurl.UPLOAD, 1)
    if method == "HEAD":
        handle.setopt(pycurl.NOBODY, 1)
    elif method != "GET" or request.body is not None:
        handle.setopt(pycurl.CUSTOMREQUEST, method)
    if not request.idempotent:
        # libcurl resends a request that an idle connection lost; on a new connection it does not.
        handle.setopt(pycurl.FRESH_CONNECT, 1)


def _with_query(url: str, query: str) -> str:
    return Masked(f"{url}{'&' if '?' in url else '?'}{query}")


def _lines_of(handle: pycurl.Curl, attempt: Attempt, headers: Headers) -> list[str | bytes]:
    """Return the headers as lines, after setting the body that some of them follow from."""
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers]
    method, body = attempt.request.method, attempt.request.body
    if isinstance(body, BodySlice):
        attempt.open()
        handle.setopt(pycurl.INFILESIZE_LARGE, body.size)
        handle.setopt(pycurl.READFUNCTION, attempt.read)
        handle.setopt(pycurl.SEEKFUNCTION, attempt.seek)
        lines.append("Expect:")  # R2 documents 100-continue as unsupported — developers.cloudflare.com/r2/api/s3/api
    elif body is not None or method in WITH_BODY:
        handle.setopt(pycurl.POSTFIELDS, body or b"")  # an empty body announces its length: S3 answers 411 otherwise
        lines.append("Expect:")
        for name, _ in headers:
            if name == "Content-Type" or name.lower() == "content-type":
                break
        else:
            lines.append("Content-Type:")  # else libcurl says that it is a form
    text = "\n".join(lines)
    if text.count("\n") != len(lines) - 1 + (not lines) or "\r" in text or "\0" in text:
        name = next(name for name, value in headers if _BREAKS.search(name + value))
        del headers, lines, text  # they hold tokens, which a traceback with locals would show
        raise NotSupportedError(f"the header {name[:40]!r} would hold a line break; give its text on one line")
    return list(lines) if text.isascii() else [line.encode() for line in lines]
