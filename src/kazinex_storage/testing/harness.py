"""What a third party writes to have its provider proven: how to make one, and a back door to its medium."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Protocol

from ..types import MIB, PresignedUrl
from ..verbs import AnyProvider


class Harness(Protocol):
    """Makes providers for the kit. Subclass it to inherit the knobs; one harness serves one test."""

    max_examples: int = 40
    """Sequences of operations that the state machine tries."""
    steps: int = 30
    """Operations in each of them."""
    shrink: bool = True
    """Whether a sequence that fails is shortened, which takes minutes where each operation is a request."""
    # A stream grows its windows from 256 KiB to 8 MiB and a kernel copy moves 8 MiB: 9 MiB crosses all of them.
    large_bytes: int = 9 * MIB
    """Bytes of the large objects."""
    resumed_bytes: int = 9 * MIB
    """Bytes of the objects whose upload is broken off; more than one part, where large bodies have more."""
    page_items: int = 1_005
    """Objects of the long listing; more than one page of the service."""
    racers: int = 8
    """Threads that race."""
    keeps_tags_of_parts: bool = True
    """Whether what goes out in parts keeps the tags that it was begun with; emulators of S3 may forget them."""
    settle_s: float = 0
    """Seconds until the provider sees what ``poke`` wrote."""
    model_keys: tuple[str, ...] = ("a", "a/b", "a/b/c", "a/b c", "a.b", "b", "ü%41/+&=", "ü%41/~/x")
    """Keys that the state machine uses: few, so that operations meet the same object, some below the names of others,
    which a service that keeps objects as files may not like."""
    lingering_folders: bool = False
    """Whether the service goes on listing a folder for a while after its last object is gone."""
    lists_etags: bool = True
    """Whether a recursive listing of the whole medium reports ETags; where it does not they are None."""
    longest_key: int | None = None
    """Characters of the longest key, where the limit of the service is on characters and not on bytes."""
    refused_keys: frozenset[str] = frozenset()
    """Keys of ``names.AWKWARD_KEYS`` that the service cannot hold; the kit then proves that they are refused."""

    def make(self) -> AnyProvider:
        """Return a fresh provider over an empty medium; the kit closes it. The back door reaches the one made last."""
        ...

    def peek(self, key: str) -> bytes | None:
        """Return the bytes that the medium holds under the full *key*, without the provider; None when absent."""
        ...

    def poke(self, key: str, data: bytes) -> None:
        """Write *data* under the full *key* behind the provider's back, replacing what may be there."""
        ...

    def close(self) -> None:
        """Remove what was made; called once, at the end of the test."""

    def send(self, url: PresignedUrl, body: bytes) -> tuple[int, bytes]:
        """Send a presigned request and return (status, body of the answer). The default speaks HTTP.

        Raises:
            OSError: there is no answer.
        """
        request = urllib.request.Request(  # noqa: S310  # the URL comes from the provider under test
            url.url, data=body if url.method == "PUT" else None, headers=dict(url.headers), method=url.method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
