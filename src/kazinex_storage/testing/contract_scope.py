"""What a scope owes: a view that cannot leave its folder, whatever is next to it."""

from __future__ import annotations

import pytest

from ..errors import InvalidKeyError, NotFoundError
from .bench import Bench, names

_OUTSIDE = ["outside", "tenant.txt", "tenant2/a", "tenants/a", "other/tenant/a", "tenan"]


class ScopeContract:
    """Views of one folder."""

    def test_a_view_sees_its_folder_only(self, bench: Bench) -> None:
        for key in _OUTSIDE:
            bench.poke(key, b"theirs")
        view = bench.storage.scoped("tenant")
        view.put("a", b"1")
        view.put("deep/b", b"2")

        assert ["a", "deep/b"] == sorted(info.key for info in view.list())
        assert ["a", "deep/"] == names(view.list(recursive=False))
        assert (b"1", b"2") == (bench.peek("tenant/a"), bench.peek("tenant/deep/b"))

    def test_nothing_outside_can_be_touched_through_a_view(self, bench: Bench) -> None:
        for key in _OUTSIDE:
            bench.poke(key, b"theirs")
        view = bench.storage.scoped("tenant")

        for key in _OUTSIDE:
            view.delete(key)
            with pytest.raises(NotFoundError):
                view.get_bytes(key)
        view.delete_many(_OUTSIDE)
        for info in view.list():
            view.delete(info.key)

        assert dict.fromkeys(_OUTSIDE, b"theirs") == {key: bench.peek(key) for key in _OUTSIDE}

    @pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/outside", "..", "./../outside"])
    def test_a_key_that_climbs_out_is_no_key(self, bench: Bench, key: str) -> None:
        bench.poke("outside", b"theirs")
        view = bench.storage.scoped("tenant")

        for action in (
            lambda: view.get_bytes(key),
            lambda: view.put(key, b"mine"),
            lambda: view.delete(key),
            lambda: view.copy(key, "a"),
            lambda: view.scoped(key),
            lambda: list(view.list(key + "/")),
        ):
            with pytest.raises(InvalidKeyError):
                action()

        assert b"theirs" == bench.peek("outside")

    def test_a_percent_encoded_climb_is_an_ordinary_name(self, bench: Bench) -> None:
        bench.poke("outside", b"theirs")
        view = bench.storage.scoped("tenant")

        view.put("%2e%2e/outside", b"mine")

        assert b"theirs" == bench.peek("outside")
        assert b"mine" == bench.peek("tenant/%2e%2e/outside")

    def test_answers_of_a_view_are_relative(self, bench: Bench) -> None:
        view = bench.storage.scoped("tenant").scoped("deeper")

        put = view.put("a/b", b"1")
        copied = view.copy("a/b", "a/c")

        assert ["a/b", "a/c", "a/b"] == [put.key, copied.key, view.head("a/b").key]
        assert b"1" == bench.peek("tenant/deeper/a/b")

    def test_errors_of_a_view_are_relative(self, bench: Bench) -> None:
        view = bench.storage.scoped("tenant")

        with pytest.raises(NotFoundError) as caught:
            view.head("a/b")

        assert "a/b" == caught.value.key
        assert "tenant" not in str(caught.value)
