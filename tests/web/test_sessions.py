"""Links and sessions of ``serve``: a link works once and for an hour, a session for twelve."""

from __future__ import annotations

from kazinex_storage.web.sessions import LINK_S, MOST_SESSIONS, SESSION_S, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_link_opens_one_session() -> None:
    sessions = Sessions("operator")
    link = sessions.new_link()

    opened = sessions.open(link)

    assert opened is not None
    assert opened.caller == sessions.find(opened.cookie)
    assert ("operator", True) == (opened.caller.name, opened.caller.cookie)
    assert sessions.open(link) is None


def test_each_session_has_an_id_and_a_token_of_its_own() -> None:
    sessions = Sessions("operator")

    first, second = sessions.open(sessions.new_link()), sessions.open(sessions.new_link())

    assert first is not None
    assert second is not None
    assert 4 == len({first.cookie, second.cookie, first.caller.csrf, second.caller.csrf})


def test_what_was_never_issued_opens_nothing() -> None:
    sessions = Sessions("operator")
    sessions.new_link()

    assert sessions.open("") is None
    assert sessions.open("guess") is None
    assert sessions.open("\udcff") is None
    assert sessions.find(None) is None
    assert sessions.find("guess") is None


def test_links_and_sessions_end() -> None:
    clock = Clock()
    sessions = Sessions("operator", clock=clock)
    late = sessions.new_link()
    opened = sessions.open(sessions.new_link())
    assert opened is not None

    clock.now += LINK_S
    assert sessions.open(late) is None
    clock.now += SESSION_S - LINK_S - 1
    assert sessions.find(opened.cookie) is not None
    clock.now += 1
    assert sessions.find(opened.cookie) is None


def test_the_oldest_session_makes_way() -> None:
    sessions = Sessions("operator")
    opened = [sessions.open(sessions.new_link()) for _ in range(MOST_SESSIONS + 1)]

    found = [sessions.find(each.cookie) is not None for each in opened if each is not None]

    assert [False, *[True] * MOST_SESSIONS] == found


def test_neither_links_nor_cookies_stand_in_the_object() -> None:
    sessions = Sessions("operator")
    link = sessions.new_link()
    opened = sessions.open(sessions.new_link())

    assert opened is not None
    kept = repr(vars(sessions))
    assert link not in kept
    assert opened.cookie not in kept
