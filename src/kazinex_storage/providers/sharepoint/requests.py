"""The requests of Microsoft Graph for files in a document library. Pure: ``answers.py`` reads what comes back.

Built after learn.microsoft.com/graph/api/driveitem-* (read 2026-08). Paths are names with slashes between them, below
the root of the library, as ``names.py`` spells them; each segment is percent-encoded here. Requests to upload and
download URLs are not authorised: those URLs are credentials themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

from ...errors import UnavailableError
from ...transport import BodySlice, Request
from ...types import Sink
from ...values import value
from ..settings.bearer import Bearer
from .answers import Item
from .target import Target

PAGE_ITEMS: Final = 200
"""Entries in one page of a listing: the default of Graph, which may give fewer."""

BATCH_REQUESTS: Final = 20
"""Requests in one ``$batch`` — learn.microsoft.com/graph/json-batching."""

Inspect: TypeAlias = Callable[[Mapping[str, str]], None]
Headers: TypeAlias = tuple[tuple[str, str], ...]

_SELECT: Final = (
    "$select=id,name,size,eTag,cTag,file,folder,package,createdDateTime,lastModifiedDateTime,"
    "lastModifiedBy,parentReference"
)
# Answers after which the service has not begun the work — learn.microsoft.com/graph/throttling and /graph/errors.
_REFUSALS: Final = frozenset({429, 503, 509})
_JSON: Final = ("Content-Type", "application/json")
_BEHAVIOUR: Final = "@microsoft.graph.conflictBehavior"


@value(kw_only=False)
class Place:
    """A name in a folder."""

    parent: str
    """The id of the folder."""
    name: str


@value
class Writing:
    """What a write does with the item at its path."""

    behaviour: str = "fail"
    """``fail`` or ``replace``; always sent, because the documents and the service differ about the default."""
    if_match: str | None = None
    content_type: str | None = None
    """None is ``application/octet-stream``."""
    replaced: str | None = None
    """The version that is there, if any."""


class Requests:
    """Builds the requests of one target."""

    __slots__ = ("_agent", "_auth", "_base", "_gate", "target")

    def __init__(self, target: Target) -> None:
        """Build for *target*."""
        self.target = target
        self._base = target.graph_url.rstrip("/")
        self._gate = target.gate
        self._auth = Bearer(target.tokens)
        self._agent: Headers = (("User-Agent", target.user_agent),) if target.user_agent is not None else ()

    def site(self) -> Request:
        """Look at the site of the settings, by its path."""
        path = quote(self.target.site_path)
        where = f"/sites/{self.target.host}:/{path}" if path else f"/sites/{self.target.host}"
        return self._request("GET", where, operation="site")

    def site_by_id(self, site_id: str) -> Request:
        """Look at a site by its id."""
        return self._request("GET", f"/sites/{quote(site_id, safe=',')}", operation="site")

    def site_collection(self, site_id: str) -> Request:
        """Ask where the site is."""
        where = f"/sites/{quote(site_id, safe=',')}?$select=id,siteCollection"
        return self._request("GET", where, operation="site")

    def drives(self, site_id: str) -> Request:
        """List the libraries of a site."""
        return self._request("GET", f"/sites/{quote(site_id, safe=',')}/drives", operation="libraries")

    def drive(self, site_id: str) -> Request:
        """Look at the library that a site was created with."""
        return self._request("GET", f"/sites/{quote(site_id, safe=',')}/drive", operation="libraries")

    def sites(self, words: str) -> Request:
        """Look for sites with *words* in their names; only for choosers."""
        return self._request("GET", f"/sites?search={quote(words, safe='')}", operation="sites")

    def item(self, drive: str, path: str, *, download: bool = False) -> Request:
        """Look at an item by path; with *download* the answer brings the URL to read it."""
        query = "" if download else f"?{_SELECT}"
        return self._request("GET", self._at(drive, path) + query, operation="head")

    def labelled(self, drive: str, path: str) -> Request:
        """Look at an item by path, with its retention label."""
        return self._request("GET", f"{self._at(drive, path)}?$expand=retentionLabel", operation="retention")

    def label(self, drive: str, item: str, change: Mapping[str, object] | None) -> Request:
        """Change the retention label of an item, or take it off."""
        where = f"{self._id(drive, item)}/retentionLabel"
        if change is None:
            return self._request("DELETE", where, operation="hold")
        return self._request("PATCH", where, [_JSON], body=_json(change), operation="hold")

    def item_by_id(self, drive: str, item: str, *, download: bool = False) -> Request:
        """Look at an item by its id; with *download* the answer brings the URL to read it."""
        where = self._id(drive, item) if download else self.id_url(drive, item)
        return self._request("GET", where, operation="head")

    def put_content(self, drive: str, path: str, body: bytes, writing: Writing) -> Request:
        """Write a whole file."""
        headers = [("Content-Type", writing.content_type or "application/octet-stream"), *_condition(writing.if_match)]
        where = f"{self._at(drive, path)}:/content?{_BEHAVIOUR}={writing.behaviour}"
        return self._request("PUT", where, headers, body=body, operation="put")

    def begin(self, drive: str, path: str, size: int, writing: Writing) -> Request:
        """Begin an upload session for *size* bytes."""
        item = {_BEHAVIOUR: writing.behaviour, "name": path.rpartition("/")[2], "fileSize": size}
        headers = [_JSON, *_condition(writing.if_match)]
        where = f"{self._at(drive, path)}:/createUploadSession"
        return self._request("POST", where, headers, body=_json({"item": item}), operation="put")

    def fragment(self, upload_url: str, body: BodySlice, offset: int, total: int) -> Request:
        """Write the bytes from *offset*, the next ones that the session expects; sent once, see ``sessions.py``."""
        headers = [("Content-Range", f"bytes {offset}-{offset + body.size - 1}/{total}"), *self._agent]
        return Request(
            method="PUT", url=upload_url, headers=tuple(headers), body=body, operation="put", gate=self._gate, once=True
        )

    def session(self, upload_url: str, *, cancel: bool = False) -> Request:
        """Ask how far an upload has come, or throw it away."""
        method = "DELETE" if cancel else "GET"
        return Request(method=method, url=upload_url, headers=self._agent, operation="put", gate=self._gate)

    def download(self, url: str, span: tuple[int, int] | None, sink: Sink, on_headers: Inspect) -> Request:
        """Read a whole file, or only *span*: from its first number up to, but not including, its second."""
        headers = [("Accept-Encoding", "identity"), *self._agent]
        if span is not None:
            headers.append(("Range", f"bytes={span[0]}-{span[1] - 1}"))
        return Request(
            method="GET",
            url=url,
            headers=tuple(headers),
            sink=sink,
            on_headers=on_headers,
            operation="get",
            gate=self._gate,
        )

    def children(self, drive: str, path: str, item: str | None = None, most: int | None = None) -> Request:
        """List a folder: by its id if *item* gives it, else by its path; the empty path is the library.

        *most* is what a page has at most.
        """
        folder = f"{self._at(drive, path)}{':' if path else ''}" if item is None else self._id(drive, item)
        return self._request("GET", f"{folder}/children?$top={most or PAGE_ITEMS}&{_SELECT}", operation="list")

    def versions(self, drive: str, item: str, version: str | None = None, action: str = "") -> Request:
        """List the versions of a file, ask where the content of one is (``content``), or restore it.

        learn.microsoft.com/graph/api: driveitem-list-versions, driveitemversion-get-contents, driveitemversion-restore
        (read 2026-11).
        """
        where = f"{self._id(drive, item)}/versions"
        if version is None:
            return self._request("GET", where, operation="list")
        method = "POST" if action == "restoreVersion" else "GET"
        request = self._request(method, f"{where}/{quote(version, safe='')}/{action}", operation="get")
        return request if method == "GET" else replace(request, operation="put", body=b"")

    def delta(self, drive: str) -> Request:
        """List all items of the library, folders too, in no particular order."""
        return self._request(
            "GET", f"{self._at(drive, '')}/delta?$top={PAGE_ITEMS}&{_SELECT},deleted", operation="list"
        )

    def next_page(self, link: str) -> Request:
        """Follow the link of a page, as it is.

        Raises:
            UnavailableError: it leads away from Graph, and the token must not go there.
        """
        if urlsplit(link)[:2] != urlsplit(self._base)[:2]:
            raise UnavailableError("the listing continues at a host other than Graph's; nothing was sent there")
        return Request(method="GET", url=link, headers=self._agent, auth=self._auth, operation="list", gate=self._gate)

    def folder(self, drive: str, parent: str, name: str) -> Request:
        """Make the folder *name* in *parent*."""
        body = _json({"name": name, "folder": {}, _BEHAVIOUR: "fail"})
        where = f"{self._at(drive, parent)}{':' if parent else ''}/children"
        return self._request("POST", where, [_JSON], body=body, operation="put")

    def delete(self, drive: str, item: Item) -> Request:
        """Move *item*, if it has not changed, into the recycle bin; or remove it for good where the target says so."""
        method, where, if_match = self.deletion(drive, item)
        return self._request(method, where, _condition(if_match), operation="delete")

    def copy(self, drive: str, item: Item, place: Place, *, behaviour: str) -> Request:
        """Begin to copy an item to *place*."""
        body = _json({"parentReference": {"driveId": drive, "id": place.parent}, "name": place.name})
        where = f"{self._id(drive, item.id)}/copy?{_BEHAVIOUR}={behaviour}"
        request = self._request("POST", where, [_JSON], body=body, operation="copy")
        return replace(request, idempotent=False, refusals=_REFUSALS)

    def move(self, drive: str, item: Item, place: Place, *, behaviour: str) -> Request:
        """Give *item*, if it has not changed, another name or folder; *behaviour* says what happens to a file there."""
        # In the body: in the query it is ignored (github.com/OneDrive/onedrive-api-docs/issues/820 and 1383).
        body = _json({"parentReference": {"id": place.parent}, "name": place.name, _BEHAVIOUR: behaviour})
        where = f"{self._id(drive, item.id)}?{_SELECT}"
        return self._request("PATCH", where, [_JSON, *_condition(item.if_match)], body=body, operation="move")

    def monitor(self, url: str) -> Request:
        """Ask how far a copy has come."""
        return Request(method="GET", url=url, headers=self._agent, operation="copy", gate=self._gate)

    def batch(self, requests: Sequence[tuple[str, str, str | None]]) -> Request:
        """Send up to 20 (method, path below the API, if_match) at once; they are numbered from 0."""
        entries = [
            {"id": str(index), "method": method, "url": url, **({"headers": {"If-Match": match}} if match else {})}
            for index, (method, url, match) in enumerate(requests)
        ]
        return self._request("POST", "/$batch", [_JSON], body=_json({"requests": entries}), operation="delete")

    def item_url(self, drive: str, path: str) -> str:
        """Return what ``item`` asks for, for a batch."""
        return f"{self._at(drive, path)}?{_SELECT}"

    def id_url(self, drive: str, item: str) -> str:
        """Return what ``item_by_id`` asks for, for a batch."""
        return f"{self._id(drive, item)}?{_SELECT}"

    def deletion(self, drive: str, item: Item) -> tuple[str, str, str | None]:
        """Return what ``delete`` sends as method, path below the API and If-Match, for a batch."""
        where = self._id(drive, item.id)
        method, end = ("POST", "/permanentDelete") if self.target.permanent_delete else ("DELETE", "")
        return method, where + end, item.if_match

    def _at(self, drive: str, path: str) -> str:
        root = f"/drives/{quote(drive, safe='!')}/root"
        # Each segment by itself: "#", "%" and "?" are ordinary characters of names here.
        return f"{root}:/{'/'.join(quote(name, safe='') for name in path.split('/'))}" if path else root

    def _id(self, drive: str, item: str) -> str:
        return f"/drives/{quote(drive, safe='!')}/items/{quote(item, safe='!')}"

    def _request(
        self,
        method: str,
        where: str,
        headers: Sequence[tuple[str, str]] = (),
        *,
        operation: str,
        body: bytes | None = None,
    ) -> Request:
        return Request(
            method=method,
            url=self._base + where,
            headers=(*self._agent, *headers),
            body=body,
            auth=self._auth,
            operation=operation,
            gate=self._gate,
        )


def _condition(if_match: str | None) -> Headers:
    return (("If-Match", if_match),) if if_match is not None else ()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
