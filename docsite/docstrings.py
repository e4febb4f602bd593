"""Docstrings in the style of Google, as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator

Link = Callable[[str], str]
"""Returns the Markdown of a name: a link where the reference has it."""

_SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Example|Examples|Attributes):$")
_ENTRY = re.compile(r"^([\w*`., ]+?):\s+(.*)", re.DOTALL)
_CODE = re.compile(r"``([^`]+)``")
_TITLES = {
    "Args": "Parameters",
    "Raises": "Raises",
    "Returns": "Returns",
    "Yields": "Yields",
    "Attributes": "Attributes",
}


def markdown(docstring: str | None, link: Link) -> Iterator[str]:
    """Yield the lines of *docstring* as Markdown."""
    title, lines = "", list[str]()
    for line in [*inspect.cleandoc(docstring or "").splitlines(), "Returns:"]:
        found = _SECTION.match(line)
        if found is None:
            lines.append(line)
            continue
        yield from _section(title, lines, link)
        title, lines = found[1], []


def prose(text: str) -> str:
    """Return text of a docstring as Markdown that shows the same."""
    parts = _CODE.split(text)
    parts[::2] = [re.sub(r"(?<!\w)_(?=\w)|\[|\]", r"\\\g<0>", part.replace("<", "&lt;")) for part in parts[::2]]
    return "".join(f"`{part}`" if at % 2 else part for at, part in enumerate(parts))


def summary(docstring: str | None) -> str:
    """Return the first sentence, on one line."""
    first = inspect.cleandoc(docstring or "").partition("\n\n")[0]
    return prose(" ".join(first.split()))


def _section(title: str, lines: list[str], link: Link) -> Iterator[str]:
    text = inspect.cleandoc("\n".join(["", *lines])).strip()
    if not text:
        return
    if title.startswith("Example"):
        yield from ("**Example**", "", "```pycon", text, "```", "")
    elif not title:
        yield from (*_paragraphs(text), "")
    else:
        yield from (f"**{_TITLES[title]}**", "")
        yield from (f"- {_entry(entry, link)}" for entry in re.split(r"\n(?=\S)", text))
        yield ""


def _entry(text: str, link: Link) -> str:
    found = _ENTRY.match(text)
    if found is None:
        return prose(" ".join(text.split()))
    names = ", ".join(link(name.strip("`* ")) for name in found[1].split(","))
    return f"{names}: {prose(' '.join(found[2].split()))}"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the text with its blocks of code, which are indented or begin with three angle brackets."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text)):
        if number:
            yield ""
        if paragraph.lstrip().startswith(">>>"):
            yield from ("```pycon", inspect.cleandoc(paragraph), "```")
        elif paragraph.startswith("    "):
            yield from ("```text", inspect.cleandoc(paragraph), "```")
        else:
            yield from prose(paragraph).splitlines()
