"""The seal of upload states: nothing of a sealed state can be changed, by anybody who has no key."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazinex_storage.errors import SettingsError
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.states import OneKey, StateSeal
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import PutMode, UploadState

STATES = st.builds(
    UploadState,
    key=st.text(min_size=1),
    upload_id=st.text(min_size=1),
    size=st.integers(min_value=0),
    part_bytes=st.integers(min_value=1),
    mode=st.sampled_from(PutMode),
    if_match=st.none() | st.text(),
    write_token=st.text(),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    provider_state=st.text(),
    scope=st.text(),
    provider=st.text(),
    location=st.text(),
)
KEY = b"0123456789abcdef"


class WithSecret(MemoryProvider):
    """A provider that a secret opens."""

    def __init__(self, secret: bytes | None) -> None:
        super().__init__()
        self.secret = secret

    def state_secret(self) -> bytes | None:
        return self.secret


@settings(deadline=None)
@given(state=STATES)
def test_a_sealed_state_passes_also_when_it_was_written_and_read(state: UploadState) -> None:
    sealed = StateSeal(MemoryProvider(), KEY).seal(state)

    StateSeal(MemoryProvider(), KEY).check(UploadState.from_json(sealed.to_json()))

    assert state == replace(sealed, mac="")


@settings(deadline=None)
@given(state=STATES, other=STATES)
def test_the_seal_of_one_state_is_good_for_no_other(state: UploadState, other: UploadState) -> None:
    seal = StateSeal(MemoryProvider(), KEY)
    moved = replace(other, mac=seal.seal(state).mac)

    if other == state:
        seal.check(moved)
        return
    with pytest.raises(SettingsError, match="altered"):
        seal.check(moved)


@settings(deadline=None)
@given(state=STATES, mac=st.text())
def test_no_text_is_taken_for_a_seal(state: UploadState, mac: str) -> None:
    with pytest.raises(SettingsError, match=r"not sealed|not at hand|altered"):
        StateSeal(MemoryProvider(), KEY).check(replace(state, mac=mac))


def test_a_state_of_another_secret_says_what_may_have_happened() -> None:
    state = StateSeal(WithSecret(b"the first one"), None).seal(
        UploadState(key="a", upload_id="1", size=1, part_bytes=1)
    )

    StateSeal(WithSecret(b"the first one"), None).check(state)
    with pytest.raises(SettingsError, match=r"changed since.*state_key"):
        StateSeal(WithSecret(b"the second one"), None).check(state)


@pytest.mark.parametrize("make", [MemoryProvider, lambda: WithSecret(None)], ids=["no secret", "none that lasts"])
def test_without_a_secret_the_seal_holds_in_this_process(make: Callable[[], MemoryProvider]) -> None:
    state = StateSeal(make(), None).seal(UploadState(key="a", upload_id="1", size=1, part_bytes=1))

    StateSeal(make(), None).check(state)
    with pytest.raises(SettingsError, match="not at hand"):
        StateSeal(make(), KEY).check(state)


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Storage(MemoryProvider(), state_key=b"password")


def test_no_secret_is_shown_or_pickled() -> None:
    key = OneKey(b"a secret of the provider")

    assert "OneKey()" == repr(key)
    assert "secret" not in str(key.sealing())
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(key)
