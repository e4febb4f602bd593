"""What signed URLs owe: they do what they say, to one object, with one method; or a refusal beforehand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    FileTooLargeError,
    FileTypeRefusedError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PolicyError,
)
from ..policy import UploadPolicy
from ..storage.aio import AsyncStorage
from ..storage.sync import Storage
from ..types import PresignOptions, PutMode, PutOptions
from .bench import Bench, needs, sha256


def _sign(storage: Storage) -> object:
    return storage.presign("a")


def _asking(what: str, good: PresignOptions) -> PresignOptions:
    """Return what asks to be bound to one thing alone."""
    return PresignOptions(
        method="PUT",
        size=good.size if what == "size" else None,
        content_type=good.content_type if what == "type" else None,
        sha256=good.sha256 if what == "sha256" else None,
    )


class PresignContract:
    """URLs for clients without credentials."""

    @pytest.mark.parametrize("key", ["plans/a.pdf", "from +%;=&'?#/Plan Müller 100%.pdf"])
    @needs(Capability.PRESIGN, _sign)
    def test_a_url_to_get_gives_the_bytes(self, bench: Bench, key: str) -> None:
        bench.storage.put(key, b"12345")

        url = bench.storage.presign(key)

        assert "GET" == url.method
        assert (200, b"12345") == bench.harness.send(url, b"")

    @pytest.mark.parametrize("key", ["plans/a.pdf", "from +%;=&'?#/Plan Müller 100%.pdf"])
    @needs(Capability.PRESIGN, _sign)
    def test_a_url_to_put_stores_the_bytes(self, bench: Bench, key: str) -> None:
        url = bench.storage.presign(key, PresignOptions(method="PUT", content_type="application/pdf", size=5))

        status, _ = bench.harness.send(url, b"12345")

        assert 200 <= status < 300
        assert b"12345" == bench.peek(key)
        assert b"12345" == bench.storage.get_bytes(key)

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_that_creates_is_good_once(self, bench: Bench) -> None:
        options = PresignOptions(method="PUT", mode=PutMode.CREATE)
        if not bench.proves(Capability.CREATE_ONLY, lambda storage: storage.presign("a", options)):
            return
        try:
            url = bench.storage.presign("a", options)
        except NotSupportedError:  # not every service that creates can bind a URL to it
            return

        first, second = bench.harness.send(url, b"first")[0], bench.harness.send(url, b"second")[0]

        assert 200 <= first < 300
        assert 400 <= second < 500
        assert b"first" == bench.peek("a")

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_that_is_bound_to_bytes_stores_those(self, bench: Bench) -> None:
        url = bench.storage.presign("a", PresignOptions(method="PUT", size=5, sha256=sha256(b"12345")))

        status, _ = bench.harness.send(url, b"12345")

        assert 200 <= status < 300
        assert b"12345" == bench.peek("a")

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_to_delete_removes_the_object(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")
        bench.storage.put("b", b"2")

        status, _ = bench.harness.send(bench.storage.presign("a", PresignOptions(method="DELETE")), b"")

        assert 200 <= status < 300
        assert ["b"] == bench.keys()

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_to_head_answers_without_a_body(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")

        assert (200, b"") == bench.harness.send(bench.storage.presign("a", PresignOptions(method="HEAD")), b"")

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_to_a_missing_object_finds_none(self, bench: Bench) -> None:
        status, _ = bench.harness.send(bench.storage.presign("a"), b"")

        assert 404 == status

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_is_good_for_its_method_only(self, bench: Bench) -> None:
        bench.storage.put("a", b"before")
        url = bench.storage.presign("a")

        statuses = [bench.harness.send(replace(url, method=method), b"after")[0] for method in ("PUT", "DELETE")]

        assert all(400 <= status < 500 for status in statuses)
        assert b"before" == bench.peek("a")

    @needs(Capability.PRESIGN, _sign)
    def test_an_altered_signature_is_refused(self, bench: Bench) -> None:
        bench.storage.put("a", b"secret")
        url = bench.storage.presign("a")
        altered = replace(url, url=url.url[:-1] + ("0" if url.url[-1] != "0" else "1"))

        status, body = bench.harness.send(altered, b"")

        assert 400 <= status < 500
        assert b"secret" not in body

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_says_when_it_expires_and_hides_itself(self, bench: Bench) -> None:
        before = datetime.now(UTC).replace(microsecond=0)

        url = bench.storage.presign("a", PresignOptions(expires_in=timedelta(minutes=10)))

        # Services count in whole seconds.
        latest = datetime.now(UTC) + timedelta(minutes=10, seconds=1)
        assert before + timedelta(minutes=10) <= url.expires_at <= latest
        assert timedelta(0) == url.expires_at.utcoffset()
        assert url.url not in repr(url)

    @pytest.mark.parametrize(
        ("method", "expires_in"),
        [("PATCH", timedelta(minutes=1)), ("get", timedelta(minutes=1)), ("GET", timedelta(0))],
    )
    @needs(Capability.PRESIGN, _sign)
    def test_what_cannot_be_signed_is_refused(self, bench: Bench, method: str, expires_in: timedelta) -> None:
        recording, storage = bench.recorded()

        with pytest.raises(ValueError, match=r"signed for|positive"):
            storage.presign("a", PresignOptions(method=method, expires_in=expires_in))

        assert [] == recording.calls

    @needs(Capability.PRESIGN, _sign)
    def test_a_url_says_what_the_service_itself_refuses(self, bench: Bench) -> None:
        good = PresignOptions(method="PUT", size=5, content_type="application/pdf", sha256=sha256(b"12345"))
        wrong = {"size": (b"123456", {}), "type": (b"12345", {"Content-Type": "text/html"}), "sha256": (b"54321", {})}

        for what, (body, headers) in wrong.items():
            options = _asking(what, good)
            url = bench.storage.presign(what, options)
            sent = {**url.headers, **headers}
            sent.pop("Content-Length", None)
            status, _ = bench.harness.send(replace(url, headers=sent), body)

            assert url.needs_confirm == (what not in url.bound)
            if what not in url.bound:
                assert 200 <= status < 300
                with pytest.raises(IntegrityError, match="left alone"):
                    bench.storage.confirm(what, options)
                with pytest.raises(IntegrityError, match="removed"):
                    bench.storage.confirm(what, options, write_token=url.write_token)
            # A service that stores the type which was signed, whatever is sent, has kept it as well.
            kept = what == "type" and 200 <= status < 300 and what in url.bound
            assert ("application/pdf" if kept else None) == (
                bench.storage.head(what).content_type if bench.peek(what) is not None else None
            )

    @needs(Capability.PRESIGN, _sign)
    def test_what_arrived_is_confirmed(self, bench: Bench) -> None:
        options = PresignOptions(method="PUT", size=5, content_type="application/pdf", sha256=sha256(b"12345"))
        url = bench.storage.presign("folder/a.pdf", options)
        with pytest.raises(NotFoundError):
            bench.storage.confirm("folder/a.pdf", options)
        bench.harness.send(url, b"12345")

        info = bench.storage.confirm("folder/a.pdf", options)
        awaited = asyncio.run(AsyncStorage(bench.storage).confirm("folder/a.pdf", options))

        assert ("folder/a.pdf", 5, sha256(b"12345")) == (info.key, info.size, info.sha256)
        assert info == awaited
        with pytest.raises(ValueError, match="PUT"):
            bench.storage.confirm("folder/a.pdf", PresignOptions())

    @pytest.mark.parametrize(
        "signed",
        [
            pytest.param(PresignOptions(method="PUT", size=6), id="size"),
            pytest.param(PresignOptions(method="PUT", content_type="image/png"), id="type"),
            pytest.param(PresignOptions(method="PUT", sha256=sha256(b"54321")), id="sha256"),
        ],
    )
    def test_what_arrived_is_compared_with_what_was_signed_for(self, bench: Bench, signed: PresignOptions) -> None:
        bench.storage.put("a.pdf", b"12345", PutOptions(content_type="application/pdf"))

        with pytest.raises(IntegrityError, match="signed for; it was left alone"):
            bench.storage.confirm("a.pdf", signed)

        assert b"12345" == bench.peek("a.pdf")

    @needs(Capability.PRESIGN, _sign)
    def test_under_a_policy_a_put_is_signed_with_its_size(self, bench: Bench) -> None:
        recording, storage = bench.recorded()
        strict = storage.with_policy(UploadPolicy(max_file_bytes=5, ceiling=5, extensions=frozenset({"pdf"})))

        with pytest.raises(PolicyError, match="size"):
            strict.presign("a.pdf", PresignOptions(method="PUT"))
        with pytest.raises(FileTooLargeError):
            strict.presign("a.pdf", PresignOptions(method="PUT", size=6))
        with pytest.raises(FileTypeRefusedError):
            strict.presign("a.exe", PresignOptions(method="PUT", size=5))
        with pytest.raises(FileTooLargeError):
            storage.presign("a", PresignOptions(method="PUT", size=bench.provider.info.max_object_bytes + 1))

        assert [] == recording.calls
        assert strict.presign("a.pdf", PresignOptions(method="PUT", size=5)).url

    @pytest.mark.parametrize(
        ("key", "body", "limit", "refusal"),
        [
            ("a.exe", b"12345", 5, FileTypeRefusedError),
            ("a.pdf", b"%PDF-1.7", 7, FileTooLargeError),
            ("a.pdf", b"MZ\x90\x00\x03", 5, FileTypeRefusedError),
        ],
        ids=["name", "size", "first bytes"],
    )
    @needs(Capability.PRESIGN, _sign)
    def test_what_the_policy_of_now_does_not_allow_is_removed(
        self, bench: Bench, key: str, body: bytes, limit: int, refusal: type[PolicyError]
    ) -> None:
        options = PresignOptions(method="PUT", size=len(body))
        url = bench.storage.presign(key, options)
        bench.harness.send(url, body)
        strict = bench.storage.with_policy(
            UploadPolicy(max_file_bytes=limit, ceiling=limit, extensions=frozenset({"pdf"}))
        )

        with pytest.raises(refusal, match="left alone" if url.write_token is None else "it was removed"):
            strict.confirm(key, options, write_token=url.write_token)

        assert (body if url.write_token is None else None) == bench.peek(key)

    @needs(Capability.PRESIGN, _sign)
    def test_what_a_url_created_is_known_by_its_write_token(self, bench: Bench) -> None:
        options = PresignOptions(method="PUT", size=5, mode=PutMode.CREATE)
        try:
            ours, other = (bench.storage.presign("a", options) for _ in range(2))
        except NotSupportedError:  # a service that binds no URL to an absent key
            return
        bench.harness.send(ours, b"12345")
        strict = bench.storage.with_policy(UploadPolicy(max_file_bytes=4, ceiling=4))

        assert 5 == bench.storage.confirm("a", options, write_token=ours.write_token).size
        with pytest.raises(FileTooLargeError, match="left alone"):
            strict.confirm("a", options)
        if other.write_token is not None:
            with pytest.raises(AlreadyExistsError, match="not sent to this URL"):
                strict.confirm("a", options, write_token=other.write_token)
        assert b"12345" == bench.peek("a")

        with pytest.raises(FileTooLargeError):
            strict.confirm("a", options, write_token=ours.write_token)
        assert (b"12345" if ours.write_token is None else None) == bench.peek("a")

    @needs(Capability.PRESIGN, _sign)
    def test_what_stood_there_before_is_not_removed_when_nothing_has_arrived(self, bench: Bench) -> None:
        bench.storage.put("a", b"theirs")
        options = PresignOptions(method="PUT", size=5)
        url = bench.storage.presign("a", options)

        with pytest.raises((AlreadyExistsError, IntegrityError)):
            bench.storage.confirm("a", options, write_token=url.write_token)
        with pytest.raises(IntegrityError, match="left alone"):
            bench.storage.confirm("a", options)

        assert b"theirs" == bench.peek("a")

    @needs(Capability.PRESIGN, _sign)
    def test_what_stood_there_before_is_never_removed_by_a_url_that_creates(self, bench: Bench) -> None:
        options = PresignOptions(method="PUT", size=5, mode=PutMode.CREATE)
        try:
            url = bench.storage.presign("a", options)
        except NotSupportedError:
            return
        bench.storage.put("a", b"theirs")

        status, _ = bench.harness.send(url, b"12345")
        with pytest.raises(AlreadyExistsError if url.write_token is not None else IntegrityError):
            bench.storage.confirm("a", options, write_token=url.write_token)

        assert 400 <= status < 500
        assert b"theirs" == bench.peek("a")
