"""Exchanges fed by hand: whose answers count, what a lost answer means, what is refused before its first byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import (
    AlreadyExistsError,
    ArchivedError,
    IntegrityError,
    LockedError,
    NotSupportedError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.providers.azure_blob.batch import parse_batch
from kazinex_storage.providers.azure_blob.errors import map_error
from kazinex_storage.providers.azure_blob.exchanges import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import SasToken, Target
from kazinex_storage.transport import Exchange, Many, Outcome, Request, Response
from kazinex_storage.types import MIB, ByteRange, PutMode, PutOptions

KEY = ObjectKey("a/b.pdf")
AZURE = {"x-ms-request-id": "1", "x-ms-version": "2021-12-02"}
CREATE = PutOptions(mode=PutMode.CREATE)
CONDITION = {**AZURE, "x-ms-error-code": "BlobAlreadyExists"}


@pytest.fixture
def exchanges() -> AzureBlobProvider:
    endpoint = "https://acme.blob.core.windows.net"
    return AzureBlobProvider(
        Target(account="acme", container="docs", endpoint_url=endpoint, credential=SasToken(token="sig=" + "secret"))
    )


def answer(status: int, headers: Mapping[str, str], body: bytes = b"") -> Response:
    return Response(status=status, headers=headers, body=body)


def feed(exchange: Exchange[object], *answers: Callable[[Request], Response] | Response) -> object:
    """Return the result of *exchange* after it was sent *answers* one by one."""
    command = next(exchange)
    for given in answers:
        assert isinstance(command, Request)
        try:
            command = exchange.send(given if isinstance(given, Response) else given(command))
        except StopIteration as end:
            return end.value
    raise AssertionError("it wants a further answer")


def test_a_404_without_the_headers_of_the_service_is_not_absence(exchanges: AzureBlobProvider) -> None:
    for exchange in (exchanges.head(KEY), exchanges.delete(KEY), exchanges.get(KEY, ByteRange(), len, None)):
        with pytest.raises(UnavailableError, match="something other than Azure"):
            feed(exchange, answer(404, {"content-type": "text/html"}))


@pytest.mark.parametrize("status", [201, 202, 200])
def test_a_success_without_the_headers_of_the_service_is_none(exchanges: AzureBlobProvider, status: int) -> None:
    for exchange in (exchanges.put(KEY, Source.of(b"x"), PutOptions()), exchanges.delete(KEY), exchanges.head(KEY)):
        with pytest.raises(UnavailableError):
            feed(exchange, answer(status, {"content-length": "1"}))


def test_a_listing_without_the_headers_of_the_service_is_none(exchanges: AzureBlobProvider) -> None:
    with pytest.raises(UnavailableError):
        feed(exchanges.scan(Prefix("")).next(), answer(200, {}, b"<EnumerationResults><Blobs/></EnumerationResults>"))


def test_a_writer_whose_answer_was_lost_recognises_its_own_object(exchanges: AzureBlobProvider) -> None:
    token: dict[str, str] = {}

    def refuse(request: Request) -> Response:
        token.update({name: value for name, value in request.headers if name.endswith("write")})
        return answer(409, CONDITION)

    def show(_: Request) -> Response:
        return answer(200, {**AZURE, **token, "etag": '"0x1"', "content-length": "1"})

    found = feed(exchanges.put(KEY, Source.of(b"x"), CREATE), refuse, show)

    assert "0x1" == getattr(found, "etag", None)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (answer(200, {**AZURE, "etag": '"0x1"', "content-length": "1"}), AlreadyExistsError),
        (answer(503, AZURE), UnavailableError),
        (answer(403, AZURE), UnavailableError),
        (answer(404, {}), UnavailableError),
    ],
    ids=["another's", "busy", "forbidden", "stranger"],
)
def test_what_stands_in_the_way_is_anothers_only_when_that_is_seen(
    exchanges: AzureBlobProvider, shown: Response, expected: type[StorageError]
) -> None:
    with pytest.raises(StorageError) as caught:
        feed(exchanges.put(KEY, Source.of(b"x"), CREATE), answer(409, CONDITION), shown)

    assert expected is type(caught.value)


def test_another_span_is_refused_before_its_first_byte(exchanges: AzureBlobProvider) -> None:
    request = next(exchanges.get(KEY, ByteRange(start=2, end=5), len, "0x1"))

    assert isinstance(request, Request)
    assert request.on_headers is not None
    sent = {**AZURE, "etag": '"0x1"', "content-length": "3"}
    request.on_headers({**sent, "content-range": "bytes 2-4/9"})
    for wrong in ({"content-range": "bytes 3-5/9"}, {}, {"content-range": "bytes 2-4/9", "etag": '"0x2"'}):
        with pytest.raises(IntegrityError):
            request.on_headers({**sent, **wrong})


def test_directories_are_no_objects_and_foreign_names_are_left_out(exchanges: AzureBlobProvider) -> None:
    def blob(name: str, more: str = "") -> str:
        return f"<Blob><Name>{name}</Name><Properties><Content-Length>1</Content-Length></Properties>{more}</Blob>"

    folder = blob("a", "<Metadata><Hdi_IsFolder>True</Hdi_IsFolder></Metadata>")
    blobs = folder + "".join(map(blob, ("a/b", "a//c", "d.")))
    body = f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>".encode()

    found = feed(exchanges.scan(Prefix("")).next(), answer(200, AZURE, body))

    assert isinstance(found, list)
    assert ["a/b"] == [info.key for info in found]


def test_a_listing_that_does_not_advance_ends(exchanges: AzureBlobProvider) -> None:
    page = answer(200, AZURE, b"<EnumerationResults><Blobs/><NextMarker>m</NextMarker></EnumerationResults>")

    with pytest.raises(UnavailableError, match="does not advance"):
        feed(exchanges.scan(Prefix("")).next(), page, page, page, page)


def test_the_signature_is_in_no_repr(exchanges: AzureBlobProvider) -> None:
    assert "secret" not in repr(next(exchanges.head(KEY))) + repr(exchanges.target)


class Copier:
    """A service that copies by blocks, as documented: Azurite answers 501 to Put Block From URL."""

    size = 600 * MIB

    def __init__(self, refuse: tuple[int, str] | None = None) -> None:
        self.blocks: list[dict[str, str]] = []
        self.committed: Request | None = None
        self.refuse = refuse

    def __call__(self, request: Request) -> Response:
        assert request.auth is not None
        authorisation = request.auth.at_hand
        assert authorisation is not None
        headers = dict((*request.headers, *authorisation.headers))
        if request.method == "HEAD":
            found = {"etag": '"0x1"', "content-length": str(self.size), "content-type": "application/pdf"}
            return answer(200, {**AZURE, **found, "x-ms-meta-author": "me"})
        if "comp=blocklist" in request.url:
            self.committed = request
            return answer(201, {**AZURE, "etag": '"0x2"'})
        self.blocks.append({**headers, "url": request.url})
        if self.refuse is not None:
            return answer(self.refuse[0], {**AZURE, "x-ms-error-code": self.refuse[1]})
        return answer(201, AZURE)

    def drive(self, exchange: Exchange[object]) -> object:
        """Answer everything that *exchange* asks, until it has ended."""
        try:
            command = next(exchange)
            while True:
                if isinstance(command, Request):
                    command = exchange.send(self(command))
                else:
                    assert isinstance(command, Many)
                    command = exchange.send([self._outcome(one) for one in command.exchanges])
        except StopIteration as end:
            return end.value

    def _outcome(self, exchange: Exchange[object]) -> Outcome[object]:
        try:
            return Outcome(value=self.drive(exchange))
        except StorageError as error:
            return Outcome(error=error)


def test_a_small_copy_has_ended_when_its_answer_comes(exchanges: AzureBlobProvider) -> None:
    """Azurite copies at once, whatever it is told."""
    service = Copier()
    service.size = 1000
    copying = exchanges.copy(KEY, ObjectKey("b.pdf"), PutMode.REPLACE)
    look = next(copying)
    assert isinstance(look, Request)

    request = copying.send(service(look))

    assert isinstance(request, Request)
    assert ("x-ms-requires-sync", "true") in request.headers


def test_a_large_copy_goes_by_blocks_of_one_version(exchanges: AzureBlobProvider) -> None:
    service = Copier()

    found = service.drive(exchanges.copy(KEY, ObjectKey("b.pdf"), PutMode.REPLACE))

    spans = ["bytes=0-268435455", "bytes=268435456-536870911", "bytes=536870912-629145599"]
    assert spans == [block["x-ms-source-range"] for block in service.blocks]
    for block in service.blocks:
        assert '"0x1"' == block["x-ms-source-if-match"]
        assert block["x-ms-copy-source"].startswith("https://acme.blob.core.windows.net/docs/a/b.pdf?sig=")
    assert service.committed is not None
    headers, body = dict(service.committed.headers), service.committed.body
    assert isinstance(body, bytes)
    assert 3 == body.count(b"<Uncommitted>")
    assert ("application/pdf", "me") == (headers["x-ms-blob-content-type"], headers["x-ms-meta-author"])
    assert ("b.pdf", Copier.size, "0x2") == (
        getattr(found, "key", None),
        getattr(found, "size", None),
        getattr(found, "etag", None),
    )


@pytest.mark.parametrize(
    "refusal", [(412, "SourceConditionNotMet"), (404, "BlobNotFound"), (403, "AuthorizationFailure")]
)
def test_a_large_copy_of_what_changed_stores_nothing(exchanges: AzureBlobProvider, refusal: tuple[int, str]) -> None:
    service = Copier(refusal)

    with pytest.raises(StorageError):
        service.drive(exchanges.copy(KEY, ObjectKey("b.pdf"), PutMode.REPLACE))

    assert None is service.committed


BATCH = """--batchresponse_66925647\r
Content-Type: application/http\r
Content-ID: 0\r
\r
HTTP/1.1 202 Accepted\r
x-ms-request-id: 778fdc83\r
x-ms-version: 2021-12-02\r
\r
--batchresponse_66925647\r
Content-Type: application/http\r
Content-ID: 1\r
\r
HTTP/1.1 404 The specified blob does not exist.\r
x-ms-error-code: BlobNotFound\r
x-ms-request-id: 778fdc84\r
Content-Length: 4\r
\r
<a/>\r
--batchresponse_66925647--\r
"""
MIXED = {**AZURE, "content-type": "multipart/mixed; boundary=batchresponse_66925647"}


def test_a_batch_is_read_as_documented() -> None:
    found = parse_batch(answer(202, MIXED, BATCH.encode()))

    assert {0: 202, 1: 404} == {number: response.status for number, response in found.items()}
    assert "BlobNotFound" == found[1].headers["x-ms-error-code"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (AZURE, BATCH),
        (MIXED, ""),
        (MIXED, BATCH.replace("66925647--", "66925647")),
        (MIXED, BATCH.replace("Content-ID: 1", "Content-ID: 0")),
        (MIXED, BATCH.replace("Content-ID: 1", "Content-ID: +1")),
        (MIXED, BATCH.replace("HTTP/1.1 202", "hello")),
    ],
    ids=["no boundary", "nothing", "no end", "twice", "no number", "no status"],
)
def test_a_batch_that_is_not_clear_proves_nothing(headers: Mapping[str, str], body: str) -> None:
    with pytest.raises(UnavailableError, match="which objects it deleted"):
        parse_batch(answer(202, headers, body.encode()))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("BlobArchived", ArchivedError),
        ("BlobBeingRehydrated", ArchivedError),
        ("InvalidBlobType", NotSupportedError),
        ("SnapshotsPresent", LockedError),
        ("InvalidBlobTier", NotSupportedError),
        (None, UnavailableError),
    ],
)
def test_a_permanent_refusal_is_not_reported_as_a_transient_one(code: str | None, expected: type[StorageError]) -> None:
    error = map_error(answer(409, AZURE if code is None else {**AZURE, "x-ms-error-code": code}), KEY)

    assert expected is type(error)
    assert error.retryable is (expected is UnavailableError)
