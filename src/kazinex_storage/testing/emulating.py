"""Services to try things out with: each is started on loopback, and says what the settings of a provider for it are.

For the command ``emulate``, and without pytest. R2 and Supabase are fronts before SeaweedFS; S3 is SeaweedFS itself,
Azure is Azurite, SharePoint the emulated tenant. Over one folder they are the same in each run: ports, keys, objects.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..values import value
from .emulators.cloudflare import Token, r2_front
from .emulators.graph import graph_emulator
from .emulators.supabase import supabase_front
from .emulators.tls import certificate_authority
from .servers import AzuriteHome, S3Server, azurite, seaweedfs
from .servers.azurite_program import VERSION, cache_folder, find, install

BUCKET: Final = "documents"
"""The bucket, container or library that is there."""

_STATE: Final = "emulator.json"
_LOOK_S: Final = 2.0


@value
class Plan:
    """What is asked for."""

    port: int = 0
    """Of the address in the settings; 0 is that of the run before in *keep*, or a free one."""
    keep: Path | None = None
    """The folder in which everything stays; it is made, closed to other users. None: nothing stays."""
    azurite: Path | None = None
    """The script of Azurite, where it is not found by itself."""
    site: str = "sites/projects"
    library: str = "Documents"
    """Of SharePoint."""
    note: Callable[[str], None] = lambda _: None
    """Told what takes a while."""


@value
class Emulated:
    """A service that is running."""

    kind: str
    """Of the providers for it."""
    title: str
    address: str
    """Where it answers."""
    settings: Mapping[str, object] = field(repr=False)
    """Those of a provider, secrets included: they open nothing but this."""

    def is_up(self) -> bool:
        """Say whether something still answers there."""
        parts = urlsplit(self.address)
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_LOOK_S).close()
        except OSError:
            return False
        return True


class _Kept:
    """What is the same in each run over a folder; without a folder, made for this run."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.folder, self._name = plan.keep, name
        self._values: dict[str, str] = {"emulates": name}
        if self.folder is None:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (self.folder / _STATE).exists():
                self._values = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{str(self.folder)!r} cannot be used: {error}; give another folder") from error
        found = self._values.get("emulates")
        if found != name:
            raise SettingsError(f"{str(self.folder)!r} is of `emulate {found}`; give another folder")

    def value(self, name: str, made: str) -> str:
        """Return what the run before had for *name*, else what is *made*."""
        return self._values.setdefault(name, made)

    def port(self, wanted: int) -> int:
        """Return the port that is *wanted*, else that of the run before, else a free one."""
        if not wanted:
            with socket.create_server(("127.0.0.1", 0)) as free:
                wanted = int(self.value("port", str(free.getsockname()[1])))
        self._values["port"] = str(wanted)
        try:
            socket.create_server(("127.0.0.1", wanted)).close()
        except OSError as error:
            raise SettingsError(
                f"port {wanted} of 127.0.0.1 is taken ({error.strerror}); end what has it, or give another --port"
            ) from error
        return wanted

    def inner(self, name: str) -> Path | None:
        """Return the folder of a part."""
        if self.folder is None:
            return None
        path = self.folder / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def save(self) -> None:
        """Write it down, for the user alone."""
        if self.folder is None:
            return
        path = self.folder / _STATE
        text = json.dumps(self._values, indent=2)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)


@contextmanager
def emulated(name: str, plan: Plan) -> Iterator[Emulated]:
    """Run ``r2``, ``s3``, ``supabase``, ``azure`` or ``graph`` until the context ends.

    Raises:
        SettingsError: what it needs is not installed or does not start, the port is taken, or the folder is of another.
    """
    try:
        start = _STARTS[name]
    except KeyError:
        raise SettingsError(f"{name!r} is not emulated; choose one of {', '.join(_STARTS)}") from None
    if name == "graph" and plan.keep is not None:
        raise SettingsError("the emulated tenant keeps its files in memory; --keep is for r2, s3, supabase and azure")
    kept = _Kept(name, plan)
    with ExitStack() as stack:
        try:
            found = start(plan, kept, stack)
            kept.save()
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"emulating {name} needs {error.name}; pip install 'kazinex-storage[emulators]'"
            ) from error
        yield found


def _keys(kept: _Kept) -> tuple[str, str]:
    return kept.value("access_key_id", secrets.token_hex(16)), kept.value("secret_access_key", secrets.token_hex(32))


