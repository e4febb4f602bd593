"""What the provider for local disks makes of names, and of the files that others put into its tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kazinex_storage.errors import InvalidKeyError, NotFoundError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.bench import sha256
from kazinex_storage.types import PutOptions


class TestNames:
    """What a disk cannot hold, and what the provider keeps for itself."""

    @pytest.mark.parametrize(
        "key", [".~kazinex", ".~kazinex/objects/a", "a/.~kazinex-1/b", "a/.~kazinexes", ".~kazinex-0123456789abcdef"]
    )
    def test_reserved_names_are_refused(self, root: Path, storage: Storage, key: str) -> None:
        storage.put("before", b"1")

        for action in (
            lambda: storage.put(key, b"1"),
            lambda: storage.get_bytes(key),
            lambda: storage.head(key),
            lambda: storage.delete(key),
            lambda: storage.copy("before", key),
            lambda: storage.copy(key, "after"),
        ):
            with pytest.raises(InvalidKeyError):
                action()

        assert ["before"] == [info.key for info in storage.list()]

    def test_reserved_names_are_not_listed(self, storage: Storage) -> None:
        storage.put("a", b"1", PutOptions(metadata={"a": "b"}))

        for prefix in ("", ".", ".~", ".~kazinex", ".~kazinex/", ".~kazinex/objects/"):
            found = [*storage.list(prefix), *storage.list(prefix, recursive=False)]
            assert [] == [entry for entry in found if ".~" in repr(entry)]

    @pytest.mark.parametrize("segment", ["n" * 255, "ü" * 127])
    @pytest.mark.parametrize("form", ["{}", "{}/file", "folder/{}"])
    def test_a_segment_of_255_bytes_is_held(self, storage: Storage, segment: str, form: str) -> None:
        storage.put(form.format(segment), b"1")

        assert [form.format(segment)] == [info.key for info in storage.list()]

    @pytest.mark.parametrize("segment", ["n" * 256, "ü" * 128])
    @pytest.mark.parametrize("form", ["{}", "{}/file", "folder/{}"])
    def test_a_longer_segment_is_refused(self, root: Path, storage: Storage, segment: str, form: str) -> None:
        with pytest.raises(InvalidKeyError, match="255 bytes"):
            storage.put(form.format(segment), b"1")

        assert [] == [path for path in root.iterdir() if path.name != ".~kazinex"]

    def test_an_object_and_a_folder_cannot_share_a_name(self, storage: Storage) -> None:
        storage.put("a/b", b"1")
        storage.put("c", b"2")

        for key in ("a", "a/b/c", "c/d"):
            with pytest.raises(InvalidKeyError):
                storage.put(key, b"3")

        assert ["a/b", "c"] == sorted(info.key for info in storage.list())


class TestFilesOfOthers:
    """The tree is an ordinary one, shared with other programs."""

    def test_files_of_others_are_objects(self, root: Path, storage: Storage) -> None:
        (root / "their folder").mkdir()
        (root / "their folder" / "plan.pdf").write_bytes(b"%PDF")

        info = storage.head("their folder/plan.pdf")

        assert (4, "application/pdf", None) == (info.size, info.content_type, info.sha256)
        assert b"%PDF" == storage.get_bytes("their folder/plan.pdf")
        assert ["their folder/plan.pdf"] == [entry.key for entry in storage.list()]

    def test_what_is_no_file_is_no_object(self, root: Path, storage: Storage) -> None:
        os.mkfifo(root / "pipe")
        (root / "empty folder").mkdir()

        assert [] == list(storage.list())
        assert [] == list(storage.list(recursive=False))
        for key in ("pipe", "empty folder"):
            with pytest.raises(NotFoundError):
                storage.get_bytes(key)

    def test_names_that_are_no_keys_are_passed_over(self, root: Path, storage: Storage) -> None:
        for name in (b"back\\slash", b"new\nline", b"not \xff utf-8", "e\u0301 decomposed".encode()):
            (root / os.fsdecode(name)).write_bytes(b"1")
        storage.put("a", b"1")

        assert ["a"] == [info.key for info in storage.list()]

    def test_the_metadata_survive_a_backup(self, root: Path, tmp_path: Path, storage: Storage) -> None:
        options = PutOptions(content_type="text/x-plan", metadata={"author": "A. Person"})
        storage.put("folder/a", b"12345", options)
        storage.put("empty", b"", options)

        subprocess.run(["cp", "-a", root, tmp_path / "restored"], check=True)

        with Storage(LocalProvider(LocalSettings(root=tmp_path / "restored"))) as restored:
            for key, data in (("folder/a", b"12345"), ("empty", b"")):
                info = restored.head(key)
                assert ("text/x-plan", {"author": "A. Person"}) == (info.content_type, dict(info.metadata))
                assert sha256(data) == info.sha256

    def test_a_damaged_sidecar_does_not_hide_the_object(self, root: Path, storage: Storage) -> None:
        storage.put("a.pdf", b"12345", PutOptions(metadata={"author": "A. Person"}))
        for path in (root / ".~kazinex" / "objects").rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[:-9])

        assert (b"12345", "application/pdf") == (storage.get_bytes("a.pdf"), storage.head("a.pdf").content_type)

    @pytest.mark.parametrize("text", [b"[]", b"null", b'"text"', b"{}", b'{"key": "a", "metadata": 7}', b"\xff\xfe"])
    def test_a_sidecar_that_is_something_else_does_not_hide_the_object(
        self, root: Path, storage: Storage, text: bytes
    ) -> None:
        storage.put("a", b"12345")
        for path in (root / ".~kazinex" / "objects").rglob("*"):
            if path.is_file():
                path.write_bytes(text)

        assert (b"12345", 5) == (storage.get_bytes("a"), storage.head("a").size)
        assert ({}, None) == (storage.head("a").metadata, storage.head("a").sha256)
        assert 5 == storage.copy("a", "b").size

    def test_removing_the_sidecars_loses_metadata_and_nothing_else(self, root: Path, storage: Storage) -> None:
        storage.put("a", b"1", PutOptions(metadata={"author": "A. Person"}))

        shutil.rmtree(root / ".~kazinex")

        assert (b"1", {}) == (storage.get_bytes("a"), dict(storage.head("a").metadata))
        storage.put("a", b"2", PutOptions(metadata={"author": "Another"}))
        assert {"author": "Another"} == dict(storage.head("a").metadata)
