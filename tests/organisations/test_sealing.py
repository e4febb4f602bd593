"""Sealing: what opens, what does not, and what the error says."""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import SealError, SettingsError
from kazinex_storage.organisations import KeyRing, Sealer

RING = KeyRing.generate()
SEALER = Sealer(RING)
SECRET = "example-secret-not-real"  # noqa: S105  # it says so itself


def sealed_by_the_first_release(ring: KeyRing, secret: str, organisation: str, record: str, field: str) -> str:
    """What ``kzx1`` was: bound to its place, and not to the settings."""
    nonce = os.urandom(12)
    sealed = nonce + ring.sealing.encrypt(
        nonce, secret.encode(), json.dumps(["kzx1", organisation, record, field]).encode()
    )
    return f"kzx1.{ring.current}.{base64.urlsafe_b64encode(sealed).decode()}"


def seal(sealer: Sealer, secret: str = SECRET) -> str:
    return sealer.seal(secret, organisation="org-1", record="vault-1", field="token")


def unseal(sealer: Sealer, envelope: str) -> str:
    return sealer.open(envelope, organisation="org-1", record="vault-1", field="token")


@given(secret=st.text(), organisation=st.text(), record=st.text(), field=st.text())
def test_what_was_sealed_opens(secret: str, organisation: str, record: str, field: str) -> None:
    envelope = SEALER.seal(secret, organisation=organisation, record=record, field=field)

    assert secret == SEALER.open(envelope, organisation=organisation, record=record, field=field)


@given(here=st.tuples(st.text(), st.text(), st.text()), there=st.tuples(st.text(), st.text(), st.text()))
def test_an_envelope_opens_in_its_own_place_only(here: tuple[str, str, str], there: tuple[str, str, str]) -> None:
    organisation, record, field = here
    envelope = SEALER.seal(SECRET, organisation=organisation, record=record, field=field)
    if here == there:
        return
    organisation, record, field = there

    with pytest.raises(SealError, match="altered, or moved from another record"):
        SEALER.open(envelope, organisation=organisation, record=record, field=field)


@pytest.mark.parametrize(
    "place",
    [
        {"organisation": "org-2", "record": "vault-1", "field": "token"},
        {"organisation": "org-1", "record": "vault-2", "field": "token"},
        {"organisation": "org-1", "record": "vault-1", "field": "other"},
        {"organisation": "org-1vault", "record": "-1", "field": "token"},
    ],
    ids=["organisation", "record", "field", "shifted"],
)
def test_an_envelope_moved_elsewhere_does_not_open(place: dict[str, str]) -> None:
    with pytest.raises(SealError, match="enter it again"):
        SEALER.open(seal(SEALER), **place)


@given(here=st.text(), there=st.text())
def test_an_envelope_opens_beside_its_own_settings_only(here: str, there: str) -> None:
    """A secret is not sent to an address that was written past this package (issue 18, C2)."""
    place = {"organisation": "org-1", "record": "vault-1", "field": "token"}
    envelope = SEALER.seal(SECRET, settings=here, **place)

    assert SECRET == SEALER.open(envelope, settings=here, **place)
    if here != there:
        with pytest.raises(SealError, match="its settings were changed"):
            SEALER.open(envelope, settings=there, **place)


def test_an_envelope_of_the_first_release_opens_and_is_not_current() -> None:
    ring = KeyRing.generate()
    envelope = sealed_by_the_first_release(ring, SECRET, "org-1", "vault-1", "token")

    assert SECRET == unseal(Sealer(ring), envelope)
    assert not Sealer(ring).is_current(envelope)
    with pytest.raises(SealError, match="altered"):
        unseal(Sealer(ring), envelope.replace("kzx1", "kzx2"))
    with pytest.raises(SealError, match="altered"):
        unseal(Sealer(ring), seal(Sealer(ring)).replace("kzx2", "kzx1"))