def _store(plan: Plan, kept: _Kept, stack: ExitStack, port: int = 0) -> S3Server:
    """Run SeaweedFS with the one bucket."""
    from botocore.exceptions import ClientError

    plan.note("starting SeaweedFS")
    server = stack.enter_context(seaweedfs(*_keys(kept), port=port, keep=kept.inner("seaweedfs")))
    with closing(server.client()) as client:
        try:
            client.create_bucket(Bucket=BUCKET)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise SettingsError(f"SeaweedFS makes no bucket: {error}") from error
    return server


def _s3(plan: Plan, kept: _Kept, stack: ExitStack) -> Emulated:
    server = _store(plan, kept, stack, kept.port(plan.port))
    settings = {
        "bucket": BUCKET,
        "region": server.region,
        "endpoint_url": server.endpoint_url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    }
    return Emulated(kind="s3", title="S3 (SeaweedFS)", address=server.endpoint_url, settings=settings)


def _r2(plan: Plan, kept: _Kept, stack: ExitStack) -> Emulated:
    port = kept.port(plan.port)
    front = stack.enter_context(r2_front(_store(plan, kept, stack), port=port))
    front.account_id = kept.value("account_id", front.account_id)
    front.make_bucket(BUCKET, behind=BUCKET)
    front.rules.one_write_per_second = True
    key, secret = kept.value("token_id", secrets.token_hex(16)), kept.value("token_secret", secrets.token_hex(32))
    token = front.admit(Token(access_key_id=key, secret_access_key=secret, buckets=frozenset([BUCKET])))
    settings = {
        "account_id": front.account_id,
        "access_key_id": token.access_key_id,
        "secret_access_key": token.secret_access_key,
        "bucket": BUCKET,
        "endpoint_url": front.endpoint_url,
    }
    return Emulated(kind="r2", title="Cloudflare R2", address=front.endpoint_url, settings=settings)


def _supabase(plan: Plan, kept: _Kept, stack: ExitStack) -> Emulated:
    port = kept.port(plan.port)
    front = stack.enter_context(supabase_front(_store(plan, kept, stack), port))
    front.access_key_id = kept.value("project_key_id", front.access_key_id)
    front.secret_access_key = kept.value("project_secret", front.secret_access_key)
    front.service_key = kept.value("service_key", front.service_key)
    front.make_bucket(BUCKET, behind=BUCKET)
    settings = {
        "project_ref": front.project_ref,
        "region": front.region,
        "access_key_id": front.access_key_id,
        "secret_access_key": front.secret_access_key,
        "bucket": BUCKET,
        "service_key": front.service_key,
        "endpoint_url": front.endpoint_url,
    }
    return Emulated(kind="supabase", title="Supabase Storage", address=front.endpoint_url, settings=settings)


def _azure(plan: Plan, kept: _Kept, stack: ExitStack) -> Emulated:
    from azure.core.exceptions import ResourceExistsError

    program = plan.azurite if plan.azurite is not None else find()
    if program is None:
        plan.note(f"installing Azurite {VERSION} by npm into {cache_folder()}, once; --azurite names one that is there")
        program = install()
    plan.note("starting Azurite")
    account = kept.value("account", "emulated")
    key = kept.value("account_key", base64.b64encode(secrets.token_bytes(64)).decode())
    home = AzuriteHome(port=kept.port(plan.port), keep=kept.inner("azurite"), program=program)
    server = stack.enter_context(azurite(account=account, account_key=key, home=home))
    with suppress(ResourceExistsError):  # of the run before
        server.make_container(BUCKET)
    settings = {
        "account": account,
        "container": BUCKET,
        "account_key": key,
        "endpoint_url": server.account_url,
    }
    return Emulated(kind="azure_blob", title="Azure Blob (Azurite)", address=server.host_url, settings=settings)


def _graph(plan: Plan, kept: _Kept, stack: ExitStack) -> Emulated:
    authority = stack.enter_context(certificate_authority())
    tenant = stack.enter_context(graph_emulator(authority, kept.port(plan.port)))
    site, app = tenant.add_site(plan.site, [plan.library]), tenant.add_app(secret=secrets.token_urlsafe(24))
    settings = {
        "tenant_id": tenant.tenant,
        "client_id": app.client_id,
        "client_secret": app.secret,
        "site_url": site.url,
        "library": plan.library,
        "login_url": tenant.login_url,
        "graph_url": tenant.graph_url,
        "ca_file": str(authority.ca_file),
    }
    return Emulated(kind="sharepoint", title="SharePoint Online", address=tenant.graph_url, settings=settings)


_STARTS: Final[Mapping[str, Callable[[Plan, _Kept, ExitStack], Emulated]]] = {
    "r2": _r2,
    "s3": _s3,
    "supabase": _supabase,
    "azure": _azure,
    "graph": _graph,
}
