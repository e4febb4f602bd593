"""Legal holds by a retention label that the tenant has: a hold applies it to the file, a release takes it off.

A label that makes a record has the service refuse to change or remove the file. One that only retains lets both pass,
where the tenant does not forbid deletes of labelled files, and the service keeps the content in the Preservation Hold
library; ``storage/protecting.py`` therefore asks before either. No answer says until when a label keeps a file.
Sources: learn.microsoft.com, graph/api/driveitem-getretentionlabel, -setretentionlabel, -lockorunlockrecord and
-removeretentionlabel, graph/api/resources/retentionlabelsettings, purview/records-management (read 2026-11).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from ...bodies.source import Source
from ...errors import AccessDeniedError, LockedError, NotFoundError, RetentionError, SettingsError, StorageError
from ...keys import ObjectKey
from ...retention import Protection
from ...transport import Exchange
from ...types import Diagnosis, PutOptions
from ...values import value
from ..settings.unmet import UnmetError
from . import causes
from .answers import Item, parse_item, parse_json
from .errors import GRAPH, map_error
from .library import Library
from .objects import Objects

_PROBE: Final = ".kazinex-verify"
_RECORD: Final = "retainAsRecord"
_RETAINING: Final = frozenset({"retain", _RECORD, "retainAsRegulatoryRecord"})
_A_PERSON: Final = (
    "labels of records are taken off by a person who has connected and has Sites.FullControl.All, never by an app "
    "alone, and those of regulatory records by nobody"
)


@value
class Label:
    """The retention label of a file."""

    name: str | None
    """None: it has none."""
    behaviour: str | None
    """``behaviorDuringRetentionPeriod``."""
    keeps: bool
    """Whether the service refuses to change or to remove the file."""
    unlocked: bool
    """Whether it is a record that may be changed until it is locked."""


class Labels:
    """The label of the settings on the files of one library."""

    def __init__(self, library: Library) -> None:
        """Work on *library*."""
        self._library = library
        self._wanted = library.target.hold_label

    def protection(self, key: str) -> Exchange[Protection]:
        """Return whether the file has the label of the settings; one request."""
        _, label = yield from self._look(key)
        return Protection(held=label.name is not None and label.name == self._wanted)

    def hold(self, key: str, held: bool) -> Exchange[None]:
        """Apply the label, locked if it makes a record, or take it off; two requests, three for a record to lock.

        Raises:
            RetentionError: another label is there, which stays; or the service does not let the label go.
            SettingsError: the service does not take the label.
        """
        item, label = yield from self._look(key)
        if held:
            if label.name not in (None, self._wanted):
                raise RetentionError(
                    f"the file has the retention label {label.name!r}, which a hold would replace; take it off in "
                    "SharePoint first, or leave the file to that label",
                    key=key,
                )
            label = yield from self._change(key, item, {"name": self._wanted})
            if label.unlocked:
                yield from self._change(key, item, {"retentionSettings": {"isRecordLocked": True}})
        elif label.name is not None and label.name == self._wanted:
            yield from self._take_off(key, item)

    def explain(self, key: str, error: StorageError) -> Exchange[None]:
        """Look whether a label of the tenant is why *error*, a refusal, was met; one request.

        Raises:
            RetentionError: it is.
        """
        try:
            _, label = yield from self._look(key)
        except StorageError:
            return
        if label.keeps:
            raise RetentionError(
                f"the retention label {label.name!r} keeps the object; it is changed or removed when that label is "
                "off, or its period over",
                key=key,
                code=error.code,
                request_id=error.request_id,
            ) from error

    def check(self, objects: Objects) -> Exchange[Diagnosis | None]:
        """Prove that a file can be held and released by the label; about nine requests.

        Raises:
            UnmetError: the label does not retain, is not taken, cannot be read back, or cannot be taken off again;
                the file of a record stays.
        """
        key = ObjectKey(f"{_PROBE}/{secrets.token_hex(8)}")
        yield from objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
        try:
            yield from self.hold(key, True)
            _, label = yield from self._look(key)
            yield from self.hold(key, False)
            yield from objects.delete(key)
        except StorageError as error:
            raise UnmetError(causes.not_held(self._wanted or ""), error) from error
        if label.name != self._wanted or label.behaviour not in _RETAINING:
            raise UnmetError(causes.keeps_nothing(self._wanted or "", label.name, label.behaviour))
        return None

    def _look(self, key: str) -> Exchange[tuple[Item, Label]]:
        """Return the file and its label; one request.

        Raises:
            NotFoundError: there is no such file.
        """
        library, path = self._library, self._library.path_of(key)
        drive = yield from library.drive()
        try:
            response = yield from GRAPH.send(library.requests.labelled(drive, path), key=key)
        except NotFoundError:
            yield from library.check_alive()
            raise
        library.saw()
        item = parse_item(response)
        if not item.is_file or not library.is_at(item, path):
            raise NotFoundError("no object has that key", key=key)
        return item, _label_of(parse_json(response).get("retentionLabel"))

    def _change(self, key: str, item: Item, change: Mapping[str, object]) -> Exchange[Label]:
        drive = yield from self._library.drive()
        request = self._library.requests.label(drive, item.id, change)
        response = yield from GRAPH.send(request, ok=(200, 201, 400), key=key)
        if response.status == 400:
            raise SettingsError(
                f"SharePoint does not take the retention label {self._wanted!r}; give hold_label the name of a label "
                "that the tenant has, as Purview writes it",
                key=key,
                code=map_error(response).code,
            )
        return _label_of(parse_json(response))

    def _take_off(self, key: str, item: Item) -> Exchange[None]:
        drive = yield from self._library.drive()
        try:
            yield from GRAPH.send(self._library.requests.label(drive, item.id, None), ok=(200, 204), key=key)
        except (AccessDeniedError, LockedError) as error:
            raise RetentionError(
                f"the service does not let the retention label {self._wanted!r} go: {_A_PERSON}",
                key=key,
                code=error.code,
                request_id=error.request_id,
            ) from error


def _label_of(found: object) -> Label:
    label = found if isinstance(found, dict) else {}
    said = label.get("retentionSettings")
    settings = said if isinstance(said, dict) else {}
    name, behaviour = label.get("name"), settings.get("behaviorDuringRetentionPeriod")
    kept = settings.get("isDeleteAllowed") is False or settings.get("isContentUpdateAllowed") is False
    named = name if isinstance(name, str) and name else None
    return Label(
        name=named,
        behaviour=behaviour if isinstance(behaviour, str) else None,
        keeps=named is not None and kept,
        unlocked=behaviour == _RECORD and settings.get("isRecordLocked") is False,
    )
