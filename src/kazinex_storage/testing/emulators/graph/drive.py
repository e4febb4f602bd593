"""A document library in memory, with the rules of SharePoint: names, versions, conflicts, a recycle bin. No HTTP.

What it enforces is what support.microsoft.com ("Restrictions and limitations in OneDrive and SharePoint") and
learn.microsoft.com/graph/api/driveitem-* say (read 2026-08). Case is kept and ignored.
"""

from __future__ import annotations

import re
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from .errors import GraphError as GraphError
from .labels import Applied, Labels

MAX_PATH: Final = 400
MAX_NAME: Final = 255

_FORBIDDEN: Final = re.compile(r'["*:<>?/\\|\x00-\x1f]')
_RESERVED: Final = re.compile(r"(?i)(\.lock|CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]|desktop\.ini)")


@dataclass(slots=True)
class Node:
    """A file or a folder."""

    id: str
    name: str
    parent: Node | None = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    """None makes it a folder."""
    package: str | None = None
    """What it is instead of a file or a folder, such as a notebook."""
    content_type: str = "application/octet-stream"
    guid: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    version: int = 1
    content_version: int = 1
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    children: dict[str, Node] = field(default_factory=dict, repr=False)
    """By folded name."""
    hash_after: int = 0
    """Responses that do not contain the hash yet."""
    locked: bool = False
    label: Applied | None = None
    """Its retention label."""
    author: str | None = None
    """The app that changed it last."""
    earlier: list[Node] = field(default_factory=list, repr=False)
    """What it was before, the newest first."""
    hashed: tuple[int, str] | None = None
    """The hash, and of which version of the content it is."""

    @property
    def quickxor(self) -> str:
        """The quickXorHash in base64, computed once for each content."""
        if self.hashed is None or self.hashed[0] != self.content_version:
            self.hashed = (self.content_version, quick_xor(self.content or b""))
        return self.hashed[1]

    @property
    def is_file(self) -> bool:
        """Whether it has content."""
        return self.content is not None

    @property
    def etag(self) -> str:
        """Changes with everything."""
        return f'"{{{self.guid}}},{self.version}"'

    @property
    def ctag(self) -> str:
        """Changes with the content."""
        return f'"c:{{{self.guid}}},{self.content_version}"'

    @property
    def path(self) -> tuple[str, ...]:
        """The names below the root."""
        return () if self.parent is None else (*self.parent.path, self.name)

    def walk(self) -> Iterator[Node]:
        """Yield it and all below it."""
        yield self
        for child in list(self.children.values()):
            yield from child.walk()


