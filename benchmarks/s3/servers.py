"""The servers of a section: the null server, and SeaweedFS where the sizes ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kazinex_storage.testing import servers

from .crew import PEER_PYTHON, Member
from .null_server import null_server
from .place import Place
from .sizes import S3Sizes


@contextmanager
def plain_servers(folder: Path, sizes: S3Sizes) -> Iterator[list[Place]]:
    """Run what speaks plain HTTP."""
    with ExitStack() as stack:
        places = [stack.enter_context(null_server(folder))[0]]
        if sizes.real_server:
            places.append(stack.enter_context(seaweedfs()))
        yield places


@contextmanager
def null_servers(folder: Path) -> Iterator[list[Place]]:
    """Run the null server over HTTP and over TLS."""
    with null_server(folder) as (plain, encrypted):
        yield [plain] if encrypted is None else [plain, encrypted]


@contextmanager
def seaweedfs() -> Iterator[Place]:
    """Run SeaweedFS, which keeps objects and checks signatures.

    Raises:
        SettingsError: its package is missing, or it does not start.
    """
    with servers.seaweedfs() as server:
        yield Place(
            name="SeaweedFS",
            is_null=False,
            endpoint_url=server.endpoint_url,
            bucket=server.make_bucket("bench"),
            region=server.region,
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
            processes=descendants(os.getpid(), "weed"),
        )


def descendants(process: int, name: str) -> tuple[int, ...]:
    """Return the processes called *name* that *process* or its children have started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    found = tuple(int(child) for child in children if Path(f"/proc/{child}/comm").read_text().strip() == name)
    return found + tuple(each for child in children for each in descendants(int(child), name))


def present(members: tuple[Member, ...], sizes: S3Sizes) -> list[Member]:
    """Return those that can take part."""
    if sizes.peers and not PEER_PYTHON.exists():
        print("  the other clients are not installed; `make bench` installs them below .bench-venv")
    return [member for member in members if not member.peer or (sizes.peers and PEER_PYTHON.exists())]
