"""What the tests of uploads that outlive their process have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..bodies.part_plan import PartPlan
from ..errors import NotSupportedError
from ..storage.sync import Storage
from ..types import PutOptions, UploadState
from ..verbs import exchanges_of
from .bench import Bench, pattern


def list_uploads(storage: Storage) -> object:
    """Do what no capability but ``PARTS`` offers."""
    return storage.pending_uploads()


def passed_on(state: UploadState) -> UploadState:
    """Return the state as another process reads it."""
    return UploadState.from_json(state.to_json())


def sealed(storage: Storage, state: UploadState) -> UploadState:
    """Return *state* as if ``begin_upload`` had made it so: what comes behind the seal has to be safe as well."""
    return storage.operations.context.seal.seal(state)


def large_body(bench: Bench, seed: int = 0) -> bytes:
    """Return a body of more than one part wherever large bodies have more."""
    return pattern(bench.harness.large_bytes, seed)


def put_parts(bench: Bench, state: UploadState, body: bytes, numbers: Sequence[int]) -> None:
    """Put some parts as a process does that is killed afterwards."""
    parts = exchanges_of(bench.provider)
    spans = dict(PartPlan.resumed(state.size, state.part_bytes).spans())
    inner = replace(state, key=state.scope + state.key, scope="")
    for number in numbers:
        span = spans[number]
        bench.storage.transport.run(parts.put_part(inner, number, body[span.start : span.end]))


def begin_under(bench: Bench, key: str, size: int, options: PutOptions) -> UploadState | None:
    """Begin an upload under a condition; None when the service cannot keep one, and says so now."""
    try:
        return bench.storage.begin_upload(key, size, options)
    except NotSupportedError:
        assert [] == bench.storage.pending_uploads()
        return None


def numbers_of(state: UploadState) -> list[int]:
    """Return the numbers of the parts of an upload."""
    return [number for number, _ in PartPlan.resumed(state.size, state.part_bytes).spans()]