class Drive:
    """One library. Callers hold ``lock`` while they change it."""

    def __init__(self, name: str, url: str, path: str, labels: Labels | None = None) -> None:
        """Make an empty library at *url*, whose server-relative *path* counts for the limit.

        *labels* are those of its tenant.
        """
        self.labels = labels if labels is not None else Labels()
        """What retention labels do to its files."""
        self.lock = threading.RLock()
        self.id = f"b!{uuid.uuid4().hex}{uuid.uuid4().hex[:12]}"
        self.name = name
        self.url = url
        self.path = path
        self.root = Node(self._id(), "root", None)
        self.items = {self.root.id: self.root}
        self.recycled: list[Node] = []
        """What was deleted and can be restored."""
        self.preserved: list[Node] = []
        """The Preservation Hold library: what labels retained of what was deleted."""
        self.log: list[tuple[int, Node, bool]] = []
        """Every change: its number, the item, whether it is gone."""
        self._gathered: dict[int, list[tuple[Node, bool]]] = {}
        """What ``changes`` found since the last change: every page of a delta of 30,000 items asks for all of them."""
        self.quota_bytes: int | None = None
        self.read_only = False
        self.rewrites = False
        """Whether Office files are rewritten when they are stored."""
        self.corrupts = False
        """Whether the first byte of a file is stored as another one."""
        self.late_hashes = 0
        """How often a new file is reported without its hash."""

    def changes(self, since: int) -> list[tuple[Node, bool]]:
        """Return the root and what changed after *since* changes, each item once, and whether it is gone."""
        if since not in self._gathered:
            latest = {node.id: (node, gone) for _, node, gone in self.log[since:]}
            self._gathered[since] = [*({self.root.id: (self.root, False)} | latest).values()]
        return self._gathered[since]

    def find(self, path: str) -> Node:
        """Return what answers to *path*, whatever the case.

        Raises:
            GraphError: nothing does.
        """
        node = self.root
        for name in filter(None, path.split("/")):
            found = node.children.get(name.casefold())
            if found is None:
                raise not_found()
            node = found
        return node

    def by_id(self, identity: str) -> Node:
        """Return an item.

        Raises:
            GraphError: there is none with that id.
        """
        node = self.root if identity == "root" else self.items.get(identity)
        if node is None:
            raise not_found()
        return node

    def folder(self, path: str, *, make: bool = False) -> Node:
        """Return the folder at *path*, made where it is missing if *make*.

        Raises:
            GraphError: it is missing, or a file is on the way.
        """
        node = self.root
        for name in filter(None, path.split("/")):
            found = node.children.get(name.casefold())
            if found is None:
                if not make:
                    raise not_found()
                found = self.add(node, name, None)
            if found.is_file:
                raise GraphError(409, "nameAlreadyExists", "a file has the name of the folder")
            node = found
        return node

    def free(self, parent: Node, name: str, behaviour: str, if_match: str | None) -> tuple[str, Node | None]:
        """Return the name that a new file gets, and the file that it replaces.

        Raises:
            GraphError: the name is not legal, is taken, or what has it is another version.
        """
        self.check_name(parent, name)
        found = parent.children.get(name.casefold())
        if if_match is not None and (found is None or if_match not in (found.etag, found.ctag, "*")):
            raise GraphError(412, "resourceModified", "ETag does not match current item's value")
        if found is None:
            return name, None
        if behaviour == "rename":
            stem, dot, extension = name.rpartition(".")
            for number in range(1, 1000):
                other = f"{stem} {number}{dot}{extension}" if dot else f"{name} {number}"
                if other.casefold() not in parent.children:
                    return other, None
        if behaviour == "fail" or not found.is_file:
            raise GraphError(409, "nameAlreadyExists", "Name already exists")
        check_unlocked(found)
        self.labels.check_content(found)
        return name, found

    def store(self, parent: Node, name: str, old: Node | None, content: bytes, content_type: str) -> Node:
        """Make *content* the file *name*, or the next version of *old*.

        Raises:
            GraphError: the site is full, or may only be read.
        """
        self.check_writable()
        if self.quota_bytes is not None and self.used() + len(content) > self.quota_bytes:
            raise GraphError(507, "quotaLimitReached", "Insufficient Space Available")
        content = self._stored(name, content)
        if old is None:
            node = self.add(parent, name, content)
        else:
            self.labels.check_content(old)
            node = old
            node.earlier.insert(0, replace(node, parent=None, children={}, earlier=[]))
            node.content = content
            node.version += 1
            node.content_version += 1
        node.content_type = content_type
        node.modified = datetime.now(UTC)
        node.hash_after = self.late_hashes
        self._note(node)
        return node

    def add(self, parent: Node, name: str, content: bytes | None) -> Node:
        """Add an item.

        Raises:
            GraphError: the name is not legal, or the library may only be read.
        """
        self.check_writable()
        self.check_name(parent, name)
        node = Node(self._id(), name, parent, content)
        parent.children[name.casefold()] = node
        self.items[node.id] = node
        self._note(node)
        return node

    def move(self, node: Node, parent: Node, name: str, *, over: bool = False) -> None:
        """Move an item to a free name, or *over* the file of that name, which is gone then.

        Raises:
            GraphError: the name is taken or not legal.
        """
        self.check_writable()
        check_unlocked(node)
        self.check_name(parent, name)
        other = parent.children.get(name.casefold())
        if other is not None and other is not node:
            if not over or not other.is_file:
                raise GraphError(409, "nameAlreadyExists", "Name already exists")
            check_unlocked(other)
            self.delete(other)
        if node.parent is not None:
            del node.parent.children[node.name.casefold()]
        node.parent, node.name = parent, name
        parent.children[name.casefold()] = node
        node.version += 1
        node.modified = datetime.now(UTC)
        self._note(node)

    def delete(self, node: Node, *, for_ever: bool = False) -> None:
        """Remove an item and what is below it.

        Raises:
            GraphError: it is the root, locked, or the library may only be read.
        """
        self.check_writable()
        if node.parent is None:
            raise GraphError(400, "invalidRequest", "the root cannot be deleted")
        check_unlocked(node)
        self.labels.check_delete(node)
        del node.parent.children[node.name.casefold()]
        self.preserved += (below for below in node.walk() if below.label is not None)
        for below in node.walk():
            self.items.pop(below.id, None)
            self._note(below, gone=True)
        if not for_ever:
            self.recycled.append(node)

    def used(self) -> int:
        """Return the bytes of all files."""
        return sum(len(node.content or b"") for node in self.items.values())

    def check_writable(self) -> None:
        """Refuse changes where there may be none.

        Raises:
            GraphError: the library may only be read.
        """
        if self.read_only:
            raise GraphError(403, "accessDenied", "Access denied")

    def check_name(self, parent: Node, name: str) -> None:
        """Refuse names that SharePoint does not hold.

        Raises:
            GraphError: it is one of them, or the path is too long.
        """
        path = "/".join((self.path, *parent.path, name))
        if len(path) > MAX_PATH or len(name) > MAX_NAME:
            raise GraphError(400, "invalidRequest", "The specified path is too long", "pathIsTooLong")
        at_root = parent.parent is None and name.casefold() == "forms"
        edges = name != name.strip(" ") or name.endswith(".") or name.startswith("~$")
        if (
            not name
            or edges
            or at_root
            or _FORBIDDEN.search(name)
            or _RESERVED.fullmatch(name)
            or "_vti_" in name.casefold()
        ):
            raise GraphError(400, "invalidRequest", "The provided name contains illegal characters")

    def _stored(self, name: str, content: bytes) -> bytes:
        if self.corrupts and content:
            return bytes([content[0] ^ 1]) + content[1:]
        if self.rewrites and name.lower().endswith((".docx", ".xlsx", ".pptx", ".pdf")) and content:
            return content + b"\n<!-- properties of the library -->"
        return content

    def _note(self, node: Node, *, gone: bool = False) -> None:
        self.log.append((len(self.log) + 1, node, gone))
        self._gathered.clear()

    @staticmethod
    def _id() -> str:
        return "01" + uuid.uuid4().hex.upper()


def check_unlocked(node: Node) -> None:
    """Refuse to touch what is locked.

    Raises:
        GraphError: it is.
    """
    if node.locked:
        raise GraphError(423, "notAllowed", "The file is checked out", "resourceLocked")


def not_found() -> GraphError:
    """Return the error for what is not there."""
    return GraphError(404, "itemNotFound", "The resource could not be found.")


def quick_xor(data: bytes) -> str:
    """Return the quickXorHash of *data* in base64.

    The 160 bits are a ring; byte number i goes in at bit 11 i, so byte i + 160 meets the same bits as byte i.
    """
    folded, size = 0, 160 * 1024
    for start in range(0, len(data), size):
        folded ^= int.from_bytes(data[start : start + size], "little")
    while size > 160:
        size = (size + 319) // 320 * 160  # half of it, up to a whole number of rounds
        folded = folded >> 8 * size ^ folded & ((1 << 8 * size) - 1)
    ring = 0
    for number, byte in enumerate(folded.to_bytes(160, "little")):
        ring ^= byte << 11 * number % 160
    ring = (ring & ((1 << 160) - 1)) ^ (ring >> 160)
    ring ^= len(data) << 96
    return b64encode(ring.to_bytes(20, "little")).decode()
