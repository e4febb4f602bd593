"""What a record keeper does with objects: the methods of ``Storage`` for versions, retention, tags and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..transport import Runner
    from .operations import Operations


class RecordVerbs:
    """The methods of ``Storage`` beyond reading and writing; each is one exchange of its operations."""

    _operations: Operations
    _run: Runner
