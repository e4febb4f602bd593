"""XML of services: elements by their local names, however the namespace is declared."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from kazinex_storage.errors import UnavailableError
from kazinex_storage.providers.objectstore.xml_text import is_true, parse_xml, text_of
from kazinex_storage.providers.s3.xml import delete_body

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@pytest.mark.parametrize(
    "text",
    [
        "<R><K>a</K></R>",
        f'<R xmlns="{NAMESPACE}"><K>a</K></R>',
        f'<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="{NAMESPACE}"><K>a</K></R>',
        f"<?xml version='1.0'?><R xmlns='{NAMESPACE}'><K>a</K></R>",
        f'<R xmlns="{NAMESPACE}"><K xmlns="{NAMESPACE}">a</K></R>',
        f'<R Status="1" xmlns = "{NAMESPACE}"><K>a</K></R>',
        f'<s3:R xmlns:s3="{NAMESPACE}"><s3:K>a</s3:K></s3:R>',
        f'<R xmlns="{NAMESPACE}" xmlns:x="urn:x"><x:Owner x:type="y"/><K>a</K></R>',
        f'<!-- by a gateway --><R xmlns="{NAMESPACE}"><K>a</K></R>',
    ],
)
def test_an_element_is_known_by_its_local_name(text: str) -> None:
    root = parse_xml(text.encode(), "S3")

    assert ("R", "a") == (root.tag, text_of(root, "K"))


@pytest.mark.parametrize("name", [' xmlns="b', " xmlns='b'", "{urn:x}K", 'a xmlns:s="c"'])
def test_a_key_that_looks_like_a_declaration_is_kept_as_it_is(name: str) -> None:
    root = parse_xml(f"<R><K>{name}</K></R>".encode(), "S3")

    assert name == text_of(root, "K")


def test_a_prefix_without_a_declaration_is_no_xml() -> None:
    with pytest.raises(UnavailableError, match="not the XML of S3"):
        parse_xml(b"<s3:R><s3:K>a</s3:K></s3:R>", "S3")


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("True", True), (" TRUE ", True), ("1", True)])
@pytest.mark.parametrize(("other", "other_expected"), [("false", False), ("", False), (None, False), ("no", False)])
def test_truth_is_spelled_in_more_than_one_way(
    text: str, expected: bool, other: str | None, other_expected: bool
) -> None:
    assert (expected, other_expected) == (is_true(text), is_true(other))


@pytest.mark.parametrize("key", ["a&b", "<a>", 'say "a"', "&amp;lt;", "it's", "ü/é"])
def test_keys_are_escaped_in_the_body_of_a_delete(key: str) -> None:
    body = delete_body([key]).decode()

    assert f"<Key>{escape(key, {chr(34): '&quot;'})}</Key>" in body
    assert key == text_of(parse_xml(delete_body([key]), "S3"), "Object/Key")
