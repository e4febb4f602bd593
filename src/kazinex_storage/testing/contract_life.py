"""The life of a storage: its errors, its end, and a forked child."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable

import pytest

from ..capabilities import Capability
from ..errors import AlreadyExistsError, ClosedError, NotFoundError, StorageError
from ..storage.sync import Storage
from .bench import CREATE, Bench, in_child, needs, pattern

_READS: dict[str, tuple[str, Callable[[Storage], object]]] = {
    "get_bytes": ("get", lambda storage: storage.get_bytes("folder/none")),
    "stream": ("get", lambda storage: storage.stream("folder/none")),
    "head": ("head", lambda storage: storage.head("folder/none")),
    "open": ("head", lambda storage: storage.open("folder/none")),
    "copy": ("copy", lambda storage: storage.copy("folder/none", "b")),
    "move": ("move", lambda storage: storage.move("folder/none", "b")),
}

_USES: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: storage.put("a", b"1"),
    "put_many": lambda storage: storage.put_many([("a", b"1")]),
    "get_bytes": lambda storage: storage.get_bytes("a"),
    "read_ranges": lambda storage: storage.read_ranges("a", []),
    "stream": lambda storage: storage.stream("a"),
    "head": lambda storage: storage.head("a"),
    "exists": lambda storage: storage.exists("a"),
    "delete": lambda storage: storage.delete("a"),
    "delete_many": lambda storage: storage.delete_many(["a"]),
    "list": lambda storage: list(storage.list()),
    "list one level": lambda storage: list(storage.list(recursive=False)),
    "copy": lambda storage: storage.copy("a", "b"),
    "move": lambda storage: storage.move("a", "b"),
    "presign": lambda storage: storage.presign("a"),
    "open": lambda storage: storage.open("a"),
}


class LifeContract:
    """Errors, closing, forking."""

    @pytest.mark.parametrize("what", _READS)
    def test_not_found_says_what_was_done_to_which_key_and_where(self, bench: Bench, what: str) -> None:
        operation, action = _READS[what]

        with pytest.raises(NotFoundError) as caught:
            action(bench.storage)

        error = caught.value
        assert (operation, "folder/none", bench.provider.info.kind) == (error.operation, error.key, error.provider)
        assert isinstance(error, FileNotFoundError)
        assert errno.ENOENT == error.errno
        assert not error.retryable
        assert "'folder/none'" in str(error)

    @needs(Capability.CREATE_ONLY, lambda storage: storage.put("a", b"1", CREATE))
    def test_already_exists_says_what_was_done_to_which_key_and_where(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")

        with pytest.raises(AlreadyExistsError) as caught:
            bench.storage.put("folder/a", b"1", CREATE)

        error = caught.value
        assert ("put", "folder/a", bench.provider.info.kind) == (error.operation, error.key, error.provider)
        assert isinstance(error, FileExistsError)

    def test_errors_survive_pickling(self, bench: Bench) -> None:
        with pytest.raises(NotFoundError) as caught:
            bench.storage.head("a")

        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # made one line above

        assert (type(caught.value), str(caught.value)) == (type(again), str(again))

    def test_a_storage_is_not_pickled_and_says_what_to_send(self, bench: Bench) -> None:
        with pytest.raises(TypeError, match=r"Storage .* cannot be pickled; send"):
            pickle.dumps(bench.storage)

    def test_only_errors_of_the_package_leave_the_provider(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")

        for action in _USES.values():
            try:
                action(bench.storage.scoped("a"))  # a folder that is an object: what does a service say to that?
            except StorageError:
                continue

        assert b"1" == bench.storage.get_bytes("a") or bench.can(Capability.CREATE_ONLY)

    @pytest.mark.parametrize("what", _USES)
    def test_a_closed_storage_says_so(self, bench: Bench, what: str) -> None:
        bench.storage.put("a", b"1")
        view = bench.storage.scoped("view")

        bench.storage.close()

        for storage in (bench.storage, view):
            with pytest.raises(ClosedError):
                _USES[what](storage)

    def test_closing_twice_is_harmless(self, bench: Bench) -> None:
        bench.storage.close()
        bench.storage.close()
        bench.provider.close()

        with pytest.raises(ClosedError):
            bench.storage.head("a")

    def test_closing_a_view_leaves_the_rest_open(self, bench: Bench) -> None:
        view = bench.storage.scoped("view")

        view.close()

        bench.storage.put("view/a", b"1")
        assert b"1" == bench.peek("view/a")
        with pytest.raises(ClosedError):
            view.head("a")

    def test_a_forked_child_works_and_so_does_its_parent(self, bench: Bench) -> None:
        data = pattern(bench.harness.large_bytes)
        bench.storage.put_many((f"before/{index}", data[:1_000]) for index in range(5))
        bench.storage.put("large", data)

        def child() -> None:
            assert data == bench.storage.get_bytes("large")
            bench.storage.put("child", data)
            assert data == bench.storage.get_bytes("child")
            bench.storage.put_many((f"child/of/{index}", data[:1_000]) for index in range(0))
            assert 5 == len(dict(bench.storage.get_many(f"before/{index}" for index in range(5))))
            bench.storage.delete("child")
            assert not bench.storage.exists("child")
            assert 6 == len(bench.keys())

        statuses = [in_child(child), in_child(child)]

        assert [0, 0] == statuses
        assert data == bench.storage.get_bytes("large")
        bench.storage.put_many((f"after/{index}", b"1") for index in range(5))
        assert 11 == len(bench.keys())
