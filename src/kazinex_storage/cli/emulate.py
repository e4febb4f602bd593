"""``emulate graph``: a tenant of Microsoft 365 on this machine, to try things out without one."""

from __future__ import annotations

import importlib
import threading
from typing import Annotated

import typer

from .command import command_of


def build(epilog: str) -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(no_args_is_help=True, help="Serve an emulated service on 127.0.0.1 until Ctrl-C.")
    app.callback()(_emulate)
    app.command("graph", epilog=epilog)(emulate_graph)
    return app


def _emulate() -> None:
    """Serve an emulated service on 127.0.0.1 until Ctrl-C."""


def emulate_graph(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the API; 0 takes a free one.")] = 0,
    site: Annotated[str, typer.Option(help="Path of a site that is there.")] = "sites/projects",
    library: Annotated[str, typer.Option(help="Name of its document library.")] = "Documents",
) -> None:
    """Serve SharePoint libraries behind Microsoft Graph over TLS, with one site and one app; what is stored is lost."""
    out = command_of(context).out
    # By name, because only tests may depend on the kit.
    graph = importlib.import_module("kazinex_storage.testing.emulators.graph")
    tls = importlib.import_module("kazinex_storage.testing.emulators.tls")
    with tls.certificate_authority() as authority, graph.graph_emulator(authority, port) as emulator:
        made, registered = emulator.add_site(site, [library]), emulator.add_app(secret="example-secret")  # noqa: S106
        settings = {
            "tenant_id": emulator.tenant,
            "client_id": registered.client_id,
            "client_secret": registered.secret,
            "site_url": made.url,
            "library": library,
            "login_url": emulator.login_url,
            "graph_url": emulator.graph_url,
            "ca_file": str(authority.ca_file),
        }
        out.table(settings, ["SETTING", "VALUE"], [[name, str(value)] for name, value in settings.items()], "")
        out.note(f"set SSL_CERT_FILE={authority.ca_file} for programs that talk to it; Ctrl-C ends it")
        threading.Event().wait()
