"""Who authorises a request is asked for every attempt, and told once when the service refuses. With every driver."""

from __future__ import annotations

import re
from collections.abc import Generator
from traceback import TracebackException
from typing import Any

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import AuthenticationError, NotSupportedError
from kazinex_storage.transport import (
    Authorisation,
    BodySlice,
    Call,
    Fixed,
    Request,
    Response,
    SigV4,
    Transport,
    Wait,
)

from .conftest import Driver, Server, cut, cut_body, ok, ranges, send, status


class Renewing:
    """Another token for each time that it is asked, until it is told that one is good for longer."""

    def __init__(self, *, lasting: bool = False, ask: Request | None = None, last: int | None = None) -> None:
        self.fetched = 0
        self.refused: list[str] = []
        self._lasting = lasting
        self._ask = ask
        self._last = last
        self._known: Authorisation | None = None

    @property
    def at_hand(self) -> Authorisation | None:
        return self._known if self._lasting else None

    def fetch(self) -> Generator[Any, Any, Authorisation]:
        self.fetched += 1
        if self._last is not None and self.fetched > self._last:
            raise AuthenticationError("there is no token; connect again")
        yield Wait(0)
        token = yield Call(str, self.fetched)
        if self._ask is not None:
            response: Response = yield self._ask
            token += response.body.decode()
        self._known = Authorisation(headers=(("Authorization", f"Bearer {token}"),))
        return self._known

    def refuse(self, refused: Authorisation) -> Generator[Any, Any, bool]:
        self.refused.append(refused.headers[0][1])
        self._known = yield Call(lambda: None)
        return True


class Keys(Renewing):
    def fetch(self) -> Generator[Any, Any, Authorisation]:
        self.fetched += 1
        yield Wait(0)
        key = SigV4(access_key_id=f"KEY{self.fetched}", secret_access_key="s", region="auto")  # noqa: S106
        return Authorisation(signing=key)


def tokens_of(server: Server) -> list[str | None]:
    return [seen.headers.get("authorization") for seen in server.seen]


def test_a_repeat_carries_the_token_of_then(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(503), status(500), ok())

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), auth=Renewing())))

    assert (200, 3) == (response.status, response.attempts)
    assert ["Bearer 1", "Bearer 2", "Bearer 3"] == tokens_of(server)


def test_a_repeat_is_signed_with_the_key_of_then(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(503), ok())

    drive(transport, send(Request(method="PUT", url=server.url(), body=b"x", auth=Keys())))

    found = [re.search(r"Credential=(\w+)/", token or "") for token in tokens_of(server)]
    assert ["KEY1", "KEY2"] == [match[1] for match in found if match]


def test_what_is_at_hand_is_not_fetched_again(drive: Driver, transport: Transport, server: Server) -> None:
    auth = Renewing(lasting=True)
    request = Request(method="GET", url=server.url(), auth=auth)

    drive(transport, send(request))
    drive(transport, *[send(request) for _ in range(3)])

    assert (1, {"Bearer 1"}) == (auth.fetched, set(tokens_of(server)))


def test_what_is_fetched_may_take_requests_of_its_own(drive: Driver, transport: Transport, server: Server) -> None:
    """Such as a key of user delegation, which is asked for with a token and is a body, and is repeated by itself."""
    server.script(status(503), ok(b"-of-azure"), ok(b"good"))
    auth = Renewing(ask=Request(method="POST", url=server.url("/key"), body=b""))

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), auth=auth)))

    assert (b"good", 1) == (response.body, response.attempts)
    assert [("POST", None), ("POST", None), ("GET", "Bearer 1-of-azure")] == [
        (seen.method, seen.headers.get("authorization")) for seen in server.seen
    ]


@pytest.mark.parametrize(("path", "expected"), [("/c/key", "/c/key?sig=1"), ("/c?comp=list", "/c?comp=list&sig=1")])
def test_a_query_is_added_to_the_url(
    path: str, expected: str, drive: Driver, transport: Transport, server: Server
) -> None:
    auth = Fixed(Authorisation(query="sig=1"))

    drive(transport, send(Request(method="GET", url=server.url(path), auth=auth)))

    assert [expected] == [seen.target for seen in server.seen]


def test_a_token_that_is_refused_is_replaced_once(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(401, b"first"), status(401, b"second"), ok())
    auth = Renewing(lasting=True)

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), auth=auth)))

    assert (401, b"second", 1) == (response.status, response.body, response.attempts)
    assert (["Bearer 1", "Bearer 2"], ["Bearer 1"]) == (tokens_of(server), auth.refused)


def test_what_cannot_be_replaced_is_not_tried_again(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(401), ok())
    auth = Fixed(Authorisation(headers=(("Authorization", "Bearer fixed"),)))

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), auth=auth)))

    assert (401, 1) == (response.status, len(server.seen))


def test_attempts_lost_before_a_refusal_are_counted(drive: Driver, transport: Transport, server: Server) -> None:
    """They may have had their effect; the one that was refused had none."""
    server.script(cut, cut, status(401), status(503), ok())
    request = Request(method="POST", url=server.url(), body=b"x", auth=Renewing(lasting=True))

    (response,) = drive(transport, send(request))

    assert (200, 4, 5) == (response.status, response.attempts, len(server.seen))


def test_what_is_sent_once_is_sent_again_after_a_refusal(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(401), status(201))
    source = Source.of(b"a body")
    request = Request(
        method="PUT",
        url=server.url(),
        body=BodySlice(source=source, offset=0, size=6),
        idempotent=False,
        once=True,
        auth=Renewing(lasting=True),
    )

    (response,) = drive(transport, send(request))

    assert (201, 1, [b"a body", b"a body"]) == (response.status, response.attempts, [seen.body for seen in server.seen])


def test_a_download_goes_on_after_a_refusal_where_it_broke_off(
    drive: Driver, transport: Transport, server: Server
) -> None:
    body = bytes(range(200)) * 50
    server.script(cut_body(body, 4000, ETag='"1"'), status(401, ETag='"1"'), ranges(body, ETag='"1"'))
    taken = bytearray()
    request = Request(method="GET", url=server.url(), sink=taken.extend, auth=Renewing(lasting=True))

    (response,) = drive(transport, send(request))

    assert (206, body, 3) == (response.status, bytes(taken), len(server.seen))
    assert ["Bearer 1", "Bearer 1", "Bearer 2"] == tokens_of(server)


def test_without_a_token_nothing_is_sent(drive: Driver, transport: Transport, server: Server) -> None:
    with pytest.raises(AuthenticationError):
        drive(transport, send(Request(method="GET", url=server.url(), auth=Renewing(last=0))))

    assert [] == server.seen


def test_a_token_that_is_gone_at_a_repeat_ends_the_request(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(503), ok())

    with pytest.raises(AuthenticationError):
        drive(transport, send(Request(method="GET", url=server.url(), auth=Renewing(last=1))))

    assert 1 == len(server.seen)


def test_a_traceback_shows_nothing_of_an_authorisation(transport: Transport, server: Server) -> None:
    auth = Fixed(Authorisation(query="sig=not-to-be-seen", headers=(("Authorization", "Bearer not-to-be-seen\n"),)))

    with pytest.raises(NotSupportedError, match="'Authorization'") as caught:
        transport.run(send(Request(method="GET", url=server.url(), auth=auth)))

    frames = TracebackException.from_exception(caught.value, capture_locals=True).stack
    shown = [(frame.name, text) for frame in frames for text in (frame.locals or {}).values()]
    assert shown
    assert [] == [(name, text) for name, text in shown if "not-to-be-seen" in text]
