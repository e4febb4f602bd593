"""Conditional reads: an exchange that reads one object, with ``If-None-Match`` on its requests (RFC 9110, 13.1.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

from ...contract_reading import not_modified
from ...transport import Exchange, Request, Response
from .header_text import date_of, quoted_etag

T = TypeVar("T")


def unless(exchange: Exchange[T], etag: str, key: str) -> Exchange[T]:
    """Run *exchange*, which reads the object *key*, unless that is still the version *etag*. No request more.

    Raises:
        NotModifiedError: it is; the sink was given nothing.
    """
    outcome: object = None
    failure: BaseException | None = None
    while True:
        try:
            command = exchange.send(outcome) if failure is None else exchange.throw(failure)
        except StopIteration as ended:
            return cast(T, ended.value)
        if isinstance(command, Request) and command.method in ("GET", "HEAD"):
            command = replace(command, headers=(*command.headers, ("If-None-Match", quoted_etag(etag))))
        try:
            outcome, failure = (yield command), None
        except GeneratorExit:
            exchange.close()
            raise
        except BaseException as error:  # the exchange decides what becomes of it
            outcome, failure = None, error
        response = outcome if isinstance(outcome, Response) else None
        if response is not None and response.status == 304:
            outcome, failure = None, not_modified(key, etag, date_of(response.headers.get("last-modified")))
