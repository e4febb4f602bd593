"""Ours with a policy and an observer, as an application has it: what those cost."""

from __future__ import annotations

from kazinex_storage import Transport, UploadPolicy
from kazinex_storage.transport import Observation, TransportSettings

from ..place import Place
from . import ours

EXTENSIONS = ("pdf", "dwg", "dxf", "ifc", "rvt", "docx", "xlsx", "zip", "jpg", "png")
"""What a document control allows."""


class Counter:
    """An observer as small as one that counts for a dashboard."""

    def __init__(self) -> None:
        self.requests = 0
        self.failed = 0
        self.seconds = 0.0

    def __call__(self, seen: Observation) -> None:
        self.requests += 1
        self.failed += seen.error is not None or seen.status >= 500
        self.seconds += seen.seconds


class Client(ours.Client):
    """The same, watched."""

    def __init__(self, place: Place) -> None:
        settings = TransportSettings(ca_file=place.ca_file)
        super().__init__(place, transport=Transport(settings=settings, observe=Counter()))
        policy = UploadPolicy.make(kind="s3", ceiling=5 * 2**40, max_file_bytes=5 * 2**30, extensions=EXTENSIONS)
        self.storage = self.storage.with_policy(policy)
