"""What signed URLs owe: they do what they say, to one object, with one method; or a refusal beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ..errors import NotSupportedError
from ..storage import Storage
from ..types import Capability, PresignOptions, PutMode
from .bench import Bench, sha256


def _sign(storage: Storage) -> object:
    return storage.presign("a")


class PresignContract:
    """URLs for clients without credentials."""

    @pytest.mark.parametrize("key", ["plans/a.pdf", "from +%;=&'?#/Plan Müller 100%.pdf"])
    def test_a_url_to_get_gives_the_bytes(self, bench: Bench, key: str) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        bench.storage.put(key, b"12345")

        url = bench.storage.presign(key)

        assert "GET" == url.method
        assert (200, b"12345") == bench.harness.send(url, b"")

    @pytest.mark.parametrize("key", ["plans/a.pdf", "from +%;=&'?#/Plan Müller 100%.pdf"])
    def test_a_url_to_put_stores_the_bytes(self, bench: Bench, key: str) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        url = bench.storage.presign(key, PresignOptions(method="PUT", content_type="application/pdf", size=5))

        status, _ = bench.harness.send(url, b"12345")

        assert 200 <= status < 300
        assert b"12345" == bench.peek(key)
        assert b"12345" == bench.storage.get_bytes(key)

    def test_a_url_that_creates_is_good_once(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
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

    def test_a_url_that_is_bound_to_bytes_stores_those(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        url = bench.storage.presign("a", PresignOptions(method="PUT", size=5, sha256=sha256(b"12345")))

        status, _ = bench.harness.send(url, b"12345")

        assert 200 <= status < 300
        assert b"12345" == bench.peek("a")

    def test_a_url_to_delete_removes_the_object(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        bench.storage.put("a", b"1")
        bench.storage.put("b", b"2")

        status, _ = bench.harness.send(bench.storage.presign("a", PresignOptions(method="DELETE")), b"")

        assert 200 <= status < 300
        assert ["b"] == bench.keys()

    def test_a_url_to_head_answers_without_a_body(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        bench.storage.put("a", b"1")

        assert (200, b"") == bench.harness.send(bench.storage.presign("a", PresignOptions(method="HEAD")), b"")

    def test_a_url_to_a_missing_object_finds_none(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        status, _ = bench.harness.send(bench.storage.presign("a"), b"")

        assert 404 == status

    def test_a_url_is_good_for_its_method_only(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        bench.storage.put("a", b"before")
        url = bench.storage.presign("a")

        statuses = [bench.harness.send(replace(url, method=method), b"after")[0] for method in ("PUT", "DELETE")]

        assert all(400 <= status < 500 for status in statuses)
        assert b"before" == bench.peek("a")

    def test_an_altered_signature_is_refused(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        bench.storage.put("a", b"secret")
        url = bench.storage.presign("a")
        altered = replace(url, url=url.url[:-1] + ("0" if url.url[-1] != "0" else "1"))

        status, body = bench.harness.send(altered, b"")

        assert 400 <= status < 500
        assert b"secret" not in body

    def test_a_url_says_when_it_expires_and_hides_itself(self, bench: Bench) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
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
    def test_what_cannot_be_signed_is_refused(self, bench: Bench, method: str, expires_in: timedelta) -> None:
        if not bench.proves(Capability.PRESIGN, _sign):
            return
        recording, storage = bench.recorded()

        with pytest.raises(ValueError, match=r"signed for|positive"):
            storage.presign("a", PresignOptions(method=method, expires_in=expires_in))

        assert [] == recording.calls
