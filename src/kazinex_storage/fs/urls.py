"""URLs and paths of the file systems, as text: splitting them and joining them. No I/O.

A path is a URL without its scheme. Every character of a key means itself: nothing is percent-decoded, and ``#``
and ``?`` begin no fragment and no query. ``spaces.py`` says which storages a path leads to.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from ..errors import InvalidKeyError, InvalidUrlError
from ..keys import MAX_KEY_CHARACTERS, ObjectKey, check_identifier
from ..lazy import regex
from ..values import value

# Of a scheme and of the organisation, store or bucket before the key.
_SCHEME_CHARACTERS = 512

ORGANISATION_SCHEME = "kazinex"
"""``kazinex://organisation/project/...``"""


_DRIVE: Final = regex(r"[A-Za-z]:(/|$)")


@value
class Address:
    """A path whose first segment names a place: an organisation, a store."""

    place: str
    """1 to 128 of ``A-Z a-z 0-9 . _ -``."""
    key: str
    """A valid key, or empty for the place itself."""


def strip_scheme(url: str, scheme: str) -> str:
    """Return the path of *url*, which may be a path already: NFC, no scheme, no slash at the end.

    Stripping twice is the same as once, so a path cannot hide a second URL.

    Raises:
        InvalidUrlError: an empty segment, a leading slash, another scheme, or more text than any key has.

    Example:
        >>> strip_scheme("kazinex://org/project/100%/a?b#c.pdf", "kazinex")
        'org/project/100%/a?b#c.pdf'
    """
    if len(url) > MAX_KEY_CHARACTERS + _SCHEME_CHARACTERS:
        raise InvalidUrlError(f"{_shown(url)} has {len(url):,} characters, more than any key; shorten it")
    path = unicodedata.normalize("NFC", url).removeprefix(f"{scheme}://")
    if path == "/":
        return ""
    if path.endswith("//") and "://" not in path and path.strip("/"):
        path = path.rstrip("/")  # "a//" is the folder "a", as with fsspec
    if path.startswith("/"):
        raise InvalidUrlError(f"{_shown(url)} has a leading slash; a key has none, drop it")
    if "//" in path:
        raise InvalidUrlError(f"{_shown(url)} has an empty segment, or a scheme other than {scheme}://; correct it")
    return path.removesuffix("/")


def check_new_name(path: str) -> None:
    """Refuse to give an object a name that is more likely a mistake than intended.

    Objects that another tool named so can still be read and removed.

    Raises:
        InvalidUrlError: it begins with a drive letter, or a segment consists of blanks.
    """
    if _DRIVE.match(path):
        raise InvalidUrlError(f"{_shown(path)} is a Windows path; give the key below the root of the storage")
    if any(not segment.strip() for segment in path.split("/")):
        raise InvalidUrlError(f"{_shown(path)} has a segment that consists of blanks; correct it")


def parse_address(path: str, what: str, *, named: bool = False) -> Address:
    """Split a path whose first segment is the id of *what*, or, if *named*, any legal name.

    Raises:
        InvalidUrlError: the first segment is no id (user information and ports are not part of one), or the rest is
            no key.
    """
    place, _, key = path.partition("/")
    try:
        first = ObjectKey(place) if named else check_identifier(place, what)
        return Address(place=first, key=ObjectKey(key) if key else "")
    except InvalidKeyError as error:
        raise InvalidUrlError(f"{_shown(path)} cannot be opened: {error.message}") from error


def parse_url(url: str) -> Address:
    """Split ``kazinex://organisation/project/...``; the key begins with the project.

    Raises:
        InvalidUrlError: it is not such a URL, or it names something outside its organisation.

    Example:
        >>> parse_url("kazinex://org-1/bridge/DRG-0042/P01/Plan.pdf")
        Address(place='org-1', key='bridge/DRG-0042/P01/Plan.pdf')
    """
    address = parse_address(strip_scheme(url, ORGANISATION_SCHEME), "organisation")
    project_of(address)
    return address


def format_url(organisation: str, key: str) -> str:
    """Return the ``kazinex://`` URL of *key*, which begins with the project; the inverse of ``parse_url``.

    Raises:
        InvalidUrlError: the organisation, the project or the key is not legal.
    """
    address = parse_url(f"{organisation}/{key}")
    return f"{ORGANISATION_SCHEME}://{address.place}/{address.key}"


def project_of(address: Address) -> str | None:
    """Return the project that the key of *address* begins with; None for the organisation itself.

    Raises:
        InvalidUrlError: it is no id.
    """
    project = address.key.partition("/")[0]
    try:
        return check_identifier(project, "project") if project else None
    except InvalidKeyError as error:
        raise InvalidUrlError(
            f"{_shown(f'{address.place}/{address.key}')} cannot be opened: {error.message}"
        ) from error


def _shown(url: str) -> str:
    return repr(url if len(url) <= 200 else f"{url[:200]}...")
