"""Text in headers: as it is where headers carry it, else as the encoded words of RFC 2047. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ...lazy import module, regex

if TYPE_CHECKING:
    import base64
else:
    base64 = module(__name__, "base64")


_PRINTABLE: Final = regex(r"[!-~](?:[ -~]*[!-~])?")
_WORD: Final = regex(r"=\?utf-8\?([bq])\?([^? ]*)\?=", re.IGNORECASE)
# RFC 2047, 2: a word has at most 75 characters; 45 bytes take 60 in base64.
_WORD_BYTES: Final = 45


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
        words.append(f"=?UTF-8?B?{base64.b64encode(rest[:end].encode()).decode()}?=")
        rest = rest[end:]
    return " ".join(words)


def decode_text(value: str) -> str:
    """Return the text that *value*, from a header, stands for; malformed words stay as they are.

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
    except ValueError:
        return value


def _utf8(value: str) -> str:
    try:
        return value.encode("iso-8859-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        return base64.b64decode(text, validate=True)
    from quopri import decodestring

    return decodestring(text.replace("_", " "), header=False)
