"""Data keys wrapped by a ring of ours, for hosts without a key service: a key file, or ``KAZINEX_STORAGE_KEY``.

It gives each organisation a key that can be destroyed alone; who holds the ring and the catalogue can read everything,
as without data keys.
"""

from __future__ import annotations

import base64

from ...secrecy.masking import MaskedBytes
from ...secrecy.pickling import not_pickled
from ..sealing import RingSource, Sealer
from .source import WrappedKey

_RECORD, _FIELD = "data key", "root"


@not_pickled("give the other process a key ring or a key file of its own")
class RingKeys:
    """A ``KeySource`` over a ring. No requests."""

    kind = "ring"

    def __init__(self, keys: RingSource) -> None:
        """Wrap under the first key of *keys*, a ``KeyRing`` or a ``KeyFile``."""
        self._keys = keys
        self._sealer = Sealer(keys)

    def wrap(self, data_key: bytes, organisation: str) -> WrappedKey:
        """Wrap *data_key*.

        Raises:
            SettingsError: the ring cannot be read or made.
        """
        text = base64.b64encode(data_key).decode()
        sealed = self._sealer.seal(text, organisation=organisation, record=_RECORD, field=_FIELD)
        return WrappedKey(source=self.kind, key="sealing key", version=sealed.split(".")[1], text=sealed)

    def unwrap(self, wrapped: WrappedKey, organisation: str) -> bytes:
        """Return the data key.

        Raises:
            SealError: the key of the ring is not at hand, or what was wrapped is altered or another organisation's.
            SettingsError: the ring cannot be read.
        """
        text = self._sealer.open(wrapped.text, organisation=organisation, record=_RECORD, field=_FIELD)
        return MaskedBytes(base64.b64decode(text))

    def newest(self, organisation: str) -> tuple[str, str]:  # noqa: ARG002  # one ring for all
        """Return the id of the first key.

        Raises:
            SettingsError: the ring cannot be read or made.
        """
        return "sealing key", self._keys.for_sealing().current

    def close(self) -> None:
        """Do nothing."""
