"""What a provider owes that gives URLs for one body each to clients without credentials, or signs single parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ..bodies.part_plan import PartPlan
from ..capabilities import Capability
from ..contract import ClientSession
from ..errors import AlreadyExistsError, NotSupportedError
from ..storage.arrivals import Arrivals
from ..types import PresignedUrl, PutMode, PutOptions
from .bench import Bench, pattern

_HOUR = timedelta(hours=1)


def _begun(bench: Bench, key: str, size: int) -> ClientSession | None:
    """Begin a session; where the provider has none, assert that the storage says so and return None."""
    arrivals = Arrivals(bench.storage.operations.context)
    if arrivals.opens_sessions:
        return bench.storage.transport.run(arrivals.begin_session(key, size, "application/pdf"))
    with pytest.raises(NotSupportedError, match="gives no URLs"):
        bench.storage.transport.run(arrivals.begin_session(key, size, "application/pdf"))
    return None


def _is_open(bench: Bench, session: ClientSession) -> bool:
    arrivals = Arrivals(bench.storage.operations.context)
    return bench.storage.transport.run(arrivals.is_session_open("a", session.url))


def _send(bench: Bench, session: ClientSession, body: bytes, parts: slice = slice(None)) -> list[int]:
    """Send *parts* of *body* in order, and return the statuses."""
    plan, statuses = PartPlan.resumed(len(body), session.part_bytes), list[int]()
    for _, span in list(plan.spans())[parts]:
        start, end = span.resolve(len(body))
        url = PresignedUrl(
            method="PUT",
            url=session.url,
            headers={"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"},
            expires_at=datetime.now(UTC),
        )
        statuses.append(bench.harness.send(url, body[start:end])[0])
    return statuses


class SessionContract:
    """Sessions of clients, and signed parts."""

    @pytest.mark.parametrize("key", ["plans/a.pdf", "from +%;=&'#/Plan Müller 100%.pdf"])
    def test_what_a_client_sends_in_order_becomes_the_object(self, bench: Bench, key: str) -> None:
        body = pattern(11 * 1024 * 1024)
        session = _begun(bench, key, len(body))
        if session is None:
            return
        plan = PartPlan.resumed(len(body), session.part_bytes)
        assert plan.follows(session.rule)
        assert 1 < plan.count
        assert session.url not in repr(session)

        _send(bench, session, body, slice(0, -1))
        assert _is_open(bench, session)
        assert bench.peek(key) is None, "nothing is visible before the last part"
        _send(bench, session, body, slice(-1, None))

        assert not _is_open(bench, session)
        assert body == bench.peek(key)

    def test_a_session_creates_and_never_replaces(self, bench: Bench) -> None:
        session = _begun(bench, "a", 5)
        if session is None:
            return
        bench.storage.put("a", b"theirs")

        assert 400 <= _send(bench, session, b"12345")[0] < 500
        assert b"theirs" == bench.peek("a")
        with pytest.raises(AlreadyExistsError):
            _begun(bench, "a", 5)

    def test_a_session_that_is_ended_takes_nothing_more(self, bench: Bench) -> None:
        session = _begun(bench, "a", 5)
        if session is None:
            return
        arrivals = Arrivals(bench.storage.operations.context)

        for _ in range(2):
            bench.storage.transport.run(arrivals.end_session("a", session.url))

        assert not _is_open(bench, session)
        assert 400 <= _send(bench, session, b"12345")[0] < 500
        assert bench.peek("a") is None

    def test_who_sends_the_parts_of_an_upload_makes_no_object_of_them(self, bench: Bench) -> None:
        """Where a signed part could, the provider says so, and direct uploads send it to a key of its own."""
        info, body = bench.provider.info, pattern(9 * 1024 * 1024)
        if not (info.can(Capability.PARTS) and info.can(Capability.PRESIGN)):
            assert not info.staged_parts
            return
        options = PutOptions(mode=PutMode.CREATE if info.can(Capability.CONDITIONAL) else PutMode.REPLACE)
        state = bench.storage.begin_upload("a", len(body), options)
        uploads = bench.storage.operations.uploads
        parts = bench.storage.transport.run(uploads.sign_parts(state, _HOUR))

        for part in reversed(parts):
            assert 200 <= bench.harness.send(part.request, body[part.offset : part.offset + part.size])[0] < 300

        assert bench.peek("a") in (None, b""), "an object comes to be when this side completes the upload"
        assert not bench.storage.exists("a")
        assert len(body) == bench.storage.complete_upload(state).size
        assert body == bench.peek("a")
        bench.storage.transport.run(uploads.discard(state))
        assert not bench.storage.exists("a"), "it carries the token of the upload"
