"""What GET and HEAD of a stored file are answered with: ranges, conditions, a name in any script, safe headers.

Under these headers a browser runs nothing of a document. The framework sends the bytes that the answer's reader yields;
a whole document is compared with what is known of it, and the last piece comes only if all are proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from ..documents.reading import Opening
from ..storage.disposition import attachment
from ..storage.reading import RangeReader
from ..types import WHOLE
from ..values import value
from .headers import API_HEADERS, entity_tag, media_type
from .problems import Problem
from .ranges import UnsatisfiableError, http_date, precondition, wanted

Disposition: TypeAlias = Literal["attachment", "inline"]
"""Whether a browser saves the file, or shows it if it is of a kind that holds no script."""

INLINE: Final = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "text/plain", "text/csv"}
)
"""What may be shown in the browser: nothing that can hold a script that runs with the rights of the page."""

_SANDBOX: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
# A sandbox keeps Chromium from opening its own viewer, which runs no script of the document in our origin.
_PDF: Final = "default-src 'none'; frame-ancestors 'none'; object-src 'self'"


@value
class Answer:
    """What a request is answered with."""

    opening: Opening
    status: int
    """That of HTTP."""
    headers: Mapping[str, str]
    reader: RangeReader | None = None
    """The body; None where there is none."""
    problem: Problem | None = None
    """What is sent instead, with *headers* besides its own."""


def answer(
    opening: Opening,
    filename: str,
    disposition: Disposition = "attachment",
    *,
    method: str,
    given: Mapping[str, str],
) -> Answer:
    """Answer a request by *method* for *opening*, saved as *filename*. Pure: reading begins with the first piece.

    Args:
        given: The headers of the request, by names in lower case or of any case. A POST is answered with the whole.
    """
    headers = _headers(opening, filename, disposition)
    etag, modified, size = headers.get("ETag"), opening.info.last_modified, opening.info.size
    condition = precondition(given, etag, modified)
    if condition == 412:
        changed = Problem(
            status=412, code="precondition_failed", detail="the file is not the version that If-Match names"
        )
        return Answer(opening=opening, status=412, headers={}, problem=changed)
    if condition == 304:
        return Answer(opening=opening, status=304, headers=headers)
    try:
        span = wanted(given, etag, modified, size) if method != "POST" else WHOLE
    except UnsatisfiableError as error:
        beyond = Problem(status=416, code="range_not_satisfiable", detail=str(error))
        return Answer(opening=opening, status=416, headers={"Content-Range": f"bytes */{size}"}, problem=beyond)
    if span == WHOLE:
        reader, status, length = opening.range_reader(), 200, size
    else:
        start, end = span.resolve(size)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        reader, status, length = opening.span_reader(span), 206, end - start
    headers["Content-Length"] = str(length)
    return Answer(opening=opening, status=status, headers=headers, reader=None if method == "HEAD" else reader)


def _headers(opening: Opening, filename: str, disposition: Disposition) -> dict[str, str]:
    info, kind = opening.info, media_type(opening.info.content_type)
    inline = disposition == "inline" and kind.partition(";")[0].strip().lower() in INLINE
    saved = attachment(filename)
    headers = {
        **API_HEADERS,
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "Content-Type": kind,
        "Content-Disposition": f"inline{saved.removeprefix('attachment')}" if inline else saved,
        "Content-Security-Policy": _PDF if inline and kind.startswith("application/pdf") else _SANDBOX,
    }
    if (tag := entity_tag(info.etag)) is not None:
        headers["ETag"] = tag
    if info.last_modified is not None:
        headers["Last-Modified"] = http_date(info.last_modified)
    return headers
