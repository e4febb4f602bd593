"""obstore's own file system for fsspec."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from ..place import Place
from . import with_obstore
from .common import place_below


class Client:
    """What is compared through fsspec."""

    def __init__(self, place: Place) -> None:
        raw = with_obstore.Client(place)
        self.version = f"{raw.version}, obstore.fsspec"
        self.bucket = raw.bucket
        self.system = importlib.import_module("obstore.fsspec").FsspecStore("s3", **raw.options)

    def get(self, key: str) -> bytes:
        return bytes(self.system.cat_file(f"{self.bucket}/{key}"))

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        starts, ends = zip(*spans, strict=True)
        found = self.system.cat_ranges([f"{self.bucket}/{key}"] * len(spans), list(starts), list(ends))
        return sum(map(len, found))

    def tree_up(self, folder: str, prefix: str) -> None:
        self.system.put(f"{folder}/", f"{self.bucket}/{prefix}/", recursive=True)

    def tree_down(self, prefix: str, folder: str) -> None:
        # Its recursive get looks for an object with the name of the folder, and fails.
        found = self.system.find(f"{self.bucket}/{prefix}/")
        self.system.get(found, [str(place_below(folder, f"{self.bucket}/{prefix}", path)) for path in found])
