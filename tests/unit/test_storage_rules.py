"""Rules that stand in the operations, whatever the provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kazinex_storage import (
    ByteRange,
    Capability,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    ObjectInfo,
    ObjectKey,
    PreconditionFailedError,
    ProviderInfo,
    PutMode,
    PutOptions,
    Source,
    Storage,
    UploadState,
)
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.signed import remove_version
from kazinex_storage.testing.recording import RecordingProvider
from kazinex_storage.types import MIB, Buffer, PartInfo, Sink


def test_a_source_that_is_replaced_while_it_is_moved_is_not_deleted() -> None:
    class Replaced(MemoryProvider):
        def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
            info = super().copy(source, target, mode)
            Storage(self).put(source, b"newer")
            return info

    storage = Storage(RecordingProvider(Replaced(), without=frozenset({Capability.SERVER_MOVE})))
    storage.put("a", b"older")

    with pytest.raises(PreconditionFailedError, match="nothing was deleted"):
        storage.move("a", "b")

    assert (b"newer", b"older") == (storage.get_bytes("a"), storage.get_bytes("b"))


def test_a_source_has_its_own_sha256_and_progress() -> None:
    storage = Storage(MemoryProvider())

    with pytest.raises(ValueError, match=r"Source\.of"):
        storage.put("a", Source.of(b"1"), sha256="0" * 64)

    assert not storage.exists("a")


def test_a_view_of_a_view_stays_inside_and_errors_speak_of_its_own_keys() -> None:
    storage = Storage(MemoryProvider())
    storage.put("a/b/c", b"1")
    view = storage.scoped("a").scoped("b")

    assert b"1" == view.get_bytes("c")
    with pytest.raises(FileNotFoundError, match="get 'nothing' on memory"):
        view.get_bytes("nothing")
    assert ["c"] == [info.key for info in view.list()]


class Plain(MemoryProvider):
    """A provider that neither copies by itself nor keeps checksums, and delivers *cut* bytes too few."""

    def __init__(self, cut: int = 0, max_key_bytes: int = 1024) -> None:
        super().__init__()
        self.cut = cut
        self.max_key_bytes = max_key_bytes

    @property
    def info(self) -> ProviderInfo:
        return ProviderInfo(
            kind="plain",
            location="here",
            capabilities=frozenset({Capability.CREATE_ONLY}),
            max_object_bytes=MIB,
            max_key_bytes=self.max_key_bytes,
        )

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        return replace(super().put(key, source, options), checksum=None)

    def head(self, key: ObjectKey) -> ObjectInfo:
        return replace(super().head(key), checksum=None)

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        def shortened(buffer: Buffer) -> None:
            sink(bytes(buffer)[: len(buffer) - self.cut])

        return replace(super().get(key, span, shortened, if_match), checksum=None)


def test_a_copy_through_this_process_keeps_bytes_and_content_type() -> None:
    storage = Storage(Plain())
    storage.put("a.pdf", b"0123456789")

    storage.move("a.pdf", "b")

    assert (b"0123456789", "application/pdf") == (storage.get_bytes("b"), storage.head("b").content_type)
    assert not storage.exists("a.pdf")


def test_a_copy_through_this_process_that_is_cut_is_noticed_and_the_source_stays() -> None:
    storage = Storage(Plain(cut=7))
    storage.put("a", b"0123456789")

    for action in (storage.copy, storage.move):
        with pytest.raises(IntegrityError, match="3 of 10 bytes"):
            action("a", "b")

    assert storage.exists("a")
    assert not storage.exists("b")


def test_a_key_over_the_limit_of_the_provider_is_refused_before_any_request() -> None:
    storage = Storage(Plain(max_key_bytes=10))

    storage.put("a" * 10, b"")
    with pytest.raises(InvalidKeyError, match="at most 10 bytes"):
        storage.put("ü" * 6, b"")


@pytest.mark.parametrize("replaced", [False, True])
def test_what_was_checked_is_removed_only_while_it_is_that_version(replaced: bool) -> None:
    storage, key = Storage(MemoryProvider()), ObjectKey("a")
    checked = storage.put(key, b"checked")
    if replaced:
        storage.put(key, b"newer")

    removed = storage.transport.run(remove_version(storage.operations.context, key, checked))

    assert (not replaced, replaced) == (removed, storage.exists(key))


def test_an_upload_that_was_completed_with_another_body_is_not_said_to_hold_this_one() -> None:
    class Overtaken(MemoryProvider):
        def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> ObjectInfo:
            self.put_part(state, 1, b"other")
            super().complete_upload(state, self.list_parts(state))
            raise NotFoundError("the upload is gone", key=state.key)

    storage = Storage(Overtaken())

    with pytest.raises(IntegrityError, match="resume it with that body"):
        storage.resume_upload(storage.begin_upload("a", 5), b"12345")

    assert b"other" == storage.get_bytes("a")
