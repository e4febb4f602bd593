"""Conditional reads: what a caller has is not sent again. ``operations.py`` loads this where it is asked for."""

from __future__ import annotations

from ..bodies.checksums import Collector
from ..capabilities import Capability
from ..contract_reading import changed
from ..keys import ObjectKey
from ..transport import Exchange
from ..types import WHOLE, ByteRange, ObjectInfo, Sink
from .fetching import Proof
from .operation import Context

_WHAT = "if_none_match"


def get_changed(
    context: Context, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str
) -> Exchange[ObjectInfo]:
    """Push *span* of the object of the full *key* into *sink*, unless it is still the version *if_none_match*.

    Raises:
        NotModifiedError: it is.
        NotSupportedError: the provider cannot read so.
    """
    context.rules.need(Capability.CONDITIONAL_READ, _WHAT)
    info = yield from context.exchanges.get_changed(key, span, sink, if_none_match)
    return changed(info, if_none_match)


def bytes_if_changed(
    context: Context, key: ObjectKey, span: ByteRange, if_match: str | None, if_none_match: str
) -> Exchange[bytes]:
    """Return the bytes of *span*, the whole compared with what a remote service keeps, unless it is that version.

    Raises:
        StorageError: as ``get_changed``; ``IntegrityError``: it is not what was stored.
        ValueError: *if_match* is given as well.
    """
    if if_match is not None:
        raise ValueError("if_match names the version to read, and if_none_match one not to read; give one of them")
    collected = Collector()
    proof = Proof(collected) if span == WHOLE and context.info.remote else None
    info = yield from get_changed(context, key, span, proof or collected, if_none_match)
    if proof is not None:
        proof.check(info)
    return collected.value()


def head_if_changed(context: Context, key: ObjectKey, if_none_match: str) -> Exchange[ObjectInfo]:
    """Look, and refuse what is still the version *if_none_match*; one request.

    Raises:
        StorageError: as ``get_changed``.
    """
    context.rules.need(Capability.CONDITIONAL_READ, _WHAT)
    return changed((yield from context.exchanges.head(key)), if_none_match)
