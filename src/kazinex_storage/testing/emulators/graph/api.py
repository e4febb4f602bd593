"""The API itself, version 1.0: sites, libraries, items by path and by id, batches."""

from __future__ import annotations

import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar
from urllib.parse import parse_qsl, unquote

from ..http import Answer, Received
from .drive import Drive, GraphError, Node, not_found
from .state import App, Monitor, Site, State, UploadSession
from .views import delta_view, download_url, drive_view, error_answer, item_view, json_answer, site_view, version_view

T = TypeVar("T")

PREFIX: Final = "/v1.0"
PUT_LIMIT: Final = 250 * 1000 * 1000

_SITE: Final = re.compile(r"/sites/([^/:]+)(?::/([^:]*):?)?(?:/(drives|drive|permissions))?")
_DRIVE: Final = re.compile(r"/drives/([^/]+)")
_ITEM: Final = re.compile(r"/drives/([^/]+)/(?:root|items/([^/:]+))(?::/([^:]*):?)?(?:/(\w+))?")

_VERSION: Final = re.compile(r"/drives/([^/]+)/items/([^/:]+)/versions(?:/([^/]+)/(content|restoreVersion))?")


class Api:
    """Answers requests to Graph."""

    def __init__(self, state: State, host: str) -> None:
        self._state = state
        self._host = host
        self.graph_url = ""
        """Where it is reached, with the version."""
        self.transfer_url = ""
        """The origin of upload, download and monitor URLs."""

    def answer(self, received: Received) -> Answer:
        """Answer one request.

        Raises:
            GraphError: it is refused.
        """
        app = self._app(received)
        path = received.path.removeprefix(PREFIX)
        if path == "/$batch" and received.method == "POST":
            return self._batch(received)
        query = dict(parse_qsl(received.query, keep_blank_values=True))
        if path == "/sites" or (found := _SITE.fullmatch(path)) is not None:
            return self._sites(app, query) if path == "/sites" else self._site(app, received, found)  # type: ignore[arg-type]
        if not path.endswith("/versions") and (found := _ITEM.fullmatch(path)) is not None:
            site, drive = self._drive(app, unquote(found[1]))
            del site
            call = Call(self, drive, received, query, app)
            with drive.lock:
                return call.answer(unquote(found[2] or "root"), unquote(found[3] or ""), found[4])
        if (found := _VERSION.fullmatch(path)) is not None:
            drive = self._drive(app, unquote(found[1]))[1]
            with drive.lock:
                return self._versions(drive, received, query, found)
        if (found := _DRIVE.fullmatch(path)) is not None:
            return json_answer(200, drive_view(self._drive(app, unquote(found[1]))[1]))
        raise GraphError(400, "BadRequest", f"Resource not found for the segment {path[:80]!r}")

    def _versions(self, drive: Drive, received: Received, query: Mapping[str, str], found: re.Match[str]) -> Answer:
        """Answer for the versions of a file: learn.microsoft.com/graph/api/driveitem-list-versions (read 2026-11)."""
        node = drive.by_id(unquote(found[2]))
        if not node.is_file:
            raise GraphError(400, "invalidRequest", "a folder has no versions")
        versions = [node, *node.earlier]
        if found[3] is None:
            return json_answer(200, self.page(versions, version_view, received, query))
        one = next((one for one in versions if version_view(one)["id"] == unquote(found[3])), None)
        if one is None:
            raise not_found()
        if found[4] == "content" and received.method == "GET":
            if one is node:
                raise GraphError(400, "invalidRequest", "You cannot get the content of the current version")
            return Answer(status=302, headers={"location": download_url(self._state, one, self.transfer_url)})
        if found[4] == "restoreVersion" and received.method == "POST" and node.parent is not None:
            drive.store(node.parent, node.name, node, one.content or b"", one.content_type)
            return Answer(status=204)
        raise GraphError(400, "invalidRequest", f"{received.method} {found[4]} is not there")

    def page(
        self, nodes: Sequence[T], view: Callable[[T], dict[str, object]], received: Received, query: Mapping[str, str]
    ) -> dict[str, object]:
        """Return one page with the *view* of each of its *nodes*, and an opaque link to the next."""
        start = int(urlsafe_b64decode(query["$skiptoken"]).decode()) if "$skiptoken" in query else 0
        most = min(self._state.knobs.page_items, int(query.get("$top") or self._state.knobs.page_items))
        found: dict[str, object] = {"value": [view(node) for node in nodes[start : start + most]]}
        if start + most < len(nodes):
            token = urlsafe_b64encode(str(start + most).encode()).decode()
            kept = "&".join(f"{name}={value}" for name, value in query.items() if name != "$skiptoken")
            path = received.path.removeprefix(PREFIX)
            found["@odata.nextLink"] = f"{self.graph_url}{path}?{kept}{'&' if kept else ''}$skiptoken={token}"
        return found

    def _app(self, received: Received) -> App:
        token = received.headers.get("authorization", "").removeprefix("Bearer ")
        app = self._state.app_of(token)
        if app is None:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        if not app.consented:
            raise GraphError(403, "accessDenied", "Access denied")
        return app

    def _allowed(self, app: App, site: Site) -> None:
        if app.granted_sites is not None and site.id not in app.granted_sites:
            raise GraphError(403, "accessDenied", "Access denied")

    def _sites(self, app: App, query: Mapping[str, str]) -> Answer:
        if app.granted_sites is not None:
            return json_answer(200, {"value": []})  # search finds nothing under Sites.Selected
        words = query.get("search", "").strip("*").casefold()
        found = [site for site in self._state.sites.values() if words in site.name.casefold()]
        return json_answer(200, {"value": [site_view(site, self._host) for site in found]})

    def _site(self, app: App, received: Received, found: re.Match[str]) -> Answer:
        who, path, action = unquote(found[1]), found[2], found[3]
        if path is not None or who == self._host:
            site = self._state.sites.get(unquote(path or "").strip("/").casefold())
            site = site if who.casefold() == self._host.casefold() else None
        else:
            site = next((site for site in self._state.sites.values() if site.id == who), None)
        if site is None:
            raise GraphError(404, "itemNotFound", "Requested site could not be found")
        if action == "permissions" and received.method == "POST":
            for grant in json.loads(received.body).get("grantedToIdentities", ()):
                granted = self._state.apps[grant["application"]["id"]]
                granted.granted_sites = (granted.granted_sites or set()) | {site.id}
            return json_answer(201, {"id": secrets.token_hex(8), "roles": ["write"]})
        self._allowed(app, site)
        if action == "drives":
            return json_answer(200, {"value": [drive_view(drive) for drive in site.drives]})
        if action == "drive":
            return json_answer(200, drive_view(site.drives[0]))
        return json_answer(200, site_view(site, self._host))

    def _drive(self, app: App, identity: str) -> tuple[Site, Drive]:
        found = self._state.drives.get(identity)
        if found is None:
            raise not_found()
        self._allowed(app, found[0])
        return found

    def _batch(self, received: Received) -> Answer:
        requests = json.loads(received.body).get("requests", [])
        if len(requests) > 20:
            raise GraphError(400, "invalidRequest", "a batch has at most 20 requests")
        answers = []
        for request in requests:
            path, _, query = request["url"].partition("?")
            headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
            body = json.dumps(request["body"]).encode() if "body" in request else b""
            inner = Received(
                method=request["method"],
                path=PREFIX + path,
                query=query,
                headers={**headers, "authorization": received.headers["authorization"]},
                body=body,
            )
            try:
                if not self._state.spend(1):
                    raise GraphError(429, "activityLimitReached", "throttled")
                answer = self.answer(inner)
            except GraphError as error:
                answer = error_answer(error)
            answers.append(
                {
                    "id": request["id"],
                    "status": answer.status,
                    "headers": answer.headers,
                    "body": json.loads(answer.body) if answer.body else None,
                }
            )
        return json_answer(200, {"responses": answers})


