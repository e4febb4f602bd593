"""What statuses and libcurl's error codes mean to a retry. Numbers, so that nothing here loads libcurl.

The codes are those of curl.se/libcurl/c/libcurl-errors.html (read 2026-08); they never change.
"""

from __future__ import annotations

from typing import Final

from ..errors import SettingsError, StorageError, UnavailableError

RETRY_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which a repeat can help."""

CALLBACK_FAILED: Final = frozenset({23, 26, 42})
"""WRITE_ERROR, READ_ERROR, ABORTED_BY_CALLBACK: only our callbacks can cause them."""

WEIRD_SERVER_REPLY: Final = 8
"""What came is not HTTP."""

COULD_NOT_CONNECT: Final = 7
"""The connection was refused, or there is no route to the address: nothing was sent."""

TIMED_OUT: Final = 28
"""A time limit was reached, libcurl's or one of ours."""

SEND_ERROR: Final = 55
"""The server may have answered before it closed."""

_KINDS: Final = {
    1: "cut",  # UNSUPPORTED_PROTOCOL: not HTTP/1; the scheme of a URL of ours is always supported
    5: "dns",  # COULDNT_RESOLVE_PROXY
    6: "dns",  # COULDNT_RESOLVE_HOST
    7: "connect",  # COULDNT_CONNECT
    8: "cut",  # WEIRD_SERVER_REPLY
    16: "cut",  # HTTP2
    18: "cut",  # PARTIAL_FILE
    28: "timeout",  # OPERATION_TIMEDOUT
    35: "tls",  # SSL_CONNECT_ERROR: the handshake broke off, which a loaded server does
    52: "cut",  # GOT_NOTHING
    55: "cut",  # SEND_ERROR
    56: "cut",  # RECV_ERROR
    65: "cut",  # SEND_FAIL_REWIND
    81: "cut",  # AGAIN
    89: "connect",  # NO_CONNECTION_AVAILABLE
    97: "connect",  # PROXY
}
_SETTINGS: Final = frozenset({3, 4, 43, 48, 58, 59, 77})  # URL, features, options, certificates, CA file
_UNTRUSTED: Final = 60  # PEER_FAILED_VERIFICATION


def kind_of(code: int) -> str:
    """Say in one word what libcurl's error *code* means."""
    return "tls" if code == _UNTRUSTED else "settings" if code in _SETTINGS else _KINDS.get(code, "cut")


def is_passing(code: int) -> bool:
    """Say whether a repeat can help after *code*."""
    return code in _KINDS


def error_of(code: int, message: str, host: str, operation: str, attempts: int, seconds: float) -> StorageError:
    """Return the error for a request without a complete response after *attempts* and *seconds*."""
    times = f" ({attempts} attempt{'s' * (attempts > 1)} in {seconds:.0f} s)" if attempts > 1 or seconds >= 1 else ""
    if code in _SETTINGS:
        return SettingsError(
            f"{host} cannot be asked: {message}; look at the transport settings",
            operation=operation or None,
            code=kind_of(code),
        )
    advice = {
        "dns": "look at the host name and the name server",
        "connect": "look at the address, the firewall and the proxy",
        "timeout": "the server or the network is stalled, repeat later",
        "tls": "look at the server's certificate; a private one needs ca_file, or KAZINEX_STORAGE_CA_FILE",
    }.get(kind_of(code), "the connection broke off, repeat later")
    return UnavailableError(
        f"{host} could not be reached: {message}{times}; {advice}",
        operation=operation or None,
        code=kind_of(code),
        retryable=is_passing(code),
    )
