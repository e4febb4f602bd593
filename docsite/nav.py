"""The nav of the site: what stands in ``mkdocs.yml``, with its patterns replaced by the pages that they match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

Entry: TypeAlias = "str | dict[str, str | list[Entry]]"
"""A page, a page with a title, or a section."""


def expanded(nav: list[Entry], pages: Sequence[str]) -> list[Entry]:
    """Return *nav* with each pattern, such as ``adr/*.md``, replaced by the *pages* that it matches.

    A page that is named itself is not among them.
    """
    named = {page for page in listed(nav) if "*" not in page}
    return _expanded(nav, [page for page in pages if page not in named])


def listed(nav: list[Entry]) -> Iterator[str]:
    """Yield every page of *nav*, and every pattern."""
    for entry in nav:
        for value in [entry] if isinstance(entry, str) else entry.values():
            if isinstance(value, str):
                yield value
            else:
                yield from listed(value)


def _expanded(nav: list[Entry], pages: Sequence[str]) -> list[Entry]:
    made: list[Entry] = []
    for entry in nav:
        if isinstance(entry, dict):
            made.append(
                {title: value if isinstance(value, str) else _expanded(value, pages) for title, value in entry.items()}
            )
        elif "*" in entry:
            made.extend(page for page in pages if fnmatchcase(page, entry))
        else:
            made.append(entry)
    return made
