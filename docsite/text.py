"""Markdown as GitHub reads it, for a reader that is stricter: links, anchors, lists."""

from __future__ import annotations

import html
import itertools
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator

_FENCE = re.compile(r"^(```|~~~)")
_MARK = re.compile(r"^<!-- (run|run fresh|output|save [\w.]+) -->\n", re.MULTILINE)
_LINK = re.compile(r"(\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
_ITEM = re.compile(r"(?:\d+\.|[-*]) ")
_DROPPED = re.compile(r"[^\w\- ]")


def slugify(title: str, separator: str) -> str:
    """Return the anchor of a heading, as GitHub makes it, so that one link serves both."""
    return _DROPPED.sub("", unicodedata.normalize("NFC", title.lower())).replace(" ", separator)


def code(text: str) -> str:
    """Return *text* as code that can stand in a cell of a table."""
    return f"<code>{html.escape(text, quote=False).replace('|', '&#124;')}</code>"


def prose(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line with its end, and whether it is prose rather than part of a fenced block."""
    fenced = False
    for line in text.splitlines(keepends=True):
        fence = bool(_FENCE.match(line))
        yield line, not (fenced or fence)
        fenced ^= fence


def for_the_site(text: str, link: Callable[[str], str]) -> str:
    """Return the page as the site needs it: without the marks of the tests, its links sent through *link*."""
    lines, before = [], ""
    for line, plain in prose(_MARK.sub("", text)):
        if plain and _ITEM.match(line) and before.strip() and not _ITEM.match(before) and before[:1] not in " #":
            lines.append("\n")  # GitHub begins a list after a line of text
        lines.append(line)
        before = line
    return "".join(
        _LINK.sub(lambda found: found[1] + link(found[2]) + found[3], part) if plain else part
        for part, plain in _parts("".join(lines))
    )


def links(text: str) -> list[str]:
    """Return the target of every link, outside of blocks of code."""
    return [found[2] for part, plain in _parts(text) if plain for found in _LINK.finditer(part)]


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the lines of *text* that stand together, and whether they are prose: a link may go over two lines."""
    for plain, lines in itertools.groupby(prose(text), key=lambda found: found[1]):
        yield "".join(line for line, _ in lines), plain


def resolved(link: str, page: str) -> tuple[str, str] | None:
    """Return the file that a link of *page* names, from the root of the repository, and the anchor; None if it is far.

    Example:
        >>> resolved("../README.md#five-minutes", "docs/r2.md")
        ('README.md', '#five-minutes')
    """
    path, sign, anchor = link.partition("#")
    if "://" in link or link.startswith(("mailto:", "/")) or not path:
        return None
    folder = "/" if path.endswith("/") else ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) + folder, sign + anchor
