"""Which keys take part: patterns that include and exclude, with the meaning that they have in ``.gitignore``. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..errors import InvalidKeyError

_MOST: Final = 1024
"""Characters of a pattern, as of a key."""


class Selection:
    """Says which keys take part: those that are included, all if nothing is, without those that are excluded.

    ``*`` and ``?`` stand for characters of one name, ``**`` for any, ``[ab]`` for one of some. A pattern with a slash
    before its end begins at the top; one without matches a name at any depth. What is below a folder that matches
    matches as well; a pattern that ends with a slash means folders alone.

    Example:
        >>> selection = Selection(exclude=("*.tmp", "build/"))
        >>> [key for key in ("a.txt", "x/b.tmp", "build/c", "x/build") if selection.takes(key)]
        ['a.txt', 'x/build']
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        """Take part by these patterns.

        Raises:
            InvalidKeyError: one of them is empty, too long, or has a bracket that is not closed.
        """
        self._include = [_compiled(pattern) for pattern in include]
        self._exclude = [_compiled(pattern) for pattern in exclude]

    def takes(self, key: str) -> bool:
        """Say whether *key* takes part."""
        if self._include and not any(pattern.match(key) for pattern in self._include):
            return False
        return not any(pattern.match(key) for pattern in self._exclude)

    def excludes_folder(self, folder: str) -> bool:
        """Say whether nothing below *folder*, which has no slash at its end, takes part."""
        return any(pattern.match(f"{folder}/") for pattern in self._exclude)


def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.removeprefix("/")
    anchored = "/" in pattern.removesuffix("/")
    folder = text.endswith("/")
    text = text.removesuffix("/")
    if not text or len(text) > _MOST:
        raise InvalidKeyError(f"{pattern[:40]!r} is no pattern; give 1 to {_MOST} characters, such as '*.tmp'")
    end = "/" if folder else "(?:/|$)"
    try:
        return re.compile(f"(?s:{'' if anchored else '(?:.*/)?'}{_expression(text, pattern)}{end})")
    except re.error as error:
        raise InvalidKeyError(f"the pattern {pattern[:80]!r} has a range that is none; correct it") from error


def _expression(text: str, pattern: str) -> str:
    made, position = list[str](), 0
    while position < len(text):
        if text.startswith("**/", position):
            made.append("(?:.*/)?")
            position += 3
        elif text.startswith("**", position):
            made.append(".*")
            position += 2
        elif text[position] in "*?":
            made.append("[^/]*" if text[position] == "*" else "[^/]")
            position += 1
        elif text[position] == "[":
            end = text.find("]", position + 2)
            if end < 0:
                raise InvalidKeyError(f"the pattern {pattern[:80]!r} has a [ without its ]; close it, or write [[]")
            made.append(_class(text[position + 1 : end]))
            position = end + 1
        else:
            made.append(re.escape(text[position]))
            position += 1
    return "".join(made)


def _class(characters: str) -> str:
    negated = characters[0] in "!^" and len(characters) > 1
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", characters[1:] if negated else characters)
    return f"[{'^/' if negated else ''}{escaped}]"
