"""What is owed to keys that are written once: no call of a storage replaces what is there, whatever it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from ..capabilities import Capability
from ..errors import AlreadyExistsError, BulkError, NotSupportedError
from ..storage.aio import AsyncStorage
from ..storage.sync import Storage
from ..types import PresignOptions, PutMode, PutOptions
from .bench import Bench, sha256
from .uploading import sealed

_HOUR = timedelta(hours=1)


def _write(storage: Storage) -> None:
    with storage.open("a", "wb") as file:
        file.write(b"after")


_REPLACING: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: storage.put("a", b"after"),
    "put with the mode": lambda storage: storage.put("a", b"after", PutOptions(mode=PutMode.REPLACE)),
    "put of a large body": lambda storage: storage.put("a", bytes(9 << 20)),
    "put_many": lambda storage: storage.put_many([("a", b"after")]),
    "open": _write,
    "copy": lambda storage: storage.copy("b", "a"),
    "copy with the mode": lambda storage: storage.copy("b", "a", mode=PutMode.REPLACE),
    "move": lambda storage: storage.move("b", "a"),
    "move with the mode": lambda storage: storage.move("b", "a", mode=PutMode.REPLACE),
    "put below a scope": lambda storage: storage.scoped("folder").put("a", b"after"),
    "put under another policy": lambda storage: storage.with_policy(None).put("a", b"after"),
    "await put": lambda storage: asyncio.run(AsyncStorage(storage).put("a", b"after")),
    "await copy": lambda storage: asyncio.run(AsyncStorage(storage).copy("b", "a")),
}


class WriteOnceContract:
    """A storage whose objects are created and never replaced."""

    @pytest.mark.parametrize("call", _REPLACING.values(), ids=_REPLACING)
    def test_no_call_replaces_what_is_written_once(self, bench: Bench, call: Callable[[Storage], object]) -> None:
        for key in ("a", "b", "folder/a"):
            bench.storage.put(key, b"before")
        once = bench.once()
        refusal = AlreadyExistsError if bench.can(Capability.CREATE_ONLY) else NotSupportedError

        with pytest.raises((refusal, BulkError)) as caught:
            call(once)

        failure = caught.value
        assert isinstance(failure.failures[0] if isinstance(failure, BulkError) else failure, refusal)
        assert (b"before", b"before") == (bench.peek("a"), bench.peek("folder/a"))
        assert b"before" == bench.peek("b")

    def test_what_is_absent_is_written_without_being_asked_to_create(self, bench: Bench) -> None:
        if not bench.can(Capability.CREATE_ONLY):
            return
        once = bench.once()

        once.put("a", b"12345")
        once.copy("a", "b")
        once.move("b", "c")

        assert (b"12345", None, b"12345") == (bench.peek("a"), bench.peek("b"), bench.peek("c"))

    def test_no_version_is_replaced(self, bench: Bench) -> None:
        etag = bench.storage.put("a", b"before").etag

        with pytest.raises(NotSupportedError):
            bench.once().put("a", b"after", PutOptions(if_match=etag))

        assert b"before" == bench.peek("a")

    def test_a_rule_says_which_keys_it_means(self, bench: Bench) -> None:
        if not bench.can(Capability.CREATE_ONLY):
            return
        some = bench.once(lambda key: key.endswith("/kept"))
        for key in ("folder/kept", "folder/other"):
            some.put(key, b"before")

        some.put("folder/other", b"after")
        with pytest.raises(AlreadyExistsError):
            some.scoped("folder").put("kept", b"after")

        assert (b"before", b"after") == (bench.peek("folder/kept"), bench.peek("folder/other"))

    def test_a_signed_put_creates_or_is_refused(self, bench: Bench) -> None:
        if not bench.can(Capability.PRESIGN):
            return
        try:
            url = bench.once().presign("a", PresignOptions(method="PUT"))
        except NotSupportedError:  # a service that binds no URL to an absent key
            return

        first, second = bench.harness.send(url, b"first")[0], bench.harness.send(url, b"second")[0]
        stripped = bench.harness.send(replace(url, headers=_only_type(url.headers)), b"third")[0]

        assert 200 <= first < 300
        assert 400 <= second < 500
        assert 400 <= stripped < 500
        assert "create" in url.bound
        assert b"first" == bench.peek("a")

    def test_a_signed_put_does_not_replace_what_stood_there_before(self, bench: Bench) -> None:
        if not bench.can(Capability.PRESIGN):
            return
        bench.storage.put("a", b"before")
        try:
            url = bench.once().presign("a", PresignOptions(method="PUT"))
        except (NotSupportedError, AlreadyExistsError):  # some services look already when they sign
            return

        status = bench.harness.send(url, b"after")[0]

        assert 400 <= status < 500
        assert b"before" == bench.peek("a")

    def test_no_url_removes_what_is_written_once(self, bench: Bench) -> None:
        if not bench.can(Capability.PRESIGN):
            return
        once = bench.once()

        with pytest.raises(NotSupportedError, match="written once"):
            once.presign("a", PresignOptions(method="DELETE"))
        with pytest.raises(NotSupportedError, match="written once"):
            asyncio.run(AsyncStorage(once).presign("a", PresignOptions(method="DELETE")))

    def test_an_upload_that_is_begun_here_creates(self, bench: Bench) -> None:
        if not bench.can(Capability.PARTS) and not bench.can(Capability.RESUME):
            return
        once = bench.once()
        try:
            state = once.begin_upload("a", 5, PutOptions(mode=PutMode.REPLACE), sha256=sha256(b"12345"))
        except NotSupportedError:  # a service that has no conditions for uploads in parts
            return
        bench.storage.put("a", b"before")

        with pytest.raises(AlreadyExistsError):
            once.resume_upload(state, b"12345")

        assert PutMode.CREATE is state.mode
        assert b"before" == bench.peek("a")

    def test_an_upload_that_was_begun_to_replace_is_not_gone_on_with(self, bench: Bench) -> None:
        if not bench.can(Capability.PARTS) and not bench.can(Capability.RESUME):
            return
        state = bench.storage.begin_upload("a", 5, sha256=sha256(b"12345"))
        bench.storage.put("a", b"before")
        once = bench.once()

        acts: list[Callable[[], object]] = [lambda: once.resume_upload(sealed(once, state), b"12345")]
        if bench.can(Capability.PARTS):
            acts.append(lambda: once.complete_upload(sealed(once, state)))
        if bench.can(Capability.PARTS) and bench.can(Capability.PRESIGN):
            acts.append(lambda: once.presign_upload(sealed(once, state), _HOUR))
        for act in acts:
            with pytest.raises(NotSupportedError, match="written once"):
                act()
        once.abort_upload(sealed(once, state))

        assert b"before" == bench.peek("a")


def _only_type(headers: object) -> dict[str, str]:
    """Return what a client sends that omits what it was asked to send."""
    found = dict(headers) if isinstance(headers, dict) else {}
    return {name: value for name, value in found.items() if name.lower() in ("content-type", "x-ms-blob-type")}
