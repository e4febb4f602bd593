"""Parses the answers of Graph. Pure; anything else is an ``UnavailableError``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from urllib.parse import unquote

from ...errors import UnavailableError
from ...json_text import parse_json as parse_text
from ...secrecy.masking import masked
from ...transport import Response
from ...types import Checksum, ObjectInfo
from ...values import value
from ..objectstore.error_table import unexpected_response
from ..objectstore.header_text import hexadecimal_of, moment_of, size_of


@value
class Item:
    """A file or a folder of a library."""

    id: str
    name: str
    parent: tuple[str, ...] | None
    """The names of the folders above it, as Graph wrote them; None when it did not say."""
    size: int
    etag: str | None
    """Changes with content and metadata."""
    ctag: str | None
    """Changes with content only; folders have none."""
    modified: datetime | None
    """Aware UTC."""
    is_file: bool
    is_folder: bool
    children: int
    """In a folder."""
    content_type: str | None
    quickxor: str | None
    """Lower-case hexadecimal; sometimes late or missing."""
    is_deleted: bool = False
    """Only feeds list deleted items."""
    parent_id: str | None = None
    modified_by: str | None = None
    """The ids of the app and the person who changed it last."""
    download_url: str | None = field(default=None, repr=False)
    """Good for a few minutes, for anyone who has it."""

    @property
    def version(self) -> str | None:
        """What distinguishes one content from another."""
        return self.ctag or self.etag

    @property
    def if_match(self) -> str | None:
        """What ties a request to the item as it was when it was looked at.

        By now another item, or a folder with everything in it, could answer to the same path.
        """
        return self.etag or self.ctag

    @property
    def checksum(self) -> Checksum | None:
        """What the service computed over the content."""
        return Checksum(algorithm="quickxor", value=self.quickxor) if self.quickxor is not None else None

    def is_at(self, path: str) -> bool:
        """Say whether the item is at *path*, letter by letter: the service itself ignores case.

        Only the end of the path that Graph gives is compared, because the root folder above comes from the settings.
        ``parentReference.path`` comes percent-encoded from some versions of the service and plain from others.
        """
        *folders, name = path.split("/")
        if self.name != name:
            return False
        if not folders:
            return True
        if self.parent is None:  # the answer does not say, and two organisations may differ by the case of a folder
            return False
        found = list(self.parent[-len(folders) :])
        return folders in (found, [unquote(part) for part in found])


@value(kw_only=False)
class Page:
    """One page of a listing."""

    items: tuple[Item, ...]
    next_link: str | None = field(default=None, repr=False)


def parse_json(response: Response) -> Mapping[str, object]:
    """Return the object in the body of *response*.

    Raises:
        UnavailableError: it holds none.
    """
    try:
        found = parse_text(response.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise unexpected_response(response, "Graph", None)
    return found


def parse_item(response: Response) -> Item:
    """Return the item that *response* describes.

    Raises:
        UnavailableError: it describes none.
    """
    return item_of(parse_json(response))


def parse_page(response: Response) -> Page:
    """Return one page of children, or of a delta.

    Raises:
        UnavailableError: it is none.
    """
    found = parse_json(response)
    values = found.get("value")
    if not isinstance(values, list):
        raise UnavailableError("Graph sent a listing without entries; repeat it")
    link = found.get("@odata.nextLink")
    return Page(tuple(item_of(value) for value in values), link if isinstance(link, str) else None)


def item_of(found: Mapping[str, object]) -> Item:
    """Return the item that the JSON object *found* is.

    Raises:
        UnavailableError: it is none.
    """
    identity, name = found.get("id"), found.get("name")
    deleted = isinstance(found.get("deleted"), dict)
    if deleted and name is None:
        name = ""  # feeds leave it out
    if not isinstance(identity, str) or not isinstance(name, str):
        raise UnavailableError("Graph sent something that is not an item of a library; repeat it")
    file, parent = found.get("file"), _mapping(found.get("parentReference"))
    return Item(
        id=identity,
        name=name,
        parent=_folders(parent.get("path")),
        parent_id=_text(parent.get("id")),
        size=_count(found.get("size")),
        etag=_text(found.get("eTag")),
        ctag=_text(found.get("cTag")),
        modified=moment_of(found.get("lastModifiedDateTime")),
        modified_by=_author(found.get("lastModifiedBy")),
        is_file=isinstance(file, dict),
        is_folder=isinstance(found.get("folder"), dict),
        is_deleted=deleted,
        children=_count(_mapping(found.get("folder")).get("childCount")),
        content_type=_text(_mapping(file).get("mimeType")),
        quickxor=hexadecimal_of(_text(_mapping(_mapping(file).get("hashes")).get("quickXorHash")) or ""),
        download_url=masked(_text(found.get("@microsoft.graph.downloadUrl"))),
    )


def info_of(key: str, item: Item) -> ObjectInfo:
    """Return *item* as the object *key*."""
    return ObjectInfo(
        key=key,
        size=item.size,
        etag=item.version,
        last_modified=item.modified,
        content_type=item.content_type,
        checksum=item.checksum,
        service_checksum=item.checksum,
        modified_by=item.modified_by,
    )


def next_offset(response: Response, size: int) -> int:
    """Return the first byte that an upload session still wants; *size* when it wants none.

    Raises:
        UnavailableError: it does not say.
    """
    ranges = parse_json(response).get("nextExpectedRanges")
    if not isinstance(ranges, list):
        offset = None
    elif not ranges:
        offset = size
    else:
        offset = size_of(str(ranges[0]).partition("-")[0])  # "N-" or "N-M"
    if offset is None or offset > size:
        raise UnavailableError("Graph did not say how far the upload has come; begin a new one")
    return offset


def _folders(path: object) -> tuple[str, ...] | None:
    """Return the folders in ``/drives/{id}/root:/A/B``."""
    if not isinstance(path, str):
        return None
    below = path.partition("root:")[2].strip("/")
    return tuple(below.split("/")) if below else ()


def _author(found: object) -> str | None:
    """Return who an ``identitySet`` names — learn.microsoft.com/graph/api/resources/identityset (read 2026-08)."""
    names = ("application", "user")
    ids = [f"{name} {identity}" for name in names if (identity := _text(_mapping(_mapping(found).get(name)).get("id")))]
    return ", ".join(ids) or None


def _count(found: object) -> int:
    """Return a number of bytes or of items; 0 for deleted items, where feeds leave it out.

    Raises:
        UnavailableError: it is something else.
    """
    if found is None:
        return 0
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 2**63:
        raise UnavailableError("Graph sent a size that no item has; repeat it, and look at proxies")
    return found


def _mapping(found: object) -> Mapping[str, object]:
    return found if isinstance(found, dict) else {}


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None
