"""Documents and folders as people name them: ``organisation/project/document/revision/filename``, or as a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidKeyError, NotFoundError
from ..keys import DocumentKey, ObjectKey, check_identifier
from .command import RunningCommand

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument


_SCHEME = "kazinex://"
_FORM = "organisation/project/document/revision[/filename]"
# Listing the revisions of a document needs the folder only, whatever its file is called.
_ANY_FILE = "-"


def url_of(document: DocumentKey) -> str:
    """Return the URL that ``fsspec.open`` takes."""
    return f"{_SCHEME}{document.build()}"


def parse_document(text: str, filename: str | None = None) -> DocumentKey:
    """Return the document that *text* names; *filename* is taken when *text* ends with the revision.

    Raises:
        InvalidKeyError: it names none.
    """
    segments = parse_path(text)
    if len(segments) == 4 and filename is not None:
        segments = (*segments, filename)
    if len(segments) != 5:
        raise InvalidKeyError(f"{text!r} has {len(segments)} parts and names no document; write {_FORM}")
    return DocumentKey(*segments)


def parse_path(text: str) -> tuple[str, ...]:
    """Return the segments of a path or URL, of which the first is the id of an organisation.

    Raises:
        InvalidKeyError: it is neither.
    """
    path = text.removeprefix(_SCHEME).removesuffix("/")
    if "://" in path:
        raise InvalidKeyError(f"{text!r} is no {_SCHEME} URL; write {_FORM}")
    segments = tuple(ObjectKey(path).split("/"))
    check_identifier(segments[0], "organisation")
    return segments


def find_document(command: RunningCommand, text: str) -> StoredDocument:
    """Return the receipt of the stored document that *text* names, with or without its file name.

    Raises:
        InvalidKeyError: it names none.
        NotFoundError: it is not stored.
    """
    key = parse_document(text, _ANY_FILE)
    if len(parse_path(text)) == 5:
        return command.documents.find(key)
    for found in command.documents.revisions(key):
        if found.document.revision == key.revision:
            return command.documents.find(found.document)
    raise NotFoundError(
        f"no provider of the organisation holds this revision; see kazinex-storage ls {key.document_prefix}",
        operation="find",
        key=key.revision_prefix,
    )
