"""How Graph writes items, sites, libraries and errors as JSON."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from urllib.parse import quote

from ..http import Answer
from .drive import Drive, GraphError, Node
from .state import Link, Site, State


def json_answer(status: int, value: object) -> Answer:
    """Return an answer with *value* as its body."""
    return Answer(
        status=status,
        headers={"content-type": "application/json;odata.metadata=minimal", "request-id": _request_id()},
        body=json.dumps(value).encode(),
    )


def error_answer(error: GraphError, retry_after_s: int | None = None) -> Answer:
    """Return the answer that *error* is."""
    inner: dict[str, object] = {"date": _date(datetime.now(UTC)), "request-id": _request_id()}
    if error.inner is not None:
        inner["code"] = error.inner
    answer = json_answer(error.status, {"error": {"code": error.code, "message": error.message, "innerError": inner}})
    if retry_after_s is not None:
        answer.headers["retry-after"] = str(retry_after_s)
    return answer


def item_view(state: State, drive: Drive, node: Node, downloads: str | None = None) -> dict[str, object]:
    """Return an item; with the origin for *downloads* it says where to read it."""
    found: dict[str, object] = {
        "id": node.id,
        "name": node.name,
        "eTag": node.etag,
        "size": sum(len(below.content or b"") for below in node.walk()),
        "createdDateTime": _date(node.created),
        "lastModifiedDateTime": _date(node.modified),
        "webUrl": f"{drive.url}/{'/'.join(quote(name) for name in node.path)}",
        "parentReference": _parent(state, drive, node),
        "fileSystemInfo": {
            "createdDateTime": _date(node.created),
            "lastModifiedDateTime": _date(node.modified),
        },
    }
    if node.author is not None:
        found["lastModifiedBy"] = {"application": {"id": node.author, "displayName": "Emulated app"}}
    if node.parent is None:
        found["root"] = {}
    if node.package is not None:
        found["package"] = {"type": node.package}
        return found
    if node.content is None:
        found["folder"] = {"childCount": len(node.children)}
        return found
    found["cTag"] = node.ctag
    file: dict[str, object] = {"mimeType": node.content_type}
    if node.hash_after > 0:
        node.hash_after -= 1
    else:
        file["hashes"] = {"quickXorHash": node.quickxor}
    found["file"] = file
    if downloads is not None:
        found["@microsoft.graph.downloadUrl"] = download_url(state, node, downloads)
    return found


def version_view(node: Node) -> dict[str, object]:
    """Return one version of a file; what says nothing of its bytes but their number."""
    return {
        "id": f"{node.content_version}.0",
        "lastModifiedDateTime": _date(node.modified),
        "size": len(node.content or b""),
    }


def delta_view(found: dict[str, object]) -> dict[str, object]:
    """Return an item as a delta reports it: without cTag, and without the path of the folder above."""
    parent = found["parentReference"]
    shorter = {name: value for name, value in parent.items() if name != "path"} if isinstance(parent, dict) else parent
    return {**{name: value for name, value in found.items() if name != "cTag"}, "parentReference": shorter}


def download_url(state: State, node: Node, origin: str) -> str:
    """Return a URL that reads *node* for a while, without credentials."""
    token = secrets.token_urlsafe(24)
    expires = time.monotonic() + state.knobs.url_seconds
    state.links[token] = Link(node, expires, node.content_version)
    return f"{origin}/download.aspx?UniqueId={node.guid}&Translate=false&tempauth={token}"


def site_view(site: Site, host: str) -> dict[str, object]:
    """Return a site."""
    return {
        "id": site.id,
        "name": site.name,
        "displayName": site.name,
        "webUrl": site.url,
        "siteCollection": {"hostname": host} | ({"dataLocationCode": site.geography} if site.geography else {}),
    }


def drive_view(drive: Drive) -> dict[str, object]:
    """Return a library."""
    quota = {"used": drive.used(), "total": drive.quota_bytes or 1 << 44, "state": "normal"}
    return {"id": drive.id, "driveType": "documentLibrary", "name": drive.name, "webUrl": drive.url, "quota": quota}


def _parent(state: State, drive: Drive, node: Node) -> dict[str, object]:
    if node.parent is None:
        return {"driveType": "documentLibrary", "driveId": drive.id}
    names = "".join(f"/{quote(name) if state.knobs.encodes_paths else name}" for name in node.parent.path)
    return {
        "driveType": "documentLibrary",
        "driveId": drive.id,
        "id": node.parent.id,
        "path": f"/drives/{drive.id}/root:{names}",
    }


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _request_id() -> str:
    return f"00000000-0000-4000-8000-{secrets.token_hex(6)}"
