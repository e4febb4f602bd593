"""What proves that an upload state is one of ours: a MAC over all of it, under a key that no client has.

States travel through browsers, queues and databases. The key is the given one, such as the key ring of the
organisations; otherwise it is derived from the secret that opens the provider, so that any process that can open it can
check; failing that, it belongs to this process alone. ADR 0009 says why. ``uploads.py`` seals and checks.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, cast

from ..errors import SettingsError
from ..json_text import parse_own_json, write_json
from ..lazy import module, regex
from ..secrecy.pickling import not_pickled
from ..types import UploadState

if TYPE_CHECKING:
    import hashlib
    import hmac

    from ..verbs import AnyProvider
else:
    hashlib = module(__name__, "hashlib")
    hmac = module(__name__, "hmac")


# RFC 5869 in one step: an HMAC under the secret, over a label that no other use of the secret has.
_LABEL: Final = b"kazinex-storage upload state 1\x00"
_MAC: Final = regex(r"([0-9a-f]{16})\.([0-9a-f]{64})")
_OF_THIS_PROCESS: Final = os.urandom(32)  # now, so that forked children have the same

_BEGIN_AGAIN: Final = "begin the upload again"


class StateKeys(Protocol):
    """Gives the keys that upload states are sealed with: one seals, several check, which rotation needs."""

    def sealing(self) -> tuple[str, bytes]:
        """Return the id, 16 hexadecimal digits, and the key that seals now; it may read a file."""
        ...

    def checking(self, key_id: str) -> bytes | None:
        """Return the key of that id; None when it is not available."""
        ...


@not_pickled("give the other process the same Storage(state_key=...)")
class OneKey:
    """One key, derived from a secret."""

    __slots__ = ("_id", "_key")

    def __init__(self, secret: bytes) -> None:
        """Derive the key; *secret* cannot be found from it, or from what it seals."""
        self._key = hmac.digest(secret, _LABEL, "sha256")
        self._id = hmac.digest(self._key, b"id", "sha256").hex()[:16]

    def sealing(self) -> tuple[str, bytes]:
        """Return the key."""
        return self._id, self._key

    def checking(self, key_id: str) -> bytes | None:
        """Return the key if it is the one of that id."""
        return self._key if key_id == self._id else None

    def __repr__(self) -> str:
        return "OneKey()"


def process_keys() -> StateKeys:
    """Return the key of this process and its forks, for who has no lasting one."""
    return OneKey(_OF_THIS_PROCESS)


class StateSeal:
    """Seals the upload states of one provider and checks them. Its methods may block."""

    __slots__ = ("_given", "_provider")

    def __init__(self, provider: AnyProvider, keys: StateKeys | bytes | None) -> None:
        """Use *keys* where some are given, else what opens *provider*.

        Raises:
            ValueError: the key is shorter than 16 bytes, which can be guessed.
        """
        if isinstance(keys, bytes) and len(keys) < 16:
            raise ValueError(f"a key for upload states has at least 16 bytes, not {len(keys)}; take 32 random ones")
        self._given = OneKey(keys) if isinstance(keys, bytes) else keys
        self._provider = provider

    def seal(self, state: UploadState) -> UploadState:
        """Return *state* with its MAC.

        Raises:
            StorageError: the key cannot be read.
        """
        key_id, key = self._keys().sealing()
        return replace(state, mac=f"{key_id}.{_mac(key, state)}")

    def check(self, state: UploadState) -> None:
        """Refuse a state that is not as it was sealed.

        Raises:
            SettingsError: it was altered, was never sealed, or under a key that is not at hand.
            StorageError: the keys cannot be read.
        """
        parts = _MAC.fullmatch(state.mac)
        if parts is None:
            raise SettingsError(f"the upload state was not sealed by begin_upload; {_BEGIN_AGAIN}")
        found = self._matches(state, parts[1], parts[2])
        if found is None:
            raise SettingsError(
                f"the upload state was sealed under a key that is not at hand: the secret that opens the provider was "
                "changed since, or another process began it with another secret; give both the same "
                f"Storage(state_key=...), or {_BEGIN_AGAIN}"
            )
        if not found:
            raise SettingsError(f"the upload state was altered; use what begin_upload returned, or {_BEGIN_AGAIN}")

    def prove(self, text: bytes) -> str:
        """Return what proves *text*, which begins with a label of its own; ``is_proof`` checks it.

        Raises:
            StorageError: the key cannot be read.
        """
        key_id, key = self._keys().sealing()
        return f"{key_id}.{_digest(key, text)}"

    def is_proof(self, text: bytes, proof: str) -> bool:
        """Say whether *proof* is what ``prove`` returned for *text*, under a key that is at hand.

        Raises:
            StorageError: the keys cannot be read.
        """
        parts = _MAC.fullmatch(proof)
        key = self._keys().checking(parts[1]) if parts is not None else None
        return parts is not None and key is not None and hmac.compare_digest(_digest(key, text), parts[2])

    def _matches(self, state: UploadState, key_id: str, mac: str) -> bool | None:
        """Say whether *mac* is that of *state*; None without the key. No error shows a frame with a key."""
        key = self._keys().checking(key_id)
        return None if key is None else hmac.compare_digest(_mac(key, state), mac)

    def _keys(self) -> StateKeys:
        if self._given is not None:
            return self._given
        from ..contract import StateSecret

        secret = self._provider.state_secret() if isinstance(self._provider, StateSecret) else None
        return OneKey(secret if secret is not None else _OF_THIS_PROCESS)


def _digest(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()


def _mac(key: bytes, state: UploadState) -> str:
    # JSON keeps the fields apart, whatever they hold.
    fields = cast("dict[str, object]", parse_own_json(state.to_json()))
    text = write_json({**fields, "mac": ""}, sort_keys=True)
    return hmac.digest(key, text.encode(), hashlib.sha256().name).hex()
