"""Ordinary pages of a listing are read by one regular expression, and say what the parser of XML would."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import UnavailableError
from kazinex_storage.providers.objectstore.listed_pages import Page
from kazinex_storage.providers.s3.answers import parse_page
from kazinex_storage.providers.s3.contents import read_contents

Fields = dict[str, str]

FORMS: dict[str, Callable[[Fields], str]] = {
    "Amazon": lambda f: (
        f"<Contents><Key>{f['key']}</Key><LastModified>{f['moment']}</LastModified><ETag>&quot;{f['etag']}&quot;</ETag>"
        f"<Size>{f['size']}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    ),
    "Amazon with checksums": lambda f: (
        f"<Contents><Key>{f['key']}</Key><LastModified>{f['moment']}</LastModified><ETag>&quot;{f['etag']}&quot;</ETag>"
        "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
        f"<Size>{f['size']}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    ),
    "Cloudflare": lambda f: (
        f"<Contents><Key>{f['key']}</Key><Size>{f['size']}</Size><LastModified>{f['moment']}</LastModified>"
        f"<ETag>&quot;{f['etag']}&quot;</ETag><StorageClass>STANDARD</StorageClass></Contents>"
    ),
    "SeaweedFS": lambda f: (
        f"<Contents><Key>{f['key']}</Key><ETag>&#34;{f['etag']}&#34;</ETag><Size>{f['size']}</Size>"
        "<Owner><ID>10</ID><DisplayName>any</DisplayName></Owner>"
        f"<StorageClass>STANDARD</StorageClass><LastModified>{f['moment']}</LastModified></Contents>"
    ),
}
FIELDS = {"key": "a/b%20c.pdf", "moment": "2026-11-29T07:08:09.123Z", "etag": "0123abc-2", "size": "42"}
AMAZON = FORMS["Amazon"]


def page(contents: str, *, encoding: str = "<EncodingType>url</EncodingType>", before: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{before}<Name>b</Name>{encoding}<IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    ).encode()


def parsed(contents: str, **others: str) -> Page | None:
    """Return what the parser makes of it: a comment is enough for a page not to be an ordinary one."""
    try:
        return parse_page(page(contents, before="<!-- read me whole -->", **others))
    except UnavailableError:
        return None


def read(contents: str, **others: str) -> Page | None:
    try:
        return parse_page(page(contents, **others))
    except UnavailableError:
        return None


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_form_of_every_service_is_ordinary(form: Callable[[Fields], str]) -> None:
    contents = "".join(form({**FIELDS, "key": f"a/{number}%2B.pdf"}) for number in range(3))

    assert read_contents(page(contents)) is not None
    assert parsed(contents) == read(contents)
    assert read_contents(page(contents, before="<!-- -->")) is None


def test_objects_with_and_without_checksums_stand_in_one_page() -> None:
    contents = AMAZON(FIELDS) + FORMS["Amazon with checksums"](FIELDS) + AMAZON(FIELDS)

    assert read_contents(page(contents)) is not None
    assert parsed(contents) == read(contents)


ODD = {
    "another form": AMAZON(FIELDS) + FORMS["Cloudflare"](FIELDS),
    "a folder between": AMAZON(FIELDS) + "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>" + AMAZON(FIELDS),
    "a comment between": AMAZON(FIELDS) + "<!-- <Contents> -->" + AMAZON(FIELDS),
    "a comment around one": AMAZON(FIELDS) + "<!-- " + AMAZON(FIELDS) + " -->" + AMAZON(FIELDS),
    "a CDATA section": AMAZON({**FIELDS, "key": "<![CDATA[a&b]]>"}),
    "an instruction": AMAZON(FIELDS) + "<?a b?>" + AMAZON(FIELDS),
    "an entity in a name": AMAZON({**FIELDS, "key": "a&amp;b"}),
    "a number for a character": AMAZON({**FIELDS, "key": "a&#x41;b"}),
    "no entity at all": AMAZON({**FIELDS, "key": "a&nbsp;b"}),
    "a name that is not encoded": AMAZON({**FIELDS, "key": "Müller"}),
    "a control character": AMAZON({**FIELDS, "key": "a\x01b"}),
    "a line break": AMAZON({**FIELDS, "key": "a\nb"}),
    "an encoded line break": AMAZON({**FIELDS, "key": "a%0Ab"}) + AMAZON(FIELDS),
    "blanks between": " \n".join([AMAZON(FIELDS)] * 2),
    "blanks inside": AMAZON(FIELDS).replace("<Size>", "\n  <Size>"),
    "an attribute": AMAZON(FIELDS).replace("<Size>", '<Size unit="b">'),
    "a namespace": AMAZON(FIELDS).replace("Contents>", 'Contents xmlns="x">', 1),
    "a size that is none": AMAZON({**FIELDS, "size": "-1"}),
    "a size of 5,000 digits": AMAZON({**FIELDS, "size": "9" * 5000}),
    "no size": AMAZON(FIELDS) + AMAZON(FIELDS).replace("<Size>42</Size>", ""),
    "two sizes": AMAZON(FIELDS).replace("<Size>42</Size>", "<Size>1</Size><Size>2</Size>"),
    "no ETag": AMAZON({**FIELDS, "etag": ""}),
    "a weak ETag": AMAZON(FIELDS).replace("&quot;0123", "W/&quot;0123"),
    "a moment in another zone": AMAZON({**FIELDS, "moment": "2026-11-29T07:08:09+02:00"}),
    "a moment without a zone": AMAZON({**FIELDS, "moment": "2026-11-29T07:08:09"}),
    "a moment that is none": AMAZON({**FIELDS, "moment": "2026-13-29T07:08:09.000Z"}),
    "objects in something else": f"<Other>{AMAZON(FIELDS)}</Other>",
    "an object in an object": AMAZON(FIELDS).replace("<Size>", AMAZON(FIELDS) + "<Size>"),
    "a tag that does not end": AMAZON(FIELDS) + "<Contents>",
    "a tag that ends twice": AMAZON(FIELDS) + "</Contents>",
    "crossed tags": AMAZON(FIELDS).replace("</Size><StorageClass>", "<StorageClass></Size>"),
    "none": "",
}


@pytest.mark.parametrize("contents", ODD.values(), ids=ODD)
@pytest.mark.parametrize("encoding", ["<EncodingType>url</EncodingType>", ""], ids=["encoded", "plain"])
def test_an_odd_page_says_what_the_parser_makes_of_it(contents: str, encoding: str) -> None:
    assert parsed(contents, encoding=encoding) == read(contents, encoding=encoding)


def test_a_name_is_decoded_only_where_the_page_says_that_names_are_encoded() -> None:
    found = read(AMAZON(FIELDS), encoding="")

    assert found is not None
    assert "a/b%20c.pdf" == found.objects[0][0]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
objects = st.lists(
    st.tuples(names, st.integers(0, 10**17), st.text("0123456789abcdef-", max_size=40), st.datetimes()), max_size=5
)


@given(objects=objects, form=st.sampled_from(sorted(FORMS)), encoded=st.booleans())
def test_any_page_says_what_the_parser_makes_of_it(
    objects: list[tuple[str, int, str, object]], form: str, encoded: bool
) -> None:
    contents = "".join(
        FORMS[form](
            {
                "key": quote(name, safe="/") if encoded else escape(name),
                "size": str(size),
                "etag": etag,
                "moment": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z",
            }
        )
        for name, size, etag, moment in objects
    )
    encoding = "<EncodingType>url</EncodingType>" if encoded else ""

    assert parsed(contents, encoding=encoding) == read(contents, encoding=encoding)
