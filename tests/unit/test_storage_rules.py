"""Rules that stand in the operations, whatever the provider."""

from __future__ import annotations

import pytest

from kazinex_storage import ObjectInfo, ObjectKey, PreconditionFailedError, PutMode, Source, Storage
from kazinex_storage.providers.memory import MemoryProvider


def test_a_source_that_is_replaced_while_it_is_moved_is_not_deleted() -> None:
    class Replaced(MemoryProvider):
        def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
            info = super().copy(source, target, mode)
            Storage(self).put(source, b"newer")
            return info

    storage = Storage(Replaced())
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
