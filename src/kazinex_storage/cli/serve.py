"""``serve``: the page Settings > Storage and the HTTP API on this machine, for a person or a small team.

The page opens with a link that works once; the browser then has a session until the program ends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import SettingsError
from ..lazy import module
from ..providers.settings.environment import PREFIX, variables_below
from .command import RunningCommand, command_of
from .demo import DATA
from .exits import UsageError

if TYPE_CHECKING:
    import ipaddress
    import socket
    import webbrowser
    from urllib import parse

    from ..web.app import ConnectApp, Served
else:
    ipaddress = module(__name__, "ipaddress")
    parse = module(__name__, "urllib.parse")
    socket = module(__name__, "socket")
    webbrowser = module(__name__, "webbrowser")

DEFAULT_PORT: Final = 8753
"""What is tried first when no port is given."""
_BROWSERS_OF_TERMINALS: Final = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})


def serve(
    context: typer.Context,
    demo: Annotated[bool, typer.Option("--demo", help="Serve a sample organisation on local disk.")] = False,
    organisations: Annotated[
        list[str] | None,
        typer.Option(
            "--organisation",
            "-o",
            envvar="KAZINEX_STORAGE_ORGANISATION",
            help="An organisation to serve; repeatable. By default all that have providers.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen at, one of this machine.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = None,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="What browsers use instead, when a proxy with TLS stands in front."),
    ] = None,
    home: Annotated[Path, typer.Option(help="The folder of the demo; made when missing.")] = Path("demo"),
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Serve the page Settings > Storage and the HTTP API on this machine until Ctrl-C.

    Prints a link that opens the page once, and a new one when it was used. Whoever opens one may do everything in
    these organisations.
    """
    command, own = command_of(context), None
    listener = _listen(host, port)
    try:
        if demo:
            from . import sample

            organisations, home = [sample.ORGANISATION], home.absolute()
            managed = sample.declare(home / DATA, home / "storage")
            environ = {f"{PREFIX}HOME": str(home / DATA), f"{PREFIX}MANAGED": str(managed)}
            command = own = RunningCommand(command.out, environ)
            sample.fill(command.organisations, command.documents, home)
            command.close()  # opened again below, where requests are counted
        names = _names(command, list(filter(None, organisations or ())))
        with _watched(command):
            _run(command, listener, names, _address(listener, host, public_url), browser=browser)
    finally:
        listener.close()
        if own is not None:
            own.close()


def _listen(host: str, port: int | None) -> socket.socket:
    if not _is_loopback(host):
        raise UsageError(
            f"--host {host}: this speaks HTTP without TLS, so it listens on this machine only; put a proxy with TLS in "
            "front of it, and name its address by --public-url"
        )
    # By its number: asyncio sends small answers at once (TCP_NODELAY) only where it sees that this is TCP; else 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for candidate in (DEFAULT_PORT, 0) if port is None else (port,):
        try:
            listener.bind((host, candidate))
        except OSError as error:
            if candidate == DEFAULT_PORT and port is None:
                continue
            listener.close()
            raise SettingsError(
                f"port {candidate} of {host} cannot be used ({error.strerror}); choose another"
            ) from error
        listener.listen(128)
        return listener
    raise AssertionError("port 0 is always free")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _address(listener: socket.socket, host: str, public_url: str | None) -> str:
    if public_url is None:
        return f"http://{host}:{listener.getsockname()[1]}"
    parts = parse.urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError("--public-url is the address of a proxy with TLS, such as https://storage.example.org")
    return f"https://{parts.netloc}"


def _names(command: RunningCommand, given: list[str]) -> list[str]:
    from ..keys import check_identifier

    if given:
        return [check_identifier(name, "organisation") for name in given]
    catalogue, registry = command.organisations.catalogue, command.organisations.registry
    found = {record.organisation for kind in registry.kinds() for record in catalogue.of_kind(kind.kind)}
    if not found:
        raise UsageError("there is no organisation with a provider yet; name one by --organisation, or try --demo")
    return sorted(found)


@contextmanager
def _watched(command: RunningCommand) -> Iterator[None]:
    """Count the requests of *command*, verify its providers and end expired uploads while the block runs."""
    from ..monitoring import Monitor, RequestCounter

    counter = RequestCounter(command.organisations)
    command.resolver.meter = counter
    try:
        with Monitor(command.organisations, documents=command.documents).running():
            yield
    finally:
        command.resolver.close()
        counter.close()


def _run(command: RunningCommand, listener: socket.socket, names: list[str], address: str, *, browser: bool) -> None:
    import uvicorn

    from ..web.app import Served, create_app, link_of
    from ..web.sessions import Sessions

    def show_link() -> None:
        _show(command, link_of(served), names)

    served: Served = Served(
        organisations=command.organisations,
        resolver=command.resolver,
        sessions=Sessions("local operator"),
        names=tuple(names),
        address=address,
        connect=_connect_app(),
        opened=show_link,
    )
    config = uvicorn.Config(create_app(served), log_level="warning", access_log=False, server_header=False)
    link = link_of(served)
    _show(command, link, names)
    if browser and sys.stdout.isatty() and _has_browser():
        webbrowser.open(link)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        command.out.note("stopped")


def _connect_app() -> ConnectApp | None:
    """Return the app that the variables KAZINEX_STORAGE_CONNECT_* name; None when they name none.

    Raises:
        SettingsError: id or secret is missing.
    """
    from ..web.app import ConnectApp

    found = variables_below(f"{PREFIX}CONNECT_", ("client_id", "client_secret", "tenant"))
    if not found:
        return None
    if {"client_id", "client_secret"} - found.keys():
        raise SettingsError(f"{PREFIX}CONNECT_CLIENT_ID and {PREFIX}CONNECT_CLIENT_SECRET go together; set both")
    tenant = found.get("tenant", "organizations")
    return ConnectApp(client_id=found["client_id"], client_secret=found["client_secret"], tenant=tenant)


def _show(command: RunningCommand, link: str, names: list[str]) -> None:
    """Print a link; with ``--json`` one document for each."""
    command.out.result(
        {"url": link, "organisations": names},
        [f"Open the page with this link, which works once: {link}", "Ctrl-C ends the service."],
    )
    command.out.flush()


def _has_browser() -> bool:
    try:
        return getattr(webbrowser.get(), "name", "") not in _BROWSERS_OF_TERMINALS
    except webbrowser.Error:
        return False
