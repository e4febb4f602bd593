"""Patterns of ``glob``, matched in time that is linear in the name and in the pattern.

They mean what they mean in fsspec's ``glob_translate``, whose regular expression backtracks through every way to divide
a name among the stars: six stars and two hundred letters take minutes. Here a star takes the shortest text that lets
the rest match, and never backtracks. That finds every match, because the text between two stars has a fixed length, and
that between two ``**`` a fixed number of segments. A class never matches the slash: it is inside a segment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ..lazy import regex
from .upstream import glob_tokens

_STAR: Final = "[^/]*"
_ONE: Final = "[^/]"
# A bracket inside a class, which fsspec leaves as it is and Python warns about.
_BRACKET: Final = regex(r"(?<=.)(?<!\\)\[")
_ESCAPED: Final = r"\\["


def glob_matcher(pattern: str) -> Callable[[str], object]:
    """Return a function that says whether a whole name matches *pattern*.

    Raises:
        ValueError: ``**`` shares its segment with other characters.

    Example:
        >>> matches = glob_matcher("plans/**/*.pdf")
        >>> bool(matches("plans/a/b.pdf")), bool(matches("plans/b.pdf")), bool(matches("b.pdf"))
        (True, True, False)
    """
    return re.compile(f"(?s:{_translated(pattern)})\\Z").match


def _translated(pattern: str) -> str:
    parts = pattern.split("/")
    groups: list[list[str]] = [[]]
    for part in parts:
        if part != "**":
            groups[-1].append(_segment(part))
        elif len(groups) == 1 or groups[-1]:  # "**/**" is "**"
            groups.append([])
    first, *others = groups
    if not others:
        return "/".join(first)
    *middle, last = ("/".join(group) for group in others)
    begin = "".join(f"{segment}/" for segment in first)
    between = "".join(f"(?>(?:.+?/)??{group}/)" for group in middle)
    return begin + between + (".*" if parts[-1] == "**" else f"(?:.+/)?{last}")


def _segment(part: str) -> str:
    if part == "*":
        return "[^/]+"
    if "**" in part:
        raise ValueError("Invalid pattern: '**' can only be an entire path component")
    pieces = [""]
    for token in glob_tokens(part, _STAR, _ONE):
        if token is _STAR:
            pieces.append("")
        else:
            pieces[-1] += token if token is _ONE or token[0] not in "[." else f"(?!/){_BRACKET.sub(_ESCAPED, token)}"
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle) + _STAR + last
