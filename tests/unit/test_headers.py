"""The headers of an answer, in every form that servers and proxies send."""

from __future__ import annotations

import pytest

from kazinex_storage.transport.attempt import parse_headers

OK = b"HTTP/1.1 200 OK\r\n"
END = b"\r\n"

HEADS = {
    "usual": ([OK, b'ETag: "a"\r\n', b"Content-Length: 12\r\n", END], {"etag": '"a"', "content-length": "12"}),
    "none": ([OK, END], {}),
    "nothing": ([], {}),
    "a colon in a value": (
        [OK, b"Date: Mon, 23 Nov 2026 07:00:00 GMT\r\n", END],
        {"date": "Mon, 23 Nov 2026 07:00:00 GMT"},
    ),
    "a colon and a blank in a value": ([OK, b"A: b: c\r\n", b"D: e\r\n", END], {"a": "b: c", "d": "e"}),
    "no blank": ([OK, b"A:b\r\n", b"C: d\r\n", END], {"a": "b", "c": "d"}),
    "one without and one with two": ([OK, b"A:b\r\n", b"C: d: e\r\n", END], {"a": "b", "c": "d: e"}),
    "empty values": ([OK, b"A:\r\n", b"B: \r\n", END], {"a": "", "b": ""}),
    "blanks around": ([OK, b"A: \t b \r\n", b"C:  d\r\n", END], {"a": "b", "c": "d"}),
    "repeated": ([OK, b"A: b\r\n", b"a: c\r\n", END], {"a": "b, c"}),
    "no header": ([OK, b"what is this\r\n", b"A: b\r\n", END], {"a": "b"}),
    "no header, but with a blank": ([OK, b"A: b\r\n", b"\r\n", b"C: d\r\n"], {"a": "b", "c": "d"}),
    "bare line feeds": ([OK, b"A: b\n", b"C: d\n", b"\n"], {"a": "b", "c": "d"}),
    "another letter": ([OK, b"A: M\xfcller\r\n", END], {"a": "M\xfcller"}),
    "early hints": ([b"HTTP/1.1 103 Early Hints\r\n", b"A: b\r\n", END, OK, b"C: d\r\n", END], {"c": "d"}),
    "the proxy's own": ([b"HTTP/1.0 200 Connection established\r\n", END, OK, b"C: d\r\n", END], {"c": "d"}),
    "trailers": ([OK, b"A: b\r\n", END, b"C: d\r\n"], {"a": "b", "c": "d"}),
    "broken off": ([OK, b"A: b\r\n", b"C: d"], {"a": "b", "c": "d"}),
}


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS)
def test_headers_are_read(head: list[bytes], expected: dict[str, str]) -> None:
    assert expected == parse_headers(head)
