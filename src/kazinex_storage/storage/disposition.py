"""The content disposition under which a browser saves a file, in any script (RFC 6266, RFC 8187). Pure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ..lazy import module

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = module(__name__, "urllib.parse")


# RFC 8187, 3.2.1: what needs no escaping in an extended value.
# A name of 255 bytes is the most that file systems hold; decomposing takes the square of a run of marks.
_MAX_CHARACTERS = 1_024

_SAFE = "!#$&+-.^_`|~"


def attachment(filename: str) -> str:
    """Return the header that makes a browser save a body as *filename*; ASCII, whatever the script.

    Old clients get a name in ASCII, all others the real one.

    Raises:
        ValueError: the name is empty, or longer than any.

    Example:
        >>> print(attachment("Plan.pdf"))
        attachment; filename="Plan.pdf"
        >>> print(attachment('Grundriß "A".pdf'))
        attachment; filename="Grundri_ _A_.pdf"; filename*=UTF-8''Grundri%C3%9F%20%22A%22.pdf
    """
    return _header("attachment", filename)


def inline(filename: str) -> str:
    """Return the header that makes a browser show a body, and call it *filename* when it is saved; see ``attachment``.

    Raises:
        ValueError: the name is empty, or longer than any.

    Example:
        >>> print(inline("Plan.pdf"))
        inline; filename="Plan.pdf"
    """
    return _header("inline", filename)


def _header(kind: str, filename: str) -> str:
    if not filename:
        raise ValueError("a file name has at least one character")
    if len(filename) > _MAX_CHARACTERS:  # which would take for ever to decompose
        raise ValueError(f"a file name has at most {_MAX_CHARACTERS} characters, this one has {len(filename):,}")
    folded = unicodedata.normalize("NFKD", filename)
    plain = "".join(
        sign if " " <= sign <= "~" and sign not in '"\\%/' else "_"
        for sign in folded
        if not unicodedata.combining(sign)
    )
    if plain == filename:
        return f'{kind}; filename="{plain}"'
    encoded = parse.quote(filename.encode("utf-8", "replace"), safe=_SAFE)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
