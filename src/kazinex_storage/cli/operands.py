"""What the daily commands work on, as people write it; text only, nothing is asked. ``places.py`` opens it.

A *remote* operand is ``organisation/project/...``, with or without ``kazinex://``, or a URL of a kind, such as
``r2://bucket/key``; where a command takes either, only a URL is remote. All else is a *local* path. Every
character of a URL means itself: nothing is percent-decoded. A slash at the end means a folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeAlias

from ..errors import InvalidUrlError
from ..fs.urls import ORGANISATION_SCHEME, parse_address, project_of, strip_scheme
from ..keys import DocumentKey, is_revision
from ..values import value
from .exits import UsageError

_MAGIC: Final = "*?["


@value
class LocalOperand:
    """A path of this machine."""

    text: str
    """As it was written."""

    @property
    def path(self) -> Path:
        """The path."""
        return Path(self.text)

    @property
    def folder(self) -> bool:
        """Whether it ends with a slash, and so means what is in the folder."""
        return self.text.endswith(("/", os.sep))


@value
class RemoteOperand:
    """A key, a folder or a pattern of one place: of an organisation, or of the bucket of a URL."""

    text: str
    """As it was written."""
    scheme: str
    """``kazinex`` for an organisation."""
    place: str
    """The id of the organisation, or the bucket; empty where URLs name none (``kazinexlocal``)."""
    key: str
    """Below the place, legal; empty for all of it."""
    folder: bool
    """Whether it ends with a slash, and so means a folder."""

    @property
    def organisation(self) -> str | None:
        """The id of the organisation; None for a URL of another scheme."""
        return self.place if self.scheme == ORGANISATION_SCHEME else None

    @property
    def base(self) -> str:
        """What the names in this place begin with: ``acme/``, ``r2://plans/``."""
        begin = "" if self.organisation is not None else f"{self.scheme}://"
        return f"{begin}{self.place}/" if self.place else begin

    @property
    def name(self) -> str:
        """Its name for people, without a slash at the end; commands take it."""
        return f"{self.base}{self.key}".removesuffix("/") if self.key else self.base

    @property
    def prefix(self) -> str:
        """What the keys below this folder begin with; empty for the whole place."""
        return f"{self.key}/" if self.key else ""

    @property
    def is_pattern(self) -> bool:
        """Whether it may be a pattern: it is one unless an object or a folder has that very name."""
        return has_magic(self.key)

    @property
    def project(self) -> str | None:
        """The project, where an organisation and one of its projects are named."""
        return self.key.partition("/")[0] or None if self.organisation is not None else None

    @property
    def document(self) -> DocumentKey | None:
        """The document that is named with its file; None for all else."""
        return document_at(self, self.key)


Operand: TypeAlias = LocalOperand | RemoteOperand
"""What a command works on."""


def has_magic(text: str) -> bool:
    """Say whether *text* has a character that means something in patterns."""
    return any(character in _MAGIC for character in text)


def document_at(operand: RemoteOperand, key: str) -> DocumentKey | None:
    """Return the document whose file is at *key* of the place of *operand*; None for all else."""
    if operand.organisation is None or not is_revision(f"{operand.place}/{key}"):
        return None
    return DocumentKey.parse(f"{operand.place}/{key}")


def parse_remote(text: str) -> RemoteOperand:
    """Return what *text* names where a command takes only what is stored elsewhere.

    Raises:
        InvalidUrlError: it is no URL of ours and no ``organisation/project/...``.
        UsageError: it is a path of this machine.
    """
    scheme, mark, _ = text.partition("://")
    if not mark:
        if text.startswith(("/", "./", "../", "~", "\\")) or text in ("", ".", ".."):
            raise UsageError(f"{text!r} is a path of this machine; name organisation/project/... or a URL here")
        scheme = ORGANISATION_SCHEME
    what = "organisation" if scheme == ORGANISATION_SCHEME else _what(scheme)
    if shown(text) != text:
        raise InvalidUrlError(
            f"the {scheme}:// URL has something before an @, where credentials stand; leave it out, and set secrets as "
            "variables KAZINEX_STORAGE_<KIND>_<FIELD>"
        )
    path, folder = strip_scheme(text, scheme), text.endswith("/")
    if not what:
        key = parse_address(f"root/{path}", "root").key if path else ""
        return RemoteOperand(text=text, scheme=scheme, place="", key=key, folder=folder or not key)
    if not path:
        raise InvalidUrlError(f"{text!r} names no {what}; write {scheme}://{what}/...")
    address = parse_address(path, what, named=what == "library")
    if scheme == ORGANISATION_SCHEME and not has_magic(address.key.partition("/")[0]):
        project_of(address)
    return RemoteOperand(
        text=text, scheme=scheme, place=address.place, key=address.key, folder=folder or not address.key
    )


def parse_either(text: str) -> Operand:
    """Return what *text* names where a command takes both: a URL is remote, all else is a local path.

    Raises:
        InvalidUrlError: it begins with a scheme, and is no URL of ours.
        UsageError: it is empty.
    """
    if not text:
        raise UsageError("an empty path names nothing; '.' is the folder here")
    return parse_remote(text) if is_url(text) else LocalOperand(text=text)


def is_url(text: str) -> bool:
    """Say whether *text* begins with a scheme, as ``kazinex://`` does; a file of that name is ``./kazinex://...``."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and scheme.replace("+", "").replace("-", "").isalnum()


def shown(text: str) -> str:
    """Return *text* for messages: without what stands before an @ in the place of a URL, which may be a secret."""
    scheme, mark, rest = text.partition("://")
    place, slash, key = rest.partition("/")
    return f"{scheme}{mark}...@{place.rpartition('@')[2]}{slash}{key}" if mark and "@" in place else text


def _what(scheme: str) -> str:
    """Return what the first segment of URLs of *scheme* names; nothing where the whole is the key.

    Raises:
        InvalidUrlError: it is no scheme of ours.
    """
    from ..registry import default_registry

    try:
        place = default_registry().kind_of_scheme(scheme).place
    except InvalidUrlError as error:
        raise InvalidUrlError(f"{error.message}; documents are {ORGANISATION_SCHEME}://organisation/...") from error
    return "" if place in (None, "root") else place
