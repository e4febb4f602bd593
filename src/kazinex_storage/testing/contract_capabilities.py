"""What is not declared is refused before any request; also for providers that do declare it, by hiding that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from ..capabilities import Capability
from ..contract import PartUploader, UploadResumer
from ..storage.sync import Storage
from ..types import PresignOptions, PutMode, PutOptions, UploadState
from .bench import CREATE, Bench

_PARTS = sorted(name for name in vars(PartUploader) if not name.startswith("_"))
_RESUME = sorted(name for name in vars(UploadResumer) if not name.startswith("_"))

_STATE = UploadState(key="a", upload_id="1", size=1, part_bytes=1)

_REFUSED: dict[str, tuple[Capability, Callable[[Storage], object]]] = {
    "create": (Capability.CREATE_ONLY, lambda storage: storage.put("b", b"1", CREATE)),
    "create empty": (Capability.CREATE_ONLY, lambda storage: storage.put("b", b"", CREATE)),
    "create from an iterator": (Capability.CREATE_ONLY, lambda storage: storage.put("b", iter([b"1"]), CREATE)),
    "create copy": (Capability.CREATE_ONLY, lambda storage: storage.copy("a", "b", mode=PutMode.CREATE)),
    "create move": (Capability.CREATE_ONLY, lambda storage: storage.move("a", "b", mode=PutMode.CREATE)),
    "if_match": (Capability.CONDITIONAL, lambda storage: storage.put("a", b"1", PutOptions(if_match="v"))),
    "metadata": (Capability.METADATA, lambda storage: storage.put("a", b"1", PutOptions(metadata={"author": "x"}))),
    "content disposition": (
        Capability.METADATA,
        lambda storage: storage.put("a", b"1", PutOptions(content_disposition="inline")),
    ),
    "cache control": (
        Capability.METADATA,
        lambda storage: storage.put("a", b"1", PutOptions(cache_control="no-store")),
    ),
    "content encoding": (
        Capability.METADATA,
        lambda storage: storage.put("a", b"1", PutOptions(content_encoding="gzip")),
    ),
    "content language": (
        Capability.METADATA,
        lambda storage: storage.put("a", b"1", PutOptions(content_language="de")),
    ),
    "presign get": (Capability.PRESIGN, lambda storage: storage.presign("a")),
    "presign put": (Capability.PRESIGN, lambda storage: storage.presign("a", PresignOptions(method="PUT", size=1))),
    "tags of a put": (Capability.TAGS, lambda storage: storage.put("a", b"1", PutOptions(tags={"a": "1"}))),
    "read tags": (Capability.TAGS, lambda storage: storage.tags("a")),
    "set tags": (Capability.TAGS, lambda storage: storage.set_tags("a", {"a": "1"})),
    "class of a put": (Capability.STORAGE_CLASS, lambda storage: storage.put("a", b"1", PutOptions(storage_class="C"))),
    "set class": (Capability.STORAGE_CLASS, lambda storage: storage.set_storage_class("a", "C")),
    "public url": (Capability.PUBLIC_URL, lambda storage: storage.public_url("a")),
    "sign a form": (Capability.POST_POLICY, lambda storage: storage.presign_post("a")),
    "begin an upload": (Capability.PARTS, lambda storage: storage.begin_upload("a", 1)),
    "resume an upload": (Capability.PARTS, lambda storage: storage.resume_upload(_STATE, b"1")),
    "abort an upload": (Capability.PARTS, lambda storage: storage.abort_upload(_STATE)),
    "complete an upload": (Capability.PARTS, lambda storage: storage.complete_upload(_STATE)),
    "sign an upload": (Capability.PARTS, lambda storage: storage.presign_upload(_STATE, timedelta(hours=1))),
    "conditional get": (Capability.CONDITIONAL_READ, lambda storage: storage.get_bytes("a", if_none_match="v")),
    "conditional head": (Capability.CONDITIONAL_READ, lambda storage: storage.head("a", if_none_match="v")),
    "list a page": (Capability.RESUMED_LISTING, lambda storage: storage.list_page()),
    "read a version": (Capability.VERSIONS, lambda storage: storage.get_bytes("a", version="1")),
    "look at a version": (Capability.VERSIONS, lambda storage: storage.head("a", version="1")),
    "restore a version": (Capability.VERSIONS, lambda storage: storage.restore("a", "1")),
    "undelete": (Capability.UNDELETE, lambda storage: storage.undelete("a")),
    "purge": (Capability.UNDELETE, lambda storage: storage.purge("a")),
    "list uploads": (Capability.PARTS, lambda storage: storage.pending_uploads()),
}


class CapabilityContract:
    """Capabilities as data."""

    def test_what_is_not_declared_is_refused_before_any_request(self, bench: Bench) -> None:
        """One test for all: each fresh place costs more than a refusal."""
        bench.storage.put("a", b"before")

        for what, (capability, action) in _REFUSED.items():
            try:
                bench.refuses(capability, action)
            except BaseException as error:
                error.add_note(f"refusing: {what}")
                raise

        assert b"before" == bench.peek("a")
        assert ["a"] == bench.keys()

    def test_what_is_refused_has_a_reason_and_what_is_ours_is_declared(self, bench: Bench) -> None:
        info = bench.provider.info

        assert info.ours <= info.capabilities
        assert not info.capabilities & set(info.missing)
        assert all(info.missing.values())

    def test_the_provider_says_the_same_of_itself_each_time(self, bench: Bench) -> None:
        before = bench.provider.info

        bench.storage.put("a", b"1")

        assert before == bench.provider.info

    def test_what_is_declared_has_its_method(self, bench: Bench) -> None:
        methods = {
            Capability.SERVER_COPY: "copy",
            Capability.SERVER_MOVE: "move",
            Capability.BULK_DELETE: "delete_many",
            Capability.PRESIGN: "presign",
            Capability.STREAMED_WRITES: "put_stream",
            Capability.CONDITIONAL_READ: "get_changed",
            Capability.RESUMED_LISTING: "list_page",
            Capability.TAGS: "set_tags",
            Capability.STORAGE_CLASS: "set_storage_class",
            Capability.PUBLIC_URL: "public_url",
            Capability.POST_POLICY: "presign_post",
        }
        offers = bench.provider
        missing = [name for capability, name in methods.items() if bench.can(capability) and not hasattr(offers, name)]
        for capability, names in {Capability.PARTS: _PARTS, Capability.RESUME: _RESUME}.items():
            if bench.can(capability):
                missing += [name for name in names if not hasattr(offers, name)]

        assert [] == missing

    def test_the_limits_make_sense(self, bench: Bench) -> None:
        info = bench.provider.info

        assert info.kind == info.kind.lower()
        assert info.max_object_bytes > 0
        assert 0 < info.max_key_bytes <= 1024
        assert info.concurrency >= 1
