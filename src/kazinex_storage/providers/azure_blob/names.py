"""Keys as Azure spells them, and names of metadata as C# identifiers: spellings that can be undone. Pure.

Azure drops dots at the end of a segment, so the last one is written ``=2E``; what ends so already gets one ``3D`` more.
Every other key is its own name.

    encode("plans/rev.") == "plans/rev=2E"; encode("plans/rev=2E") == "plans/rev=3D2E"
"""

from __future__ import annotations

import re
from typing import Final

from ...errors import InvalidKeyError
from ...keys import ObjectKey
from ..objectstore.key_codec import KeyCodec

# learn.microsoft.com/rest/api/storageservices/Naming-and-Referencing-Containers--Blobs--and-Metadata
MAX_NAME_CHARACTERS: Final = 1024
"""The longest name of a blob."""
MAX_SEGMENTS: Final = 254
"""The most that a name has between slashes."""

_ESCAPED: Final = re.compile(r"=(?P<more>(?:3D)*)2E\Z")
# What the end of a prefix may become in the name of a longer key.
_UNSURE: Final = re.compile(r"(?:\.|=(?:3D)*(?:3|2E?)?)\Z")
_FOREIGN: Final = re.compile(r"[^a-z0-9]|^[0-9]")
_NAME_ESCAPE: Final = re.compile(r"_([0-9a-f]{2})")


def codec_of(prefix: str) -> KeyCodec:
    """Return how the service spells keys below the *prefix* of the settings, which counts in the length of a name."""
    spelt = encode_prefix(prefix)

    def encode_below(key: str) -> str:
        return encode(prefix + key)[len(spelt) :]

    return KeyCodec(prefix=spelt, encode=encode_below, encode_prefix=encode_prefix, decode=decode)


def encode(key: str) -> str:
    """Return how the service spells *key*, the prefix of the settings included.

    Raises:
        InvalidKeyError: the service holds no such name.
    """
    name = encode_segments(key)
    if name.count("/") >= MAX_SEGMENTS:
        raise InvalidKeyError(f"Azure holds {MAX_SEGMENTS} segments between slashes; use fewer folders", key=key)
    if len(name.encode("utf-16-le")) // 2 > MAX_NAME_CHARACTERS:
        raise InvalidKeyError(f"Azure holds names of {MAX_NAME_CHARACTERS} characters; shorten the key", key=key)
    return name


def encode_segments(key: str) -> str:
    """Return the spelling of *key*, however long."""
    if "./" not in key and "=" not in key and not key.endswith("."):
        return key
    return "/".join(map(_spelt, key.split("/")))


def encode_prefix(prefix: str) -> str:
    """Return what the spellings of all keys begin with that begin with *prefix*; those of others may as well."""
    folders, slash, rest = prefix.rpartition("/")
    return encode_segments(folders) + slash + _UNSURE.sub("", rest)


def decode(name: str) -> str | None:
    """Return the key that is spelt *name*; None when no key is, because another program chose the name."""
    key = "/".join(map(_read, name.split("/"))) if "=" in name else name
    try:
        return key if ObjectKey(key) == key and encode_segments(key) == name else None
    except InvalidKeyError:
        return None


def encode_metadata_name(name: str) -> str:
    """Return *name* as a C# identifier: what is no lower-case letter or digit is ``_`` and two hexadecimal digits.

    Example:
        >>> encode_metadata_name("drawing-no"), encode_metadata_name("2nd")
        ('drawing_2dno', '_32nd')
    """
    return _FOREIGN.sub(lambda match: "".join(f"_{byte:02x}" for byte in match[0].encode()), name)


def decode_metadata_name(name: str) -> str:
    """Return the name that is written *name*, in any case; what we did not write stays as it is, in lower case."""
    lowered = name.lower()
    found = _NAME_ESCAPE.sub(lambda match: chr(int(match[1], 16)), lowered)
    return found if found.isascii() and encode_metadata_name(found) == lowered else lowered


def _spelt(segment: str) -> str:
    if segment.endswith("."):
        return f"{segment[:-1]}=2E"
    return _ESCAPED.sub(r"=3D\g<more>2E", segment)


def _read(segment: str) -> str:
    match = _ESCAPED.search(segment)
    if match is None:
        return segment
    return segment[: match.start()] + (f"={match['more'][2:]}2E" if match["more"] else ".")
