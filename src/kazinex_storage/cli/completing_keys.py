"""What shells complete of remote operands: organisations, projects, documents, revisions and files, keys behind URLs.

What the register of the catalogue knows costs a query. Only keys that it does not know, and those behind URLs, are
asked of their provider, for a second at most; when that is over, nothing is offered.
"""

from __future__ import annotations

import os
from _thread import start_new_thread
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from ..keys import DocumentKey
from ..providers.settings.environment import completed_words
from ..types import Folder
from .command import RunningCommand
from .completing import from_catalogue, has_catalogue, offered, organisations
from .operands import RemoteOperand, is_url, parse_remote
from .output import Output
from .places import open_place

if TYPE_CHECKING:
    from ..documents.listing import RevisionListing
    from ..organisations import Organisations

_PATIENCE_S: Final = 1.0
"""How long a provider is waited for."""

# In the order of letters of identifiers the first one.
_FIRST: Final = "-"


def remote(incomplete: str) -> list[str]:
    """Return the operands that *incomplete* may become; what is a folder ends with a slash."""
    before = _broken_off(incomplete)
    text = before + incomplete
    found = offered(lambda: _remote(text), text)
    if len(found) == 1 and found[0].endswith("/") and found[0] != text:
        found += offered(lambda: _remote(found[0]), found[0])  # a shell puts a blank behind the only one
    return [name.removeprefix(before) for name in found]


def _broken_off(incomplete: str) -> str:
    """Return what bash has cut off: to it a colon ends a word, so of ``r2://plans`` it gives ``//plans`` alone."""
    words = completed_words() or []
    if not incomplete.startswith("//") or words[-1:] != [incomplete] or words[-2:-1] != [":"]:
        return ""
    return f"{words[-3]}:" if len(words) > 2 else ""


def _remote(text: str) -> Iterable[str]:
    if not is_url(text) and "/" not in text:
        return [f"{name}/" for name in organisations(text)]
    whole, _, begun = text.rpartition("/")
    operand = parse_remote(f"{whole}/")
    begin = text.removesuffix(begun)
    if operand.organisation is not None:
        known = from_catalogue(lambda found: _recorded(found, operand))
        if known or not has_catalogue():
            return [begin + name for name in known]
    return [begin + name for name in _listed(operand, begun)]


def _recorded(found: Organisations, operand: RemoteOperand) -> list[str]:
    """Return the names one level below *operand* that the register knows."""
    listing: RevisionListing | None = getattr(found.catalogue, "listing", None)
    if listing is None:
        return []
    organisation, segments = operand.place, operand.key.split("/") if operand.key else []
    match segments:
        case []:
            return [f"{summary.project}/" for summary in listing.projects(organisation)]
        case [project]:
            return [f"{summary.document}/" for summary in listing.documents(organisation, project, limit=1000)]
        case [project, document, *rest]:
            after = DocumentKey(organisation, project, document, _FIRST, _FIRST)
            keys = [
                record.document
                for record in listing.records(organisation, project=project, after=after, limit=200)
                if record.removal is None and record.document.document == document
            ]
            if not rest:
                return [f"{key.revision}/" for key in keys]
            return [key.filename for key in keys if [key.revision] == rest]
    return []


def _listed(operand: RemoteOperand, begun: str) -> list[str]:
    """Return the names one level below *operand* that begin with *begun*, as its provider lists them in time."""
    answer: SimpleQueue[list[str]] = SimpleQueue()
    command = RunningCommand(Output(quiet=True))

    def ask() -> None:
        try:
            prefix = operand.prefix
            listed = open_place(command, operand).scan(prefix + begun, recursive=False)
            answer.put([(one.prefix if isinstance(one, Folder) else one.key).removeprefix(prefix) for one in listed])
        except Exception:  # as in ``offered``
            answer.put([])

    start_new_thread(ask, ())
    try:
        found = answer.get(timeout=_PATIENCE_S)
    except Empty:
        if completed_words() is not None:
            os._exit(0)  # an ordinary end would wait for the answer
        return []
    command.close()
    return found
