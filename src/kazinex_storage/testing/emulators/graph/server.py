"""GraphEmulator: the API, the origin for bytes and the token endpoint, each on a port of 127.0.0.1."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from urllib.parse import quote

from ..faults import Faults, Kind, RequestFault
from ..http import Answer, Received, http_server
from ..tls import CertificateAuthority
from .api import PREFIX, Api
from .drive import Drive, GraphError
from .state import App, Knobs, Site, State
from .tokens import Tokens
from .transfers import Transfers
from .views import error_answer

HOST = "contoso.sharepoint.example"
"""The host of the emulated sites, in their addresses."""


class GraphEmulator:
    """A tenant of Microsoft 365 with SharePoint sites. Thread-safe; made by ``graph_emulator``."""

    def __init__(self) -> None:
        self.state = State()
        """What it holds."""
        self.faults = Faults()
        """What shall go wrong; paths in faults are those of requests to any of the three ports."""
        self.log: list[tuple[str, str, int]] = []
        """Every request to Graph and to the origin for bytes: method, path, status."""
        self.api = Api(self.state, HOST)
        self._transfers = Transfers(self.state)
        self.tokens = Tokens(self.state)
        """The token endpoint."""

    @property
    def knobs(self) -> Knobs:
        """How the service behaves."""
        return self.state.knobs

    @property
    def graph_url(self) -> str:
        """The base of the API."""
        return self.api.graph_url

    @property
    def login_url(self) -> str:
        """The authority, without the tenant."""
        return self.tokens.login_url

    @property
    def tenant(self) -> str:
        """The id of the tenant."""
        return self.state.tenant

    def add_site(self, path: str, libraries: Sequence[str] = ("Documents",)) -> Site:
        """Add a site at *path* below the host, such as ``sites/projects``."""
        path = path.strip("/")
        url = f"https://{HOST}/{quote(path)}".rstrip("/")
        identity = f"{HOST},{secrets.token_hex(16)},{secrets.token_hex(16)}"
        site = Site(path, path.rpartition("/")[2] or "Root", identity, url)
        for name in libraries:
            in_url = "Shared Documents" if name == "Documents" else name
            drive = Drive(name, f"{url}/{quote(in_url)}", "/".join(filter(None, (path, in_url))), self.state.labels)
            site.drives.append(drive)
            self.state.drives[drive.id] = (site, drive)
        self.state.sites[path.casefold()] = site
        return site

    def add_app(self, client_id: str | None = None, secret: str | None = None) -> App:
        """Register an app that may do everything."""
        app = App(client_id or f"aaaaaaaa-0000-4000-8000-{secrets.token_hex(6)}", secret)
        self.state.apps[app.client_id] = app
        return app

    def serve(self, received: Received, *, transfers: bool) -> Answer | None:
        """Answer one request to the API, or to the origin for bytes."""
        return self._serve(received, lambda: self._answered(received, transfers), logged=True)

    def serve_login(self, received: Received) -> Answer | None:
        """Answer one request to the token endpoint."""
        return self._serve(received, lambda: self.tokens.serve(received), logged=False)

    def _serve(self, received: Received, answered: Callable[[], Answer], *, logged: bool) -> Answer | None:
        fault = self.faults.take(received)
        if fault is not None and fault.kind is Kind.STALL:
            self.faults.stalled()
        if fault is not None and fault.kind in (Kind.CUT_BEFORE, Kind.STALL):
            return None
        answer = fault.answer if fault is not None and fault.kind is Kind.ANSWER else answered()
        answer.headers.setdefault("date", formatdate(usegmt=True))
        if logged:
            self.log.append((received.method, received.path, answer.status))
        return _spoilt(answer, fault) if fault is not None else answer

    def _answered(self, received: Received, transfers: bool) -> Answer:
        try:
            if not self.state.spend(1 if received.method == "GET" else 2):
                raise GraphError(429, "activityLimitReached", "The app has been throttled")
            if transfers and received.method == "OPTIONS":
                return Answer(status=200, headers=_preflight(received))
            answer = self._transfers.answer(received) if transfers else self.api.answer(received)
            if transfers and "origin" in received.headers:
                answer.headers |= _ANY_ORIGIN
        except GraphError as error:
            return error_answer(error, self.knobs.retry_after_s if error.status == 429 else None)
        left, limit = self.knobs.units, self.knobs.unit_limit
        if left is not None and left <= limit // 5:
            answer.headers |= {
                "ratelimit-limit": str(limit),
                "ratelimit-remaining": str(max(0, left)),
                "ratelimit-reset": str(self.knobs.retry_after_s),
            }
        return answer


# Pages may send fragments to the URL of an upload session: learn.microsoft.com/graph/api/driveitem-createuploadsession.
_ANY_ORIGIN = {"access-control-allow-origin": "*", "access-control-expose-headers": "ETag, Location, Retry-After"}


def _preflight(received: Received) -> dict[str, str]:
    wanted = received.headers.get("access-control-request-headers", "")
    return {
        **_ANY_ORIGIN,
        "access-control-allow-methods": "GET, PUT, DELETE",
        "access-control-allow-headers": wanted,
        "access-control-max-age": "600",
    }


@contextmanager
def graph_emulator(tls: CertificateAuthority | None = None, port: int = 0) -> Iterator[GraphEmulator]:
    """Serve an empty tenant on loopback until the context ends; over TLS with certificates of *tls*."""
    emulator = GraphEmulator()
    scheme = "https" if tls is not None else "http"

    def context() -> object:
        return tls.server_context() if tls is not None else None

    with ExitStack() as stack:
        made = [
            stack.enter_context(http_server(handler, context(), number))  # type: ignore[arg-type]
            for handler, number in (
                (lambda received: emulator.serve(received, transfers=False), port),
                (lambda received: emulator.serve(received, transfers=True), 0),
                (emulator.serve_login, 0),
            )
        ]
        graph, transfer, login = (f"{scheme}://127.0.0.1:{number}" for number in made)
        emulator.api.graph_url = graph + PREFIX
        emulator.api.transfer_url = transfer
        emulator.tokens.login_url = login
        try:
            yield emulator
        finally:
            emulator.faults.release()


def _spoilt(answer: Answer, fault: RequestFault) -> Answer | None:
    if fault.kind is Kind.CUT_AFTER:
        return None
    if fault.kind is Kind.CUT_INSIDE:
        answer.cut_after = fault.at
    elif fault.kind is Kind.CORRUPT and answer.body:
        at = min(fault.at, len(answer.body) - 1)
        answer.body = answer.body[:at] + bytes([answer.body[at] ^ 1]) + answer.body[at + 1 :]
    return answer
