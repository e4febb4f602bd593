"""Keys as names of blobs, and names of metadata as C# identifiers: encodings that can be reversed. Pure.

Azure drops dots at the end of a segment, so the last dot is written ``=2E``; a segment that already ends like that gets
one more ``3D``. Every other key is its own name.

    encode("plans/rev.") == "plans/rev=2E"; encode("plans/rev=2E") == "plans/rev=3D2E"
"""

from __future__ import annotations

from typing import Final

from ...errors import InvalidKeyError
from ...keys import ObjectKey
from ...lazy import regex
from ..objectstore.key_codec import KeyCodec

# learn.microsoft.com/rest/api/storageservices/Naming-and-Referencing-Containers--Blobs--and-Metadata
MAX_NAME_CHARACTERS: Final = 1024
"""The longest name of a blob."""
MAX_SEGMENTS: Final = 254
"""How many segments a name may have between slashes."""

_ESCAPED: Final = regex(r"=(?P<more>(?:3D)*)2E\Z")
# The end of a prefix that may be encoded differently in the name of a longer key.
_UNSURE: Final = regex(r"(?:\.|=(?:3D)*(?:3|2E?)?)\Z")
_FOREIGN: Final = regex(r"[^a-z0-9]|^[0-9]")
_NAME_ESCAPE: Final = regex(r"_([0-9a-f]{2})")


def codec_of(prefix: str) -> KeyCodec:
    """Return the codec for keys below the *prefix* of the settings, which counts towards the length of a name."""
    encoded_prefix = encode_prefix(prefix)

    def encode_below(key: str) -> str:
        return encode(prefix + key)[len(encoded_prefix) :]

    return KeyCodec(prefix=encoded_prefix, encode=encode_below, encode_prefix=encode_prefix, decode=decode)


def encode(key: str) -> str:
    """Return the name of *key*, which includes the prefix of the settings.

    Raises:
        InvalidKeyError: the service cannot hold the name.
    """
    name = encode_segments(key)
    if name.count("/") >= MAX_SEGMENTS:
        raise InvalidKeyError(f"Azure holds {MAX_SEGMENTS} segments between slashes; use fewer folders", key=key)
    if len(name.encode("utf-16-le")) // 2 > MAX_NAME_CHARACTERS:
        raise InvalidKeyError(f"Azure holds names of {MAX_NAME_CHARACTERS} characters; shorten the key", key=key)
    return name


def encode_segments(key: str) -> str:
    """Return the name of *key*, however long."""
    if "./" not in key and "=" not in key and not key.endswith("."):
        return key
    return "/".join(map(_encoded, key.split("/")))


def encode_prefix(prefix: str) -> str:
    """Return what the names of all keys below *prefix* begin with; names of other keys may begin like that too."""
    folders, slash, rest = prefix.rpartition("/")
    return encode_segments(folders) + slash + _UNSURE.sub("", rest)


def decode(name: str) -> str | None:
    """Return the key with that *name*; None when there is none, because another program chose the name."""
    key = "/".join(map(_read, name.split("/"))) if "=" in name else name
    try:
        return key if ObjectKey(key) == key and encode_segments(key) == name else None
    except InvalidKeyError:
        return None


def encode_metadata_name(name: str) -> str:
    """Return *name* as a C# identifier: all but lower-case letters and digits become ``_`` and two hexadecimal digits.

    Example:
        >>> encode_metadata_name("drawing-no"), encode_metadata_name("2nd")
        ('drawing_2dno', '_32nd')
    """
    return _FOREIGN.sub(lambda match: "".join(f"_{byte:02x}" for byte in match[0].encode()), name)


def decode_metadata_name(name: str) -> str:
    """Undo ``encode_metadata_name``, in any letter case; names that it did not make are returned in lower case."""
    lowered = name.lower()
    found = _NAME_ESCAPE.sub(lambda match: chr(int(match[1], 16)), lowered)
    return found if found.isascii() and encode_metadata_name(found) == lowered else lowered


def _encoded(segment: str) -> str:
    if segment.endswith("."):
        return f"{segment[:-1]}=2E"
    return _ESCAPED.sub(r"=3D\g<more>2E", segment)


def _read(segment: str) -> str:
    match = _ESCAPED.search(segment)
    if match is None:
        return segment
    return segment[: match.start()] + (f"={match['more'][2:]}2E" if match["more"] else ".")