class Call:
    """One request to one library, whose lock is held."""

    def __init__(self, api: Api, drive: Drive, received: Received, query: Mapping[str, str], app: App) -> None:
        self._api = api
        self._state = api._state
        self._drive = drive
        self._received = received
        self._query = query
        self._app = app
        self._author = app.client_id
        self._if_match = received.headers.get("if-match")

    def answer(self, identity: str, path: str, action: str | None) -> Answer:
        """Answer what is asked of the item *path* below the item *identity*.

        Raises:
            GraphError: it is refused.
        """
        method = self._received.method
        base = self._drive.by_id(identity)
        above = "/".join(base.path)
        full = "/".join(filter(None, (above, path)))
        if (method, action) == ("PUT", "content"):
            return self._put(full)
        if (method, action) == ("POST", "createUploadSession"):
            return self._begin(full)
        if (method, action) == ("POST", "children"):
            return self._make_folder(self._drive.find(full))
        node = self._drive.find(full)
        handlers: dict[tuple[str, str | None], Callable[[], Answer]] = {
            ("GET", None): lambda: json_answer(200, self._looked_at(node)),
            ("GET", "retentionLabel"): lambda: self._label(node),
            ("PATCH", "retentionLabel"): lambda: self._label(node),
            ("DELETE", "retentionLabel"): lambda: self._label(node),
            ("GET", "children"): lambda: self._children(node),
            ("GET", "content"): lambda: self._content(node),
            ("GET", "delta"): self._delta,
            ("PATCH", None): lambda: self._change(node),
            ("DELETE", None): lambda: self._remove(node, for_ever=False),
            ("POST", "permanentDelete"): lambda: self._remove(node, for_ever=True),
            ("POST", "copy"): lambda: self._copy(node),
        }
        handler = handlers.get((method, action))
        if handler is None:
            raise GraphError(400, "invalidRequest", f"{method} {action or 'item'} is not there")
        return handler()

    def _view(self, node: Node, *, downloads: bool = False) -> dict[str, object]:
        return item_view(self._state, self._drive, node, self._api.transfer_url if downloads else None)

    def _looked_at(self, node: Node) -> dict[str, object]:
        found = self._view(node, downloads="$select" not in self._query)
        expanded = self._query.get("$expand")
        if expanded not in (None, "retentionLabel"):
            raise GraphError(400, "invalidRequest", f"cannot expand {expanded!r}")
        if expanded is not None and node.label is not None:
            found["retentionLabel"] = self._drive.labels.view(node.label)
        return found

    def _label(self, node: Node) -> Answer:
        labels, method = self._drive.labels, self._received.method
        if method == "DELETE":
            if self._received.body:
                raise GraphError(400, "invalidRequest", "the removal of a label has no body")
            labels.remove(node, by_owner=self._app.full_control)
            return Answer(status=204)
        first = method == "PATCH" and labels.apply(node, self._received.body, self._author)
        if node.label is None:
            raise not_found()
        return json_answer(201 if first else 200, labels.view(node.label))

    def _behaviour(self, default: str) -> str:
        return self._query.get("@microsoft.graph.conflictBehavior", default)

    def _parent(self, full: str) -> tuple[Node, str]:
        parent, _, name = full.rpartition("/")
        return self._drive.folder(parent, make=self._state.knobs.makes_parents), name

    def _put(self, full: str) -> Answer:
        if len(self._received.body) > PUT_LIMIT:
            raise GraphError(413, "maxFileSizeExceeded", "use an upload session above 250 MB")
        self._drive.check_writable()
        parent, name = self._parent(full)
        name, old = self._drive.free(parent, name, self._behaviour("replace"), self._if_match)
        content_type = self._received.headers.get("content-type", "application/octet-stream")
        node = self._drive.store(parent, name, old, self._received.body, content_type)
        node.author = self._author
        return json_answer(201 if old is None else 200, self._view(node, downloads=True))

    def _begin(self, full: str) -> Answer:
        item = json.loads(self._received.body or b"{}").get("item", {})
        behaviour = item.get("@microsoft.graph.conflictBehavior", "fail")
        self._drive.check_writable()
        parent, name = self._parent(full)
        if item.get("name", name) != name:
            raise GraphError(400, "invalidRequest", "the name in the body is not that of the URL")
        name, _ = self._drive.free(parent, name, behaviour, self._if_match)
        token = secrets.token_urlsafe(24)
        expires = time.monotonic() + self._state.knobs.session_seconds
        session = UploadSession(
            self._drive, parent, name, behaviour, self._if_match, expires, item.get("fileSize"), self._author
        )
        self._state.sessions[token] = session
        url = f"{self._api.transfer_url}/upload/{token}"
        return json_answer(
            200, {"uploadUrl": url, "expirationDateTime": "2099-01-01T00:00:00Z", "nextExpectedRanges": ["0-"]}
        )

    def _make_folder(self, parent: Node) -> Answer:
        body = json.loads(self._received.body)
        name, behaviour = body["name"], body.get("@microsoft.graph.conflictBehavior", "fail")
        found = parent.children.get(name.casefold())
        if found is not None and not (behaviour == "replace" and not found.is_file):
            name, _ = self._drive.free(parent, name, "rename" if behaviour == "rename" else "fail", None)
            found = None
        return json_answer(201, self._view(found or self._drive.add(parent, name, None)))

    def _children(self, node: Node) -> Answer:
        if node.is_file:
            raise GraphError(400, "invalidRequest", "a file has no children")
        downloads = "$select" not in self._query
        nodes = sorted(node.children.values(), key=lambda child: child.name.casefold())
        view = partial(self._view, downloads=downloads)
        return json_answer(200, self._api.page(nodes, view, self._received, self._query))

    def _content(self, node: Node) -> Answer:
        if not node.is_file:
            raise GraphError(400, "invalidRequest", "a folder has no content")
        return Answer(status=302, headers={"location": download_url(self._state, node, self._api.transfer_url)})

    def _delta(self) -> Answer:
        token = self._query.get("token", "")
        path = self._received.path.removeprefix(PREFIX)
        end = f"{self._api.graph_url}{path}?token={len(self._drive.log)}"
        if token == "latest":  # noqa: S105  # a word of the API
            return json_answer(200, {"value": [], "@odata.deltaLink": end})
        if token and not token.isdigit():
            raise GraphError(410, "resyncRequired", "Resync required")
        changes = self._drive.changes(int(token or 0))
        if not token:
            changes = [(node, gone) for node, gone in changes if not gone]
        if self._state.knobs.delta_repeats:
            changes = self._repeated(changes)
        found = self._api.page(changes, self._changed, self._received, self._query)
        if "@odata.nextLink" not in found:
            found["@odata.deltaLink"] = end
        return json_answer(200, found)

    def _repeated(self, changes: list[tuple[Node, bool]]) -> list[tuple[Node, bool]]:
        found: list[tuple[Node, bool]] = []
        for one in changes:
            found.append(one)
            if len(found) % self._state.knobs.page_items == 0:
                found.append(one)
        return found

    def _changed(self, change: tuple[Node, bool]) -> dict[str, object]:
        node, gone = change
        return {"id": node.id, "deleted": {}} if gone else delta_view(self._view(node))

    def _change(self, node: Node) -> Answer:
        self._check(node)
        body = json.loads(self._received.body)
        parent = node.parent or node
        if "parentReference" in body and "id" in body["parentReference"]:
            parent = self._drive.by_id(body["parentReference"]["id"])
        behaviour = body.get("@microsoft.graph.conflictBehavior", "fail")
        self._drive.move(node, parent, body.get("name", node.name), over=behaviour == "replace")
        node.author = self._author
        return json_answer(200, self._view(node))

    def _remove(self, node: Node, *, for_ever: bool) -> Answer:
        self._check(node)
        self._drive.delete(node, for_ever=for_ever)
        return Answer(status=204)

    def _copy(self, node: Node) -> Answer:
        body = json.loads(self._received.body)
        reference = body.get("parentReference", {})
        parent = self._drive.by_id(reference["id"]) if "id" in reference else node.parent or node
        if not node.is_file:
            raise GraphError(501, "notSupported", "the emulator copies files only")
        self._drive.check_writable()
        name, old = self._drive.free(parent, body.get("name", node.name), self._behaviour("fail"), None)
        made = self._drive.store(parent, name, old, node.content or b"", node.content_type)
        made.author = self._author
        token = secrets.token_urlsafe(16)
        result: dict[str, object] = {"status": "completed", "percentageComplete": 100.0, "resourceId": made.id}
        self._state.monitors[token] = Monitor(self._state.knobs.copy_polls, result)
        return Answer(status=202, headers={"location": f"{self._api.transfer_url}/monitor/{token}"})

    def _check(self, node: Node) -> None:
        if self._if_match is not None and self._if_match not in (node.etag, node.ctag, "*"):
            raise GraphError(412, "resourceModified", "ETag does not match current item's value")
