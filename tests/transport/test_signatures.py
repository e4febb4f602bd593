"""Signatures are those that botocore makes of the same request."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from kazinex_storage.bodies.body import BytesBody
from kazinex_storage.bodies.source import Source
from kazinex_storage.transport import Authorisation, BodySlice, Fixed, Request, SigV4, Transport
from kazinex_storage.transport.attempt import Attempt
from kazinex_storage.transport.sigv4 import Headers, Signer

from .conftest import Server, send

KEY = SigV4(access_key_id="EXAMPLEKEY", secret_access_key="example/secret", region="eu-west-1")  # noqa: S106
PAYLOAD = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
MOMENT = 1_790_000_000


def by_botocore(method: str, url: str, headers: Headers, stamp: str) -> str:
    credentials = Credentials(KEY.access_key_id, KEY.secret_access_key)
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.headers["X-Amz-Date"] = stamp
    request.context["timestamp"] = stamp
    auth = S3SigV4Auth(credentials, "s3", KEY.region)
    canonical = auth.canonical_request(request)
    signed = auth.signed_headers(auth.headers_to_sign(request))
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    return (
        f"Authorization: AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={signed}, "
        f"Signature={signature}"
    )


@cache
def attempt(method: str, url: str, headers: Headers, body: bytes | BodySlice | None = None) -> Attempt:
    """The attempt of a request with *headers*, the last of which come with the authorisation."""
    found = Attempt(Request(method=method, url=url, body=body), headers[:2])
    found.authorisation = Authorisation(headers=headers[2:])
    return found


def ours(signer: Signer, method: str, url: str, headers: Headers) -> tuple[str, str]:
    date, authorization = signer.lines(attempt(method, url, headers))
    return str(date).removeprefix("X-Amz-Date: "), str(authorization)


TEXT = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
NAMES = st.sampled_from(["Content-Type", "If-Match", "Range", "x-amz-meta-a", "x-amz-meta-b", "X-Amz-Copy-Source"])


@given(
    method=st.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE"]),
    origin=st.sampled_from(["https://example.invalid", "http://127.0.0.1:9000", "https://example.invalid:8443"]),
    path=st.text(max_size=12),
    query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=4),
    fields=st.dictionaries(NAMES, TEXT, max_size=4),
    moment=st.integers(0, 4_000_000_000),
)
@example("GET", "https://example.invalid", "a//b/../c", {"b": "", "a": "2", "a-": "1"}, {"Range": "  a   b "}, MOMENT)
def test_a_signature_is_that_of_botocore(
    method: str, origin: str, path: str, query: dict[str, str], fields: dict[str, str], moment: int
) -> None:
    url = f"{origin}/bucket/{quote(path, safe='/~', errors='replace')}"
    if query:
        url += "?" + "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items())
    headers: Headers = (PAYLOAD, *fields.items())
    signer = Signer(KEY, lambda: moment)

    stamp, authorization = ours(signer, method, url, headers)

    assert by_botocore(method, url, headers, stamp) == authorization
    assert (stamp, authorization) == ours(signer, method, url, headers)  # now from the template


@given(
    method=st.sampled_from(["GET", "PUT", "DELETE"]),
    origin=st.sampled_from(["https://example.invalid:443", "http://127.0.0.1:9000", "http://[::1]:80"]),
    path=st.text(max_size=12),
    query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
    fields=st.dictionaries(NAMES, TEXT, max_size=3),
    token=st.none() | st.just("a/token+of=a session"),
)
def test_a_url_is_signed_as_botocore_signs_it(
    method: str, origin: str, path: str, query: dict[str, str], fields: dict[str, str], token: str | None
) -> None:
    url = f"{origin}/bucket/{quote(path, safe='/~', errors='replace')}"
    if query:
        url += "?" + "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items())

    signed = Signer(KEY).signed_url(method, url, fields, 900, MOMENT, token)

    unsigned, _, signature = signed.rpartition("&X-Amz-Signature=")
    request = AWSRequest(method=method, url=unsigned, headers=fields)
    request.context["timestamp"] = unsigned.partition("&X-Amz-Date=")[2][:16]
    auth = S3SigV4QueryAuth(Credentials(KEY.access_key_id, KEY.secret_access_key, token), "s3", KEY.region, expires=900)
    assert unsigned.startswith(url)
    assert signature == auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def test_urls_of_several_days_are_signed_with_the_keys_of_those() -> None:
    signer = Signer(KEY)
    days = [MOMENT, MOMENT + 86_400, MOMENT]

    found = [signer.signed_url("GET", "https://a.invalid/k", {}, 60, day, None) for day in days]

    assert found[0] == found[2]
    assert found[1] == Signer(KEY).signed_url("GET", "https://a.invalid/k", {}, 60, days[1], None)


def test_a_signer_goes_with_the_time() -> None:
    moments = [MOMENT, MOMENT, MOMENT + 1, MOMENT + 86400]
    signer = Signer(KEY, iter(moments).__next__)
    headers = (PAYLOAD,)

    found = [ours(signer, "GET", "https://example.invalid/a", headers) for _ in moments]

    assert found[0] == found[1]
    assert 3 == len({stamp for stamp, _ in found})
    for stamp, authorization in found:
        assert by_botocore("GET", "https://example.invalid/a", headers, stamp) == authorization


def test_a_template_is_for_its_own_headers_and_host_only() -> None:
    signer = Signer(KEY, lambda: MOMENT)
    first, second = (PAYLOAD, ("Range", "bytes=0-1")), (PAYLOAD, ("Range", "bytes=0-2"))

    found = [
        ours(signer, "GET", url, headers)
        for headers in (first, second)
        for url in ("https://a.invalid/k", "https://b.invalid/k")
    ]

    assert 4 == len({authorization for _, authorization in found})


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (None, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"a", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        (BodySlice(source=Source(BytesBody(b"ab")), offset=0, size=2), "UNSIGNED-PAYLOAD"),
    ],
)
def test_a_payload_that_no_header_names_is_hashed_each_time(body: bytes | BodySlice | None, payload: str) -> None:
    signer, headers = Signer(KEY, lambda: MOMENT), (("Range", "bytes=0-1"),)
    signer.lines(attempt("PUT", "https://example.invalid/a", headers, b"another"))

    *_, line = signer.lines(attempt("PUT", "https://example.invalid/a", headers, body))

    assert f"x-amz-content-sha256: {payload}" == line


@pytest.mark.parametrize("origin", ["http://localhost", "http://127.0.0.1"])
def test_the_host_that_is_signed_is_the_one_that_is_sent(transport: Transport, server: Server, origin: str) -> None:
    url = f"{origin}:{server.port}/a//b/../c%20d?x=1&a"
    request = Request(method="GET", url=url, headers=(PAYLOAD,), auth=Fixed(Authorisation(signing=KEY)))

    transport.run(send(request))

    seen = server.seen[0]
    sent = f"http://{seen.headers['host']}{seen.target}"
    assert "/a//b/../c%20d?x=1&a" == seen.target
    assert f"Authorization: {seen.headers['authorization']}" == by_botocore(
        "GET", sent, (PAYLOAD,), seen.headers["x-amz-date"]
    )


def test_the_usual_port_is_not_in_the_host() -> None:
    signer = Signer(KEY, lambda: MOMENT)

    found = [
        ours(signer, "GET", url, (PAYLOAD,))
        for url in ("https://a.invalid:443/k", "https://a.invalid/k", "http://a.invalid:80/k", "http://a.invalid/k")
    ]

    assert 1 == len(set(found))
