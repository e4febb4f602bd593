"""The only place that repeats a request: an exchange around an exchange.

``attempts`` turns one ``Request`` into as many attempts, and waits between them, as the policy allows. It has no
colour: it yields ``Attempt`` and ``Wait``, and the driver carries them out. A download that breaks off goes on at the
byte it had reached (``resume.py``).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final, Protocol

from ..errors import RateLimitedError, UnavailableError, clean_text
from ..lazy import DEBUG, logger, regex
from .attempt import Attempt, Gathered
from .exchange import Exchange, Wait
from .gate import Gate
from .observe import Observation, Observer
from .request import Request, Response
from .resume import Resumption, is_complete
from .retry_policy import RetryPolicy, retry_after_s
from .status import CALLBACK_FAILED, COULD_NOT_CONNECT, RETRY_STATUSES, SEND_ERROR, error_of, is_passing, kind_of

_log = logger(__name__)

# urlsplit costs 3 us and fills its cache with URLs that do not come again.
_AUTHORITY: Final = regex(r"[^:/?#]*://(?:[^/?#]*@)?([^/?#]*)")

# An attempt with less time than this left is not worth starting.
_LEAST_ATTEMPT_S = 1.0

_PLAIN = frozenset({200, 201, 202, 204, 206})
"""The statuses of a success that needs no second look."""

_REQUEST_IDS = ("x-amz-request-id", "x-ms-request-id", "request-id", "cf-ray")


class Lane(Protocol):
    """How requests let others go first; only where there are runs (``lane.py``)."""

    def passing(self, request: Request, policy: RetryPolicy) -> Exchange[None]:
        """Wait until the request may be sent."""
        ...

    def note(self, attempt: Attempt, policy: RetryPolicy) -> None:
        """Learn from the response to *attempt*."""
        ...

    def waiting(self, attempt: Attempt, seconds: float) -> Exchange[None]:
        """Wait before the request of *attempt* is repeated."""
        ...


def first_attempt(policy: RetryPolicy, request: Request) -> Attempt | None:
    """Return the first attempt of *request*, for a driver to send at once; None where something comes before it.

    This is the straight path: most requests are answered at once, and then ``plain_response`` reads what came. All
    else goes on in ``attempts``, from this very attempt.
    """
    auth = request.auth
    if request.gate is not None or request.late is not None:
        return None
    attempt = Attempt(request, request.headers)
    if auth is not None:
        at_hand = auth.at_hand
        if at_hand is None:
            return None
        attempt.authorisation = at_hand
    attempt.sent_at = policy.clock()
    return attempt


def plain_response(policy: RetryPolicy, observer: Observer | None, attempt: Attempt) -> Response | None:
    """Return the response to a first attempt that is a plain success; None when ``attempts`` has to go on from it."""
    status, request = attempt.status, attempt.request
    if (
        attempt.code
        or attempt.error is not None
        or status not in _PLAIN
        or request.status_of_body is not None
        or (status == 206 and (request.whole or not is_complete(attempt)))
    ):
        return None
    if (
        observer is not None or request.notice is not None or ("logging" in sys.modules and _log.isEnabledFor(DEBUG))
    ):  # which costs 1 us to ask
        _notice(attempt, 1, policy.clock() - attempt.sent_at, policy, observer)
    return attempt.response(1 + attempt.repeated)


def attempts(
    request: Request,
    policy: RetryPolicy,
    observer: Observer | None,
    first: Attempt | None = None,
    lane: Lane | None = None,
) -> Exchange[Response]:
    """Send *request* until it is answered, or the policy gives up; *first* has been sent already.

    Where there are runs, *lane* says whether it is one of theirs.
    A body that is wanted whole goes to a sink that gathers it, with what *first* brought of it.

    Raises:
        UnavailableError: no attempt got a complete response.
        IntegrityError: the body of the answer has another length than announced, or changed between two attempts.
        SettingsError: libcurl cannot reach the server as the settings say.
        BaseException: what the sink or the source raises, and interrupts.
    """
    gathered = Gathered() if request.whole else None
    if gathered is not None:
        request = replace(request, sink=gathered, whole=False)
        if first is not None:
            first.pour(request)
    response = yield from _answered(request, policy, observer, first, lane)
    return response if gathered is None or not response.taken else replace(response, body=gathered.value())


def _answered(
    request: Request, policy: RetryPolicy, observer: Observer | None, first: Attempt | None, lane: Lane | None
) -> Exchange[Response]:
    tally = _Tally(request, policy, policy.clock() if first is None else first.sent_at)
    resumption = Resumption(request) if request.sink is not None else None
    attempt, sent = first or Attempt(request, request.headers), first is not None
    auth, refused = request.auth, False
    while True:
        if not sent:
            yield from _sent(attempt, tally, policy, lane)
        sent = False
        seconds = _ended(attempt, tally.number, policy, observer, lane)
        code, status = attempt.code, attempt.status
        if resumption is not None:
            resumption.note(attempt)
        if (code == SEND_ERROR and status >= 400) or (code and resumption is not None and resumption.ends(attempt)):
            code = 0  # refused before the whole body was sent, or broken off after the last byte: the answer counts
        if code == 0:
            if resumption is not None:
                resumption.check(attempt)
            if status == 401 and auth is not None and not refused and (yield from auth.refuse(attempt.authorisation)):
                refused, tally, attempt = True, tally.after_refusal(attempt), _next_attempt(request, resumption)
                continue
            if status == 200 and request.status_of_body is not None:
                status = request.status_of_body(attempt.body)
            if status not in RETRY_STATUSES and status not in request.retry_statuses:
                return tally.response(attempt)
        wait = tally.next_wait(attempt, code, seconds)
        if wait is None:
            if code == 0:
                return tally.response(attempt)
            raise tally.unreachable(attempt)
        if resumption is not None and resumption.taken and not resumption.resumable:
            raise tally.unreachable(attempt, "; the download cannot go on, because the server gave no strong ETag")
        _warn(attempt, code, tally, wait)
        yield from (Wait(wait),) if lane is None else lane.waiting(attempt, wait)
        tally.begin_next(attempt, wait)
        attempt = _next_attempt(request, resumption)
        attempt.patience_s = tally.patience_s


def _next_attempt(request: Request, resumption: Resumption | None) -> Attempt:
    return Attempt(request, request.headers) if resumption is None else resumption.next_attempt()


class _Tally:
    """What a request has cost so far: attempts, time, and time without a response."""

    __slots__ = ("_begun", "_policy", "_repeats", "_request", "_silent_s", "number")

    def __init__(self, request: Request, policy: RetryPolicy, begun: float, lost: int = 0) -> None:
        self._request = request
        self._policy = policy
        self._begun = begun
        self._silent_s = 0.0
        """Of attempts that got no response."""
        self._repeats = lost
        """Additional sends: by libcurl itself before the current attempt, and before a 401."""
        self.number = 1
        """Of the current attempt."""

    def next_wait(self, attempt: Attempt, code: int, seconds: float) -> float | None:
        """Return how long to wait after an *attempt* that took *seconds*; None when there is to be no other."""
        policy, number = self._policy, self.number
        if code:
            self._silent_s = max(0.0, seconds - attempt.moved_s) + (0.0 if attempt.taken else self._silent_s)
        refused, request = code == COULD_NOT_CONNECT, self._request
        repeated = request.idempotent and not request.once
        if (
            not (repeated or refused or (not code and attempt.status in request.refusals))
            or number >= self.most(code)
            or (code and not is_passing(code))
        ):
            return None
        if refused:
            wait = policy.refused_wait_s(number)
        else:
            asked = retry_after_s(attempt.answer.get("retry-after"), policy.now()) if code == 0 else None
            if asked is not None and asked > policy.max_retry_after_s:
                return None
            wait = policy.wait_s(number, attempt.status if code == 0 else 0, asked)
        if policy.clock() - self._begun + wait > policy.budget_s:
            return None
        return None if code and self._left_s() < wait + _LEAST_ATTEMPT_S else wait

    def most(self, code: int) -> int:
        """Return how often the request is sent at most, after an attempt that ended with *code*."""
        policy = self._policy
        refused = code == COULD_NOT_CONNECT and policy.attempts > 1
        return max(policy.attempts, policy.refused_attempts) if refused else policy.attempts

    def begin_next(self, attempt: Attempt, waited_s: float) -> None:
        """Count the attempt that follows *attempt* after a wait of *waited_s*."""
        self.number += 1
        self._repeats += attempt.repeated
        if self._silent_s:
            self._silent_s += waited_s

    @property
    def patience_s(self) -> float:
        """How many seconds the current attempt may be silent."""
        return max(_LEAST_ATTEMPT_S, self._left_s())

    def after_refusal(self, attempt: Attempt) -> _Tally:
        """Return the tally after *attempt* got a 401: it had no effect, but an earlier lost one may have."""
        return _Tally(self._request, self._policy, self._policy.clock(), self._tried(attempt) - 1)

    def response(self, attempt: Attempt) -> Response:
        """Return the response to *attempt*, with how often the request was sent for it."""
        return attempt.response(self._tried(attempt))

    def unreachable(self, attempt: Attempt, remark: str = "") -> Exception:
        """Return the error for a request that got no response on any attempt."""
        request, host = self._request, host_of(self._request.url)
        if attempt.code == 0:
            return UnavailableError(f"{host} answered {attempt.status}{remark}", operation=request.operation or None)
        seconds = self._policy.clock() - self._begun
        error = error_of(attempt.code, attempt.message + remark, host, request.operation, self.number, seconds)
        error.request_id = _request_id(attempt)
        return error

    def _tried(self, attempt: Attempt) -> int:
        return self.number + self._repeats + attempt.repeated

    def _left_s(self) -> float:
        patience = self._request.patience_s
        most = self._policy.unanswered_s
        return (most if patience is None else min(most, patience)) - self._silent_s


def _sent(attempt: Attempt, tally: _Tally, policy: RetryPolicy, lane: Lane | None) -> Exchange[None]:
    """Wait for the gate, authorise *attempt* and yield it to the driver.

    A response that comes too late for the caller goes to ``Request.late``.

    Raises:
        StorageError: the gate stays closed for too long, or there is nothing to authorise it with.
        BaseException: an interrupt.
    """
    request = attempt.request
    if lane is not None:
        yield from lane.passing(request, policy)
    elif request.gate is not None:
        yield from passing(request.gate, request, policy)
    if request.auth is not None:
        attempt.authorisation = request.auth.at_hand or (yield from request.auth.fetch())
    attempt.sent_at = policy.clock()
    try:
        yield attempt
    except BaseException:
        late = request.late
        if late is not None and attempt.whole and attempt.code == 0:
            late(tally.response(attempt))
        raise


def _ended(attempt: Attempt, number: int, policy: RetryPolicy, observer: Observer | None, lane: Lane | None) -> float:
    """Show the observer an attempt that has ended, and return the seconds that it took.

    Raises:
        BaseException: what the sink or the source raised, or an interrupt.
    """
    seconds = policy.clock() - attempt.sent_at
    if observer is not None or attempt.request.notice is not None or _log.isEnabledFor(DEBUG):
        _notice(attempt, number, seconds, policy, observer)
    _look(attempt, policy, lane)
    return seconds


def _look(attempt: Attempt, policy: RetryPolicy, lane: Lane | None) -> None:
    """Raise what a callback caught, and report the response to the gate.

    Raises:
        BaseException: what the sink or the source raised, or an interrupt.
    """
    if attempt.error is not None:
        raise attempt.error
    if attempt.code in CALLBACK_FAILED:
        from .session import lost_error  # libcurl is loaded when it has failed

        raise lost_error()
    if attempt.code == 0:
        gate = attempt.request.gate
        if lane is not None:
            lane.note(attempt, policy)
        elif gate is not None:
            gate.note(attempt.status, retry_after_s(attempt.answer.get("retry-after"), policy.now()), attempt.answer)


def passing(gate: Gate, request: Request, policy: RetryPolicy) -> Exchange[None]:
    """Wait until *gate* lets the request pass.

    Raises:
        RateLimitedError: that would take longer than the policy waits for a server.
    """
    closed = gate.closed_s() > 0
    place = 0.0 if closed else gate.place_s()
    if not closed and not place:
        return
    gate.enter()
    try:
        if closed:
            while (wait := gate.closed_s()) > 0:
                check_wait(wait, request, policy)
                yield Wait(wait)
            place = gate.place_s()
        if place > 0:
            yield Wait(min(place, policy.max_retry_after_s))
    finally:
        gate.leave()


def check_wait(wait: float, request: Request, policy: RetryPolicy) -> None:
    """Refuse a *wait* that is too long.

    Raises:
        RateLimitedError: it is longer than the policy waits for a server.
    """
    if wait > policy.max_retry_after_s:
        raise RateLimitedError(
            f"{host_of(request.url)} has asked this client to slow down; repeat it in {wait:.0f} s",
            operation=request.operation or None,
            retry_after_s=wait,
        )


def _warn(attempt: Attempt, code: int, tally: _Tally, wait: float) -> None:
    request = attempt.request
    _log.warning(
        "%s %s at %s: %s, repeating in %.2f s (attempt %d of %d)",
        request.operation or "request",
        request.method,
        host_of(request.url),
        kind_of(code) if code else f"status {attempt.status}",
        wait,
        tally.number,
        tally.most(code),
    )


def _notice(attempt: Attempt, number: int, seconds: float, policy: RetryPolicy, observer: Observer | None) -> None:
    request = attempt.request
    error: str | None = None
    if attempt.error is not None:
        error = type(attempt.error).__name__
    elif attempt.code:
        error = kind_of(attempt.code)
    seen = Observation(
        operation=request.operation,
        method=request.method,
        host=host_of(request.url),
        status=attempt.status,
        attempt=number,
        started_at=policy.now() - seconds,
        seconds=seconds,
        sent=attempt.size,
        received=attempt.received,
        request_id=_request_id(attempt),
        error=error,
    )
    _log.debug("%s", seen)
    for shown in (observer, request.notice):
        if shown is not None:
            shown(seen)


def _request_id(attempt: Attempt) -> str | None:
    answer = attempt.answer
    for name in _REQUEST_IDS:
        if name in answer:
            return clean_text(answer[name])
    return None


def host_of(url: str) -> str:
    """Return the host and port in *url*."""
    found = _AUTHORITY.match(url)
    return found[1] if found is not None else ""
