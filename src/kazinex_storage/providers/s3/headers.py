"""What travels in headers beside the bytes: metadata in any language, versions, dates.

Headers are ASCII on every path that a signature survives, so other text is written as RFC 2047 words, which is what S3
itself answers for metadata that is not ASCII. Pure.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from quopri import decodestring
from typing import Final

from ...errors import NotSupportedError
from ...types import PutOptions

METADATA: Final = "x-amz-meta-"

SHA256: Final = "kazinex-sha256"
"""Metadata that holds the sha256 of the whole object, where it was known before the upload began."""

MARK: Final = "kazinex-write"
"""Metadata with a random mark of one write: a writer that lost the answer recognises its own object."""

DISPOSITION: Final = "kazinex-disposition"
"""Metadata that holds the content disposition where the service forgets it."""

_OURS: Final = frozenset({SHA256, MARK, DISPOSITION})
_TOKEN: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_PRINTABLE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_WORD: Final = re.compile(r"=\?utf-8\?([bq])\?([^? ]*)\?=", re.IGNORECASE)
# RFC 2047, 2: a word has at most 75 characters; 45 bytes are 60 of base64.
_WORD_BYTES: Final = 45
_MONTH_NAMES: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


def put_headers(
    options: PutOptions, sha256: str | None, mark: str | None, *, keeps_disposition: bool = True
) -> Iterator[tuple[str, str]]:
    """Yield the headers that an object keeps; a service that forgets the disposition gets it as metadata.

    Raises:
        NotSupportedError: a value cannot be sent.
    """
    if options.content_type is not None:
        yield "Content-Type", plain_header("content type", options.content_type)
    if options.content_disposition is not None:
        name = "Content-Disposition" if keeps_disposition else METADATA + DISPOSITION
        yield name, plain_header("content disposition", options.content_disposition)
    if options.cache_control is not None:
        yield "Cache-Control", plain_header("cache control", options.cache_control)
    for name, value in options.metadata.items():
        yield METADATA + _name(name), encode_text(value)
    if sha256 is not None:
        yield METADATA + SHA256, sha256
    if mark is not None:
        yield METADATA + MARK, mark


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata in *headers*, our own among it."""
    return {name[len(METADATA) :]: decode_text(value) for name, value in headers.items() if name.startswith(METADATA)}


def encode_text(text: str) -> str:
    """Return *text* as it is when a header carries it unchanged, else as RFC 2047 words.

    Example:
        >>> encode_text("plan"), encode_text("Müller")
        ('plan', '=?UTF-8?B?TcO8bGxlcg==?=')
    """
    if _PRINTABLE.fullmatch(text) and "=?" not in text:
        return text
    words, rest = [] if text else ["=?UTF-8?B??="], text  # SeaweedFS drops headers without a value
    while rest:
        end = len(rest)
        while len(rest[:end].encode()) > _WORD_BYTES:
            end = min(end - 1, _WORD_BYTES)
        words.append(f"=?UTF-8?B?{b64encode(rest[:end].encode()).decode()}?=")
        rest = rest[end:]
    return " ".join(words)


def decode_text(value: str) -> str:
    """Return the text that *value*, as it stood in a header, means; what is malformed stays as it is.

    Example:
        >>> decode_text("=?UTF-8?B?TcO8bGxlcg==?="), decode_text("=?UTF-8?Q?M=C3=BCller_1?="), decode_text("=?x")
        ('Müller', 'Müller 1', '=?x')
    """
    if "=?" not in value:
        return value if value.isascii() else _utf8(value)
    words = value.split(" ")
    found = [_WORD.fullmatch(word) for word in words]
    if not all(found):
        return value
    try:
        return b"".join(_word_bytes(match[1], match[2]) for match in found if match is not None).decode()
    except (UnicodeDecodeError, BadBase64, ValueError):
        return value


def etag_of(header: str | None) -> str | None:
    """Return the version mark without its quotes; a weak one keeps its ``W/``.

    Example:
        >>> etag_of('"abc"'), etag_of("abc"), etag_of(None)
        ('abc', 'abc', None)
    """
    return header.strip('"') if header else None


def quoted_etag(etag: str) -> str:
    """Return *etag* as ``If-Match`` wants it."""
    return etag if etag.startswith(('W/"', '"')) else f'"{etag}"'


def date_of(header: str | None) -> datetime | None:
    """Return the moment that an HTTP date means, None when there is none.

    Example:
        >>> date_of("Tue, 24 Nov 2026 03:28:56 GMT")
        datetime.datetime(2026, 11, 24, 3, 28, 56, tzinfo=datetime.timezone.utc)
    """
    if not header:
        return None
    # The one form that servers send (RFC 9110, 5.6.7); by hand it takes 1 us, by the library 6.
    if len(header) == 29 and header.endswith("GMT"):
        try:
            month = _MONTH_NAMES.index(header[8:11]) // 3 + 1
            day, year = int(header[5:7]), int(header[12:16])
            return datetime(year, month, day, int(header[17:19]), int(header[20:22]), int(header[23:25]), tzinfo=UTC)
        except ValueError:
            return None
    try:
        found = parsedate_to_datetime(header)
    except (ValueError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def base64_of(hexadecimal: str) -> str:
    """Return a digest as checksum headers want it."""
    return b64encode(bytes.fromhex(hexadecimal)).decode()


def plain_header(what: str, value: str) -> str:
    """Return *value*, the *what* of an object.

    Raises:
        NotSupportedError: no header carries it.
    """
    if not value.isascii() or not value.isprintable():
        raise NotSupportedError(
            f"the {what} holds characters that no header carries; write names in other scripts as "
            "filename*=UTF-8''percent-encoded (RFC 6266)"
        )
    return value


def _name(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name in _OURS:
        raise NotSupportedError(f"metadata cannot be named {name[:100]!r} here; use letters, digits, '-' and '_'")
    return name


def _utf8(value: str) -> str:
    try:
        return value.encode("iso-8859-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        return b64decode(text, validate=True)
    return decodestring(text.replace("_", " "), header=False)
