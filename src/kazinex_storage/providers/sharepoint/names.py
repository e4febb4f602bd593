"""Keys as names that SharePoint holds: a reversible spelling that people can read. Pure.

What SharePoint forbids is written as ``=`` and the two hexadecimal digits of each UTF-8 byte; everything else, case
and spaces and ``#`` and ``%`` and ``=`` itself, stays as it is, except a ``=`` that would read as such an escape.

    encode_key("Plans #2/Grundriß 1:50?.pdf") == "Plans #2/Grundriß 1=3A50=3F.pdf"

A *path* here is names separated by slashes, not percent-encoded: URLs are made of it elsewhere.
"""

from __future__ import annotations

import re
from typing import Final

from ...caseless import fold as fold
from ...errors import InvalidKeyError
from ...keys import ObjectKey
from ...lazy import regex

# What is forbidden, unless another source is named: "Restrictions and limitations in OneDrive and SharePoint",
# support.microsoft.com, article 64883a5d-228e-48f5-b3d2-eb39e07630fa (read 2026-08).

# The page counts "characters"; .NET and SQL Server (nvarchar) count UTF-16 units. No character has fewer than one, so
# what fits in units fits in characters.
MAX_SEGMENT_UNITS: Final = 255
"""UTF-16 units in the name of one file or folder."""

MAX_PATH_UNITS: Final = 400
"""UTF-16 units in a whole path, not percent-encoded, from the slash after the host to the end of the file name."""

# Devices with an extension are not on the page, but Graph answers invalidRequest to CON.txt (abraunegg/onedrive pull
# request 3661); Windows ignores spaces before the dot as well.
_DEVICE: Final = r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?=[ ]*(?:\.|\Z))"

# Control characters with DEL and C1: no documentation, rclone escapes C0 and DEL here. Edges: the page says spaces and
# Graph says dots at the end; .NET trims every white space, and a name that comes back trimmed would be another key.
# Tilde: the page forbids "~$", and "~" in folders; learn.microsoft.com/graph/onedrive-addressing-driveitems forbids
# it in files as well. The "=" is escaped where two hexadecimal digits follow, in either case: the service folds case.
_FOREIGN: Final = regex(
    rf"""
    ["*:<>?/\\|\x00-\x1f\x7f-\x9f]
    | \A[\s~] | [\s.]\Z
    | _(?=vti_)
    | \A(?:(?={_DEVICE})|(?=\.lock\Z)|(?=desktop\.ini\Z)).
    | =(?=[0-9A-F]{{2}})
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Hidden, made by the service at the root of each library; the page forbids it there and nowhere else.
_FORMS: Final = regex("forms", re.IGNORECASE)
_ESCAPE: Final = regex("(?:=[0-9A-F]{2})+")


def encode_segment(name: str) -> str:
    """Return how the service spells one segment of a key; the result has no slash."""
    return _FOREIGN.sub(_escaped, name)


def encode_key(key: str, *, at_library_root: bool = True) -> str:
    """Return the path of *key*, with as many segments. It may be too long: see ``check``.

    Args:
        key: the key.
        at_library_root: whether the first segment lies in the library itself, not in a root folder below it.
    """
    return "/".join(_encoded(key.split("/"), at_library_root))


def decode_path(path: str, *, at_library_root: bool = True) -> ObjectKey | None:
    """Return the key whose path is *path*; None when no key has it, because another program chose a name in it.

    Never raises, whatever *path* is, and ``encode_key`` undoes it. Names that this module would spell differently
    (``a=3D.pdf``, a superfluous escape), names that are not NFC, and the service's own ``Forms`` are None.
    """
    try:
        key = ObjectKey("/".join(_ESCAPE.sub(_unescaped, name) for name in path.split("/")))
    except (UnicodeDecodeError, InvalidKeyError):
        return None
    return key if encode_key(key, at_library_root=at_library_root) == path else None


def text_of(path: str) -> str:
    """Return what to show for *path*, which no key is spelt as, instead of a key: decoded where the spelling is ours.

    It is for people, and to make a key of; never raises.
    """
    return "/".join(map(_text_of, path.split("/")))


def is_forms(path: str) -> bool:
    """Say whether *path*, of the library itself, is the service's own ``Forms`` or in it."""
    return _FORMS.fullmatch(path.partition("/")[0]) is not None


def folder_of(prefix: str, *, at_library_root: bool = True) -> str:
    """Return the path of the folder that holds every key that begins with *prefix*; empty for the root.

    A spelling depends on how its segment continues, so only whole segments can be spelt: list that folder and keep
    what begins with *prefix* once decoded.
    """
    closed = prefix.split("/")[:-1]
    return "/".join(_encoded(closed, at_library_root)) if closed else ""


def check(path: str, *, library: str, folder: str = "", key: str | None = None) -> None:
    """Refuse a path that is too long for SharePoint.

    Args:
        path: the path below *folder*, from ``encode_key``.
        library: the path of the library's URL without the host, not percent-encoded: ``/sites/a/Shared Documents``.
        folder: the path of the root folder below the library.
        key: what the path was made from, for the error.

    Raises:
        InvalidKeyError: one name, or the whole path with library and folder, is too long.
    """
    for name in path.split("/"):
        if (size := _units(name)) > MAX_SEGMENT_UNITS:
            raise InvalidKeyError(
                f"SharePoint holds names of at most {MAX_SEGMENT_UNITS} characters, and {name[:40]!r}... takes {size}; "
                "shorten that part of the key",
                key=key,
            )
    above = "".join(f"/{part}" for part in (library.strip("/"), folder.strip("/")) if part)
    size = _units(f"{above}/{path}")
    if size > MAX_PATH_UNITS:
        raise InvalidKeyError(
            f"SharePoint holds paths of at most {MAX_PATH_UNITS} characters; this one has {size}, of them "
            f"{_units(above)} of the site, the library and the root folder; shorten the key, or use a root nearer to "
            "the site",
            key=key,
        )


def collide(one: str, other: str) -> bool:
    """Say whether two different names, or paths, are one to the service, which ignores case."""
    return one != other and fold(one) == fold(other)


def _text_of(name: str) -> str:
    try:
        text = _ESCAPE.sub(_unescaped, name)
    except UnicodeDecodeError:
        return name
    return text if "/" not in text and encode_segment(text) == name else name


def _encoded(names: list[str], at_library_root: bool) -> list[str]:
    encoded = [encode_segment(name) for name in names]
    if at_library_root and _FORMS.fullmatch(names[0]):
        encoded[0] = _hexadecimal(names[0][0]) + names[0][1:]
    return encoded


def _escaped(match: re.Match[str]) -> str:
    return _hexadecimal(match[0])


def _hexadecimal(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("=", "")).decode()


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
