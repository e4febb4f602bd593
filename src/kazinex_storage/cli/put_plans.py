"""What a put would store where, checked before the first byte: names, clashes, rules of the place. No request."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import StorageError
from ..keys import DocumentKey, ObjectKey
from ..values import value
from .addresses import parse_document
from .batches import Problem, refuse_all
from .exits import UsageError
from .local_files import LocalFile, files_of
from .operands import RemoteOperand
from .places import Place, open_place

if TYPE_CHECKING:
    from ..types import PutOptions
    from .command import RunningCommand

STANDARD = "-"
"""Standard input or output."""


@value
class PutRequest:
    """What a command line says about a put."""

    files: tuple[str, ...]
    target: str
    recursive: bool = False
    content_type: str | None = None
    sha256: str | None = None
    force: bool = False
    skip_existing: bool = False
    dry_run: bool = False
    resume: bool = False


@value
class Upload:
    """One file, and where it goes."""

    file: LocalFile
    key: str
    """Below the place."""
    document: DocumentKey | None
    """The document that it becomes; None behind a URL."""
    name: str
    """Where it goes, for a person."""

    @property
    def fields(self) -> dict[str, object]:
        """How JSON names it."""
        return {"file": str(self.file.path), "target": self.name}


def open_place_for(command: RunningCommand, asked: PutRequest, target: RemoteOperand) -> tuple[Place, list[Upload]]:
    """Return where to store, and what goes where; everything is checked, and no request is made.

    Raises:
        UsageError: a file is missing; ``InvalidKeyError``: a name fits into no place.
        typer.Exit: several things are wrong, and were told.
    """
    into_folder = target.folder or asked.recursive or len(asked.files) > 1
    files, problems = list[LocalFile](), list[Problem]()
    for text in asked.files:
        try:
            if text == STANDARD:
                raise UsageError("standard input is put by itself: put - TARGET")
            for found in files_of(text, recursive=asked.recursive):
                if isinstance(found, LocalFile):
                    files.append(found)
                else:
                    command.out.note(f"{found.path} is left out: {found.reason}")
        except (UsageError, OSError) as error:
            problems.append((text, {"file": text}, error))
    uploads = list[Upload]()
    for file in files:
        try:
            uploads.append(upload_of(file, target, into_folder=into_folder))
        except StorageError as error:
            problems.append((str(file.path), {"file": str(file.path)}, error))
    problems += _clashes(uploads)
    if problems and asked.recursive and any(os.path.isdir(text) and not text.endswith("/") for text in asked.files):
        command.out.note("a folder is stored under its own name; with a slash at its end, what is in it is stored")
    refuse_all(command, problems)
    place = open_place(command, target)
    if len(uploads) > 1:  # a single one is refused when it is stored, and the audit knows
        refuse_all(command, _refusals(place, uploads, asked))
    return place, uploads


def upload_of(file: LocalFile, target: RemoteOperand, *, into_folder: bool) -> Upload:
    """Return where *file* goes: to the key of *target*, or below it.

    Raises:
        InvalidKeyError: there is no such key, or under an organisation it is no document.
    """
    key = str(ObjectKey(f"{target.prefix}{file.name}")) if into_folder else target.key
    document = None
    if target.organisation is not None:
        text = f"{target.place}/{key}"
        document = parse_document(text, None if into_folder else file.path.name)
        key = document.build().removeprefix(f"{target.place}/")
    return Upload(file=file, key=key, document=document, name=f"{target.base}{key}")


def _clashes(uploads: Iterable[Upload]) -> list[Problem]:
    """Return the files that would go where another one goes: a revision has one file."""
    taken: dict[str, Upload] = {}
    problems: list[Problem] = []
    for upload in uploads:
        place = upload.document.revision_prefix if upload.document is not None else upload.key
        first = taken.setdefault(place, upload)
        if first is not upload:
            what = "the revision has one file" if upload.document is not None else "a key has one object"
            reason = UsageError(f"{upload.file.path} and {first.file.path} both go to {place}: {what}; choose one")
            problems.append((str(upload.file.path), upload.fields, reason))
    return problems


def _refusals(place: Place, uploads: Iterable[Upload], asked: PutRequest) -> list[Problem]:
    """Return what the rules of the place do not allow by name or size."""
    problems: list[Problem] = []
    for upload in uploads:
        try:
            rules = place.writer(upload.key).operations.context.rules
            rules.admit(ObjectKey(upload.key), put_options(asked, place))
            if upload.file.size is not None:
                rules.check_size(upload.file.size)
        except StorageError as error:
            problems.append((str(upload.file.path), upload.fields, error))
    return problems


def put_options(asked: PutRequest, place: Place) -> PutOptions:
    """Return how an object is written: nothing is replaced but by ``--force``, and no document ever."""
    from ..types import PutMode, PutOptions

    replace = asked.force and place.operand.organisation is None
    return PutOptions(mode=PutMode.REPLACE if replace else PutMode.CREATE, content_type=asked.content_type)
