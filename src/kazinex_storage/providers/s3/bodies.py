"""Bodies that go out in one request; ``_internal/sending.py`` is for those that go out in parts."""

from __future__ import annotations

from ..._internal.sending import BUDGET
from ...source import Source


def read_whole(source: Source) -> bytes:
    """Return the whole body, which holds room in the budget.

    Raises:
        IntegrityError: from the source.
        TransferCancelled: the upload was given up.
    """
    BUDGET.take(source.size, source)
    try:
        with source.open() as reader:
            return reader.read()
    except BaseException:
        BUDGET.give(source.size)
        raise