@given(st.data(), st.integers(0, 5))
def test_an_altered_envelope_does_not_open(data: st.DataObject, more: int) -> None:
    envelope = seal(SEALER, SECRET + "x" * more)
    at = data.draw(st.integers(0, len(envelope) - 1) | st.integers(len(envelope) - 4, len(envelope) - 1))
    alphabet = st.sampled_from(string.ascii_letters + string.digits + "-_=.") | st.characters(codec="utf-8")
    other = data.draw(alphabet.filter(lambda character: character != envelope[at]))
    altered = envelope[:at] + other + envelope[at + 1 :]

    with pytest.raises(SealError) as caught:
        unseal(SEALER, altered)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("secret", ["x", ""], ids=["two bits", "four bits"])
def test_an_envelope_altered_in_unused_bits_does_not_open(secret: str) -> None:
    """Base64 has several spellings of one value: the bits before its padding mean nothing."""
    envelope = seal(SEALER, secret)
    text, padding = envelope.rstrip("="), "=" * envelope.count("=")
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    altered = text[:-1] + alphabet[alphabet.index(text[-1]) + 1] + padding
    assert base64.urlsafe_b64decode(altered.rpartition(".")[2]) == base64.urlsafe_b64decode(envelope.rpartition(".")[2])

    with pytest.raises(SealError, match="cut or altered"):
        unseal(SEALER, altered)


@given(st.text())
def test_text_that_is_no_envelope_does_not_open(text: str) -> None:
    with pytest.raises(SealError):
        unseal(SEALER, text)


def test_sealing_twice_gives_two_envelopes_that_show_nothing() -> None:
    first, second = seal(SEALER), seal(SEALER)

    assert first != second
    assert SECRET not in first
    assert SECRET.encode() not in base64.urlsafe_b64decode(first.rpartition(".")[2])


def test_another_key_does_not_open_and_the_error_names_both() -> None:
    other = KeyRing.generate()

    with pytest.raises(SealError, match=f"sealed under the key {RING.current}, at hand are {other.current}"):
        unseal(Sealer(other), seal(SEALER))


def test_every_key_of_a_ring_opens_and_the_first_seals() -> None:
    newer = KeyRing.generate()
    ring = RING.with_first(newer)
    sealer = Sealer(ring)

    assert SECRET == unseal(sealer, seal(SEALER))
    assert (newer.current, RING.current) == ring.ids
    assert seal(sealer).split(".")[1] == newer.current
    assert (False, True) == (sealer.is_current(seal(SEALER)), sealer.is_current(seal(sealer)))
    assert (newer.current,) == ring.only_first().ids


@pytest.mark.parametrize("separator", [",", "\n", " , ", "\t"], ids=["comma", "line", "spaced", "tab"])
def test_a_ring_is_read_from_text(separator: str) -> None:
    first, second = KeyRing.generate(), KeyRing.generate()
    text = separator.join((first.export().strip(), second.export().strip()))

    ring = KeyRing.parse(f" {text}\n")

    assert (first.current, second.current) == ring.ids
    assert ring.ids == KeyRing.parse(ring.export()).ids


@given(st.binary(min_size=32, max_size=32))
def test_keys_are_read_in_either_base64_alphabet_with_or_without_padding(key: bytes) -> None:
    expected = KeyRing([key]).ids
    for text in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()):
        assert expected == KeyRing.parse(text).ids == KeyRing.parse(text.rstrip("=")).ids


@pytest.mark.parametrize(
    "text",
    ["", "  ,\n", "hunter2-not-a-key", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(), "é"],
    ids=["empty", "separators", "words", "short", "long", "not ascii"],
)
def test_text_that_holds_no_keys_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(SettingsError, match="make one with `python") as caught:
        KeyRing.parse(text)

    assert not text.strip(" ,\n") or text not in str(caught.value)


def test_the_advised_command_makes_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        KeyRing.parse("")
    code = str(caught.value).partition("python -c '")[2].partition("'`")[0]

    exec(code)  # noqa: S102  # it is our own advice

    assert 1 == len(KeyRing.parse(capsys.readouterr().out).ids)


def test_keys_are_neither_shown_nor_pickled() -> None:
    text = RING.export().strip()

    assert text not in repr(RING)
    assert f"KeyRing({RING.current})" == repr(RING)
    for holder in (RING, SEALER):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(holder)
        assert copy.deepcopy(holder) is holder
