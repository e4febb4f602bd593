"""Bare libcurl: the floor. It signs, and does nothing else: no retries, no checks, no parsing of answers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote

import pycurl

from ..jobs import IN_FLIGHT
from ..place import Place
from .common import files_below, place_below

Item = TypeVar("Item")


class Client:
    """An easy handle for single requests, a multi with 64 handles for many."""

    def __init__(self, place: Place) -> None:
        self.version = f"pycurl {version('pycurl')}"
        self.place = place
        self.base = f"{place.endpoint_url}/{place.bucket}/"
        self.easy = self._handle()
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_MAXCONNECTS, IN_FLIGHT)
        self.free = [self._handle() for _ in range(IN_FLIGHT)]

    def put(self, key: str, body: bytes) -> None:
        self._prepare(self.easy, key, "PUT", body)
        self.easy.perform()

    def get(self, key: str) -> bytes:
        taken = self._prepare(self.easy, key, "GET", None)
        self.easy.perform()
        return b"".join(taken)

    def head(self, key: str) -> None:
        self._prepare(self.easy, key, "HEAD", None)
        self.easy.perform()

    def delete(self, key: str) -> None:
        self._prepare(self.easy, key, "DELETE", None)
        self.easy.perform()

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self._many(keys, "PUT", body)

    def get_many(self, keys: Sequence[str]) -> None:
        self._many(keys, "GET", None)

    def upload(self, path: str, key: str) -> int:
        handle = self._handle()
        with open(path, "rb", buffering=0) as file:
            self._prepare(handle, key, "PUT", None)
            handle.setopt(pycurl.UPLOAD, 1)
            handle.setopt(pycurl.UPLOAD_BUFFERSIZE, 256 * 1024)
            handle.setopt(pycurl.INFILESIZE_LARGE, Path(path).stat().st_size)
            handle.setopt(pycurl.READFUNCTION, file.read)
            handle.perform()
        handle.close()
        return Path(path).stat().st_size

    def download(self, key: str, path: str) -> int:
        handle = self._handle()
        with open(path, "wb", buffering=0) as file:
            self._prepare(handle, key, "GET", None, file)
            handle.perform()
        handle.close()
        return Path(path).stat().st_size

    def count(self, prefix: str) -> int:
        found, token = 0, ""
        while True:
            more = f"&continuation-token={token}" if token else ""
            self._prepare(self.easy, f"?list-type=2&prefix={quote(prefix, safe='')}{more}", "GET", None)
            page = io.BytesIO()
            self.easy.setopt(pycurl.WRITEFUNCTION, page.write)
            self.easy.perform()
            text = page.getvalue()
            found += text.count(b"<Key>")
            if b"<IsTruncated>true" not in text:
                return found
            token = text.partition(b"<NextContinuationToken>")[2].partition(b"<")[0].decode()

    def tree_up(self, folder: str, prefix: str) -> None:
        def put(handle: pycurl.Curl, file: tuple[str, str]) -> None:
            self._prepare(handle, f"{prefix}/{file[1]}", "PUT", Path(file[0]).read_bytes())

        self._at_once(files_below(folder), put)

    def tree_down(self, prefix: str, folder: str) -> None:
        def finish(handle: pycurl.Curl) -> None:
            body, path = bodies.pop(handle)
            path.write_bytes(b"".join(body))

        def get(handle: pycurl.Curl, key: str) -> None:
            bodies[handle] = self._prepare(handle, key, "GET", None), place_below(folder, prefix, key)

        # It lists nothing: the names are known, and the floor is that of the bodies.
        bodies: dict[pycurl.Curl, tuple[list[bytes], Path]] = {}
        count = int(prefix.rpartition("count-")[2])
        self._at_once((f"{prefix}/{number:08d}" for number in range(count)), get, finish)

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        def get(handle: pycurl.Curl, span: tuple[int, int]) -> None:
            bodies.append(self._prepare(handle, key, "GET", None))
            handle.setopt(pycurl.RANGE, f"{span[0]}-{span[1] - 1}")

        bodies: list[list[bytes]] = []
        self._at_once(spans, get, lambda handle: handle.unsetopt(pycurl.RANGE))
        return sum(len(b"".join(body)) for body in bodies)

    def _handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.TCP_NODELAY, 1)
        handle.setopt(pycurl.AWS_SIGV4, f"aws:amz:{self.place.region}:s3")
        handle.setopt(pycurl.USERPWD, f"{self.place.access_key_id}:{self.place.secret_access_key}")
        handle.setopt(pycurl.HTTPHEADER, ["x-amz-content-sha256: UNSIGNED-PAYLOAD", "Expect:", "Content-Type:"])
        handle.setopt(pycurl.BUFFERSIZE, 64 * 1024)
        if self.place.ca_file is not None:
            handle.setopt(pycurl.CAINFO, self.place.ca_file)
        return handle

    def _prepare(
        self, handle: pycurl.Curl, key: str, method: str, body: bytes | None, file: BinaryIO | None = None
    ) -> list[bytes]:
        taken: list[bytes] = []
        handle.setopt(pycurl.URL, self.base + key)
        handle.setopt(pycurl.NOBODY, method == "HEAD")
        if method == "GET":
            handle.setopt(pycurl.HTTPGET, 1)
            handle.unsetopt(pycurl.CUSTOMREQUEST)
        elif method != "HEAD":
            handle.setopt(pycurl.CUSTOMREQUEST, method)
        if body is not None:
            handle.setopt(pycurl.POSTFIELDS, body)
        handle.setopt(pycurl.HEADERFUNCTION, [].append)
        handle.setopt(pycurl.WRITEFUNCTION, taken.append if file is None else file.write)
        return taken

    def _many(self, keys: Sequence[str], method: str, body: bytes | None) -> None:
        def prepare(handle: pycurl.Curl, key: str) -> None:
            self._prepare(handle, key, method, body)

        self._at_once(keys, prepare)

    def _at_once(
        self,
        items: Iterable[Item],
        prepare: Callable[[pycurl.Curl, Item], None],
        finish: Callable[[pycurl.Curl], None] | None = None,
    ) -> None:
        left, active = iter(items), 0
        while True:
            while self.free and (item := next(left, None)) is not None:
                handle = self.free.pop()
                prepare(handle, item)
                self.multi.add_handle(handle)
                active += 1
            if not active:
                return
            self.multi.perform()
            queued = 1
            while queued:
                queued, good, bad = self.multi.info_read()
                if bad:
                    raise RuntimeError(bad[0][2])
                for handle in good:
                    if finish is not None:
                        finish(handle)
                    self.multi.remove_handle(handle)
                    self.free.append(handle)
                    active -= 1
            if active:
                self.multi.select(1.0)
