"""Retention labels of a tenant and what they do to files, as Graph and Purview say.

learn.microsoft.com: graph/api/driveitem-getretentionlabel, -setretentionlabel, -lockorunlockrecord and
-removeretentionlabel, graph/api/resources/retentionlabelsettings; purview/records-management, the table of what is
allowed or blocked (read 2026-11). Which status a change of a record gets is documented nowhere; see ``Labels.refusal``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from .errors import GraphError

Behaviour = Literal["doNotRetain", "retain", "retainAsRecord", "retainAsRegulatoryRecord"]


@dataclass(frozen=True, slots=True)
class Label:
    """A retention label of the tenant."""

    name: str
    behaviour: Behaviour = "retain"
    starts_unlocked: bool = False
    """Whether a record may be changed until someone locks it."""

    @property
    def is_record(self) -> bool:
        """Whether the service refuses changes of what has it."""
        return self.behaviour in ("retainAsRecord", "retainAsRegulatoryRecord")


@dataclass(slots=True)
class Applied:
    """The label of one file."""

    label: Label
    by: str
    locked: bool
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Labelled(Protocol):
    """A file or a folder."""

    label: Applied | None
    version: int

    @property
    def is_file(self) -> bool:
        """Whether it has content."""
        ...

    def walk(self) -> Iterable[Labelled]:
        """Yield it and all below it."""
        ...


@dataclass(slots=True)
class Labels:
    """The labels of a tenant, and its settings for them."""

    known: dict[str, Label] = field(default_factory=dict)
    blocks_deletes: bool = False
    """The tenant's setting "Deletion of items": whether files with labels that are no records cannot be deleted."""
    refusal: tuple[int, str, str | None] = (423, "notAllowed", "resourceLocked")
    """Status, code and inner code of a refused change."""

    def add(self, label: Label) -> Label:
        """Make *label* known."""
        self.known[label.name] = label
        return label

    def allows_delete(self, applied: Applied) -> bool:
        """Say whether the file may be deleted."""
        keeps = applied.label.behaviour != "doNotRetain" and self.blocks_deletes
        return not applied.label.is_record and not keeps

    def check_content(self, node: Labelled) -> None:
        """Refuse another content of a locked record.

        Raises:
            GraphError: it is one.
        """
        if node.label is not None and node.label.locked:
            raise self._refused()

    def check_delete(self, node: Labelled) -> None:
        """Refuse to delete what a label keeps, or a folder with such a file.

        Raises:
            GraphError: it is kept.
        """
        for each in node.walk():
            if each.label is not None and not self.allows_delete(each.label):
                raise self._refused()

    def apply(self, node: Labelled, body: bytes, by: str) -> bool:
        """Do what a PATCH says; True when the file had no label before.

        Raises:
            GraphError: it is no such change, or is not allowed.
        """
        change = json.loads(body)
        if not node.is_file or not isinstance(change, dict) or len(change) != 1:
            raise GraphError(400, "invalidRequest", "give a file a name or retentionSettings")
        if set(change) == {"retentionSettings"}:
            self._lock(node, change["retentionSettings"])
            return False
        label = self.known.get(change.get("name", ""))
        if label is None:
            raise GraphError(400, "invalidRequest", "The retention label is not valid.")
        first, before = node.label is None, node.label
        if before is not None and before.label.is_record and before.label != label:
            raise GraphError(403, "accessDenied", "Access denied")
        if before is None or before.label != label:
            node.label = Applied(label, by, locked=label.is_record and not label.starts_unlocked)
            node.version += 1
        return first

    def remove(self, node: Labelled, *, by_owner: bool) -> None:
        """Take the label off; *by_owner*: by a person with Sites.FullControl.All, whom the labels of records need.

        Raises:
            GraphError: it is not allowed.
        """
        if node.label is None:
            return
        if node.label.label.behaviour == "retainAsRegulatoryRecord" or (node.label.label.is_record and not by_owner):
            raise GraphError(403, "accessDenied", "Access denied")
        node.label = None
        node.version += 1

    def view(self, applied: Applied) -> dict[str, object]:
        """Return an ``itemRetentionLabel``."""
        return {
            "name": applied.label.name,
            "retentionSettings": {
                "behaviorDuringRetentionPeriod": applied.label.behaviour,
                "isDeleteAllowed": self.allows_delete(applied),
                "isRecordLocked": applied.locked,
                "isMetadataUpdateAllowed": applied.label.behaviour != "retainAsRegulatoryRecord",
                "isContentUpdateAllowed": not applied.locked,
                "isLabelUpdateAllowed": not applied.label.is_record,
            },
            "isLabelAppliedExplicitly": True,
            "labelAppliedDateTime": applied.at.isoformat(),
            "labelAppliedBy": {"application": {"id": applied.by}},
        }

    def _lock(self, node: Labelled, settings: object) -> None:
        wanted = settings.get("isRecordLocked") if isinstance(settings, dict) and len(settings) == 1 else None
        if not isinstance(wanted, bool) or node.label is None or node.label.label.behaviour != "retainAsRecord":
            raise GraphError(400, "invalidRequest", "only records are locked and unlocked")
        node.label.locked = wanted
        node.version += 1

    def _refused(self) -> GraphError:
        status, code, inner = self.refusal
        return GraphError(status, code, "The label that is applied to this item prevents it.", inner)
