"""Responses of Django: problem details, and the bytes of an object as they come from its provider, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from ..errors import StorageError
from ..json_text import write_json
from ..serving.downloads import Answer
from ..serving.problems import MEDIA_TYPE, Problem, ProblemError, problem_of
from ..serving.windows import LOCAL
from ..storage.reading import RangeReader
from ..storage.sync import Storage


def problem_response(error: StorageError | ProblemError, *, manager: bool = False) -> HttpResponse:
    """Return *error* as problem details; what only those who manage providers can mend is told to a *manager* alone."""
    if isinstance(error, ProblemError):
        return _sent(error.problem)
    return _sent(problem_of(error, manager=manager, of_files=True))


def answer_response(found: Answer) -> HttpResponseBase:
    """Return *found* as a response that streams; its first piece is read already.

    Raises:
        StorageError: it could not be read.
    """
    if found.problem is not None:
        response: HttpResponseBase = _sent(found.problem)
    elif found.reader is None:
        response = HttpResponse(status=found.status)
        del response.headers["Content-Type"]
    else:
        pieces = _pieces(found.opening.storage, found.reader)
        first = next(pieces, b"")  # what fails at once is still an error of the view
        response = StreamingHttpResponse(chain((first,), pieces), status=found.status)
    for header, text in found.headers.items():
        response.headers[header] = text
    return response


def _sent(problem: Problem) -> HttpResponse:
    return HttpResponse(
        write_json(problem.document), status=problem.status, content_type=MEDIA_TYPE, headers=problem.headers
    )


def _pieces(storage: Storage, reader: RangeReader) -> Iterator[bytes]:
    while piece := storage.transport.run(reader.next(LOCAL)):
        yield piece
