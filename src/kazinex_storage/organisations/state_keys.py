"""The keys that the upload states of an organisation are sealed with: derived from the ring that seals its secrets."""

from __future__ import annotations

import json
from typing import cast

from .sealing import KeySource


class OrganisationKeys:
    """The keys of one organisation; a state of another one does not open. Old keys of the ring go on checking."""

    __slots__ = ("_label", "_source")

    def __init__(self, source: KeySource, organisation: str) -> None:
        """Derive from the ring of *source*, which is read when it is needed."""
        self._source = source
        self._label = json.dumps(["upload state", organisation]).encode()

    def sealing(self) -> tuple[str, bytes]:
        """Return the id and the key that seals now.

        Raises:
            SettingsError: the ring cannot be read or made.
        """
        ring = self._source.for_sealing()
        return ring.current, cast(bytes, ring.derived(ring.current, self._label))

    def checking(self, key_id: str) -> bytes | None:
        """Return the key of that id; None when the ring has none.

        Raises:
            SettingsError: the ring cannot be read.
        """
        return self._source.for_opening(key_id).derived(key_id, self._label)
