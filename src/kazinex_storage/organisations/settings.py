"""Settings in two halves: what a catalogue shows, and the secrets that it seals.

The secrets are the ``SecretStr`` fields of the settings model, nested ones too. Each is named by a JSON pointer
(RFC 6901) without its leading slash: ``secret_access_key``, ``auth/client_secret``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..errors import SettingsError
from ..secrecy.masking import Masked
from .records import JsonValue

if TYPE_CHECKING:
    from pydantic import BaseModel


def split(settings: BaseModel, *, defaults: bool = False) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Return (public JSON values, secrets by pointer) of what was set in *settings*; *defaults* too on demand.

    Raises:
        SettingsError: the model holds a secret that is no ``SecretStr``.
    """
    public = settings.model_dump(mode="json", by_alias=True, exclude_unset=not defaults)
    secrets: dict[str, str] = {}
    for path, value in _secrets(settings.model_dump(by_alias=True, exclude_unset=not defaults), ()):
        secrets["/".join(_escape(part) for part in path)] = value
        _remove(public, path)
    return public, secrets


def merge(public: Mapping[str, JsonValue], secrets: Mapping[str, str]) -> dict[str, object]:
    """Return the settings of which *public* and *secrets* are the halves."""
    merged = cast("dict[str, object]", copy.deepcopy(dict(public)))
    for pointer, secret in secrets.items():
        *parents, last = (_unescape(part) for part in pointer.split("/"))
        place = _below(merged, parents)
        if isinstance(place, list):
            place[int(last)] = Masked(secret)
        else:
            place[last] = Masked(secret)
    return merged


def overlay(settings: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return *settings* with *changes* over them: mappings are merged, None removes a field."""
    result = dict(settings)
    for name, change in changes.items():
        before = result.get(name)
        if change is None:
            result.pop(name, None)
        elif isinstance(change, Mapping) and isinstance(before, Mapping):
            result[name] = overlay(before, change)
        else:
            result[name] = change
    return result


def canonical(kind: str, settings: Mapping[str, JsonValue]) -> str:
    """Return *kind* and public *settings* as text that is the same before and after they were stored as JSON."""
    stored = json.loads(json.dumps([kind, settings]))
    return json.dumps(stored, sort_keys=True, separators=(",", ":"))


def unentered(
    before: BaseModel, after: BaseModel, changes: Mapping[str, object], harmless: Container[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (fields that decide where secrets are sent and differ, stored secrets that *changes* do not give).

    Fields are those of the model by the names of settings; secrets are named by their pointers. *harmless* fields
    decide nothing of the kind, nor do secrets themselves.
    """
    public_before, secrets_before = split(before, defaults=True)
    public_after, secrets_after = split(after, defaults=True)
    names = sorted({*public_before, *public_after})
    moved = [name for name in names if name not in harmless and public_before.get(name) != public_after.get(name)]
    kept = [name for name in sorted(secrets_after) if name in secrets_before and not covers(changes, name)]
    return tuple(moved), tuple(kept)


def covers(changes: Mapping[str, object], pointer: str) -> bool:
    """Say whether *changes* give or remove the secret that *pointer* names."""
    place: object = changes
    for part in pointer.split("/"):
        if not isinstance(place, Mapping):
            return True  # a list or None takes the place of everything below it
        if _unescape(part) not in place:
            return False
        place = place[_unescape(part)]
    return True


def _secrets(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    from pydantic import Secret, SecretBytes, SecretStr

    if isinstance(value, SecretStr):
        yield path, value.get_secret_value()
    elif isinstance(value, Secret | SecretBytes) or (
        isinstance(value, set | frozenset) and any(isinstance(part, SecretStr) for part in value)
    ):
        raise SettingsError(
            f"the secret {'.'.join(path)!r} is neither a SecretStr nor a list of them; report it to its author"
        )
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _secrets(part, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _secrets(part, (*path, str(index)))


def _remove(public: dict[str, JsonValue], path: tuple[str, ...]) -> None:
    place = _below(public, path[:-1])
    if isinstance(place, list):
        place[int(path[-1])] = None  # removing it would shift the others
    else:
        del place[path[-1]]


def _below(settings: Mapping[str, object], path: Sequence[str]) -> dict[str, object] | list[object]:
    place: object = settings
    for part in path:
        place = place[int(part)] if isinstance(place, list) else cast("dict[str, object]", place)[part]
    return cast("dict[str, object] | list[object]", place)


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
