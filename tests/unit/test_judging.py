"""``Service``: one place judges statuses, and pages of strangers never pass as answers."""

from __future__ import annotations

import pytest

from kazinex_storage.errors import NotFoundError, StorageError, UnavailableError
from kazinex_storage.providers.objectstore.sending import Service, is_page
from kazinex_storage.transport import Request, Response

REQUEST = Request(method="GET", url="https://example.com/a")


def map_error(response: Response, key: str | None) -> StorageError:
    kind = NotFoundError if response.status == 404 else UnavailableError
    return kind(f"answered {response.status}", key=key)


SERVICE = Service(map_error, lambda response: not is_page(response))


def test_an_answer_with_a_wanted_status_is_returned() -> None:
    answer = Response(status=404, headers={})
    exchange = SERVICE.send(REQUEST, ok=(200, 404))
    assert next(exchange) is REQUEST

    with pytest.raises(StopIteration) as ended:
        exchange.send(answer)

    assert ended.value.value is answer


def test_another_status_is_the_error_that_the_provider_makes_of_it() -> None:
    with pytest.raises(NotFoundError, match="answered 404") as caught:
        SERVICE.judge(Response(status=404, headers={}), key="a")

    assert caught.value.key == "a"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Response(status=200, headers={"content-type": "text/html; charset=utf-8"}), id="type"),
        pytest.param(Response(status=200, headers={}, body=b"<!DOCTYPE html><HTML>"), id="body"),
    ],
)
def test_a_page_of_a_captive_portal_never_passes(page: Response) -> None:
    with pytest.raises(UnavailableError):
        SERVICE.judge(page)
