"""``python -m docsite.troubleshooting > docs/troubleshooting.md``: what a verification prints, and what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from kazinex_storage.registry import default_registry

from .diagnoses import Section, Symptom, sections

_HEAD = """\
# Troubleshooting: what a verification says

Computed by `python -m docsite.troubleshooting` from the code that says it, with example names: every diagnosis that
`kazinex-storage provider verify`, *Test Connection* on the page and `verify()` can give, with what to do. Search for a
few words of what you were told, or look for what you see:

"""


def page() -> str:
    """Return the page."""
    found = list(sections())
    toc = (f"- [{section.title}](#{_anchor(section.title)}): {section.text}" for section in found)
    return _HEAD + "\n".join([*toc, "", *(line for section in found for line in _section(section))])


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {section.title}", "", section.text, "")
    for symptom in section.symptoms:
        yield from _symptom(symptom)


def _symptom(symptom: Symptom) -> Iterator[str]:
    yield from (f"### {symptom.title}", "")
    where = []
    if "" not in symptom.said:
        where.append(", ".join(_title(kind) for kind in symptom.said))
    if symptom.checks:
        where.append(f"check {' or '.join(f'`{check}`' for check in symptom.checks)}")
    if where:
        yield from ("; ".join(where), "")
    meanings: dict[str, dict[str, list[str]]] = {}
    for kind, said in symptom.said.items():
        meanings.setdefault(said.meaning, {}).setdefault(said.fix, []).append(_title(kind))
    several = len(meanings) > 1 or any(len(fixes) > 1 for fixes in meanings.values())
    for meaning, fixes in meanings.items():
        yield from (f"> {_plain(meaning)}", "")
        for fix, kinds in fixes.items():
            of = f" ({', '.join(kinds)})" if several else ""
            yield from (f"**Fix{of}:** {_plain(fix)}", "")


def _title(kind: str) -> str:
    return default_registry().get(kind).title if kind else ""


def _plain(text: str) -> str:
    """Return a message as Markdown that shows the same."""
    return re.sub(r"[*\[\]`]|\b_|_\b", r"\\\g<0>", text.replace("<", "&lt;"))


def _anchor(title: str) -> str:
    return "".join(each for each in title.lower() if each.isalnum() or each in "- ").replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(page())
