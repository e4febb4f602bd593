"""Tags, storage classes, public URLs and forms: what is declared works, and what is not is refused."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from ..bodies.stream import HEAD_BYTES
from ..capabilities import Capability
from ..contract_writing import PostForm, PostOptions
from ..errors import NotFoundError
from ..types import PresignOptions, PutMode, PutOptions
from .bench import Bench, needs, pattern

_TAGS = {"project": "north", "state": "for review", "a+b": "1/2:3=4_5."}
_BOUNDARY = "7d1c5a2e0b9f"


class LabelContract:
    """What objects carry that can be changed, and ways to them without credentials."""

    @needs(Capability.TAGS, lambda storage: storage.put("a", b"1", PutOptions(tags=_TAGS)))
    def test_tags_are_written_with_the_object_replaced_and_carried_by_copies(self, bench: Bench) -> None:
        storage = bench.storage
        storage.put("a", b"1", PutOptions(tags=_TAGS))
        storage.put("large", iter([pattern(HEAD_BYTES), b"1"]), PutOptions(tags={"size": "large"}))
        put = storage.tags("a"), storage.tags("large")
        storage.copy("a", "b")
        storage.copy("a", "c", mode=PutMode.CREATE)
        copied = storage.tags("b"), storage.tags("c")
        storage.set_tags("a", {"state": "approved"})
        replaced = storage.tags("a")
        storage.set_tags("a", {})

        in_parts = bench.harness.keeps_tags_of_parts
        assert (_TAGS, {"size": "large"} if in_parts else {}) == put
        assert (_TAGS, _TAGS if in_parts else {}) == copied
        assert {"state": "approved"} == replaced
        assert {} == storage.tags("a")
        assert b"1" == bench.peek("a")
        with pytest.raises(NotFoundError):
            storage.tags("absent")
        with pytest.raises(ValueError, match="at most 10 tags"):
            storage.set_tags("a", {str(number): "" for number in range(11)})

    @needs(Capability.STORAGE_CLASS, lambda storage: storage.put("a", b"1", PutOptions(storage_class="COLD")))
    def test_a_put_chooses_the_storage_class_which_can_be_changed(self, bench: Bench) -> None:
        storage = bench.storage
        usual, other = storage.info.storage_classes[:2]
        options = PutOptions(storage_class=other, metadata={"author": "A. Person"})
        storage.put("a", b"1", options)
        storage.put("large", iter([pattern(HEAD_BYTES), b"1"]), options)
        before = storage.head("a")
        put = before.storage_class, storage.head("large").storage_class
        back = storage.set_storage_class("a", usual)
        found = storage.head("a")

        assert (other, other) == put
        assert back.storage_class in (usual, None)
        assert found.storage_class in (usual, None)
        assert {"author": "A. Person"} == dict(found.metadata)
        assert before.etag == found.etag or not storage.info.classes_in_place
        assert b"1" == bench.peek("a")

    @needs(Capability.PUBLIC_URL, lambda storage: storage.public_url("a"))
    def test_a_public_url_ends_with_the_name_of_the_object(self, bench: Bench) -> None:
        assert bench.storage.public_url("plans/a.pdf").endswith("plans/a.pdf")

    @needs(Capability.POST_POLICY, lambda storage: storage.presign_post("a"))
    def test_a_form_uploads_its_key_within_its_limits(self, bench: Bench) -> None:
        storage = bench.storage
        form = storage.presign_post("a.txt", PostOptions(max_bytes=4, content_type="text/plain"))

        refused = _post(form, b"12345"), _post(form, b"1", key="other.txt")
        taken = _post(form, b"1234")
        put = PresignOptions(method="PUT", size=4, content_type="text/plain")
        info = storage.confirm("a.txt", put, write_token=form.write_token)

        assert all(400 <= status < 500 for status in refused), refused
        assert 200 <= taken < 300, taken
        assert (4, b"1234") == (info.size, bench.peek("a.txt"))
        assert ["a.txt"] == bench.keys()


def _post(form: PostForm, body: bytes, key: str | None = None) -> int:
    fields = dict(form.fields) if key is None else {**form.fields, "key": key}
    lines = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    ]
    lines.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n')
    sent = "".join(lines).encode() + body + f"\r\n--{_BOUNDARY}--\r\n".encode()
    url = urlsplit(form.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        connection.request("POST", url.path, sent, headers)
        return connection.getresponse().status
    finally:
        connection.close()
