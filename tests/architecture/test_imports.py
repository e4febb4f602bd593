"""What importing costs, that every public name resolves, and that the faces for asyncio forget no method."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import kazinex_storage
from kazinex_storage import AsyncDocumentStore, AsyncStorage, DocumentStore, Storage

HEAVY = (
    "asyncio",
    "azure",
    "boto3",
    "botocore",
    "certifi",
    "click",
    "cryptography",
    "fsspec",
    "hypothesis",
    "msal",
    "psycopg",
    "pycurl",
    "pydantic",
    "pydantic_core",
    "pytest",
    "rich",
    "sqlalchemy",
    "typer",
)

# What "import kazinex_storage" may load besides itself is nothing; the portable type needs no library either.
LIGHT = (
    "import kazinex_storage",
    "from kazinex_storage import Storage, PutOptions, DocumentKey, NotFoundError",
    "from kazinex_storage import DocumentStore, StorageProvider, UploadPolicy",
    "import kazinex_storage.registry",
)

BUCKET = 'region="us-east-1", access_key_id="a" * 16, secret_access_key="b" * 16'

FROM_SETTINGS = f"""
from kazinex_storage.providers.s3 import S3Settings, open_s3
open_s3(S3Settings(bucket="bkt", {BUCKET}))
"""

FILE_SYSTEM = f"""
import fsspec
fsspec.filesystem("kazinexs3", {BUCKET})._transfers.space._open_bucket("bkt", None)
"""

COMMAND = """
import contextlib, io, kazinex_storage.cli
with contextlib.redirect_stdout(io.StringIO()):
    kazinex_storage.cli.main(["{}"])
"""

FIRST_BYTE = """
from kazinex_storage import Storage
from kazinex_storage.providers.s3 import S3Provider
from kazinex_storage.providers.s3.target import S3, Credentials, Target
target = Target(
    kind="s3", preset=S3, endpoint_url="http://127.0.0.1:{port}", bucket="bkt", region="us-east-1",
    credentials=Credentials(access_key_id="a" * 16, secret_access_key="b" * 16), max_object_bytes=1 << 40,
)
assert Storage(S3Provider(target)).get_bytes("plans/a.pdf") == b"%PDF"
"""

IDLE = (
    "asyncio",
    "certifi",
    "concurrent",
    "cryptography",
    "difflib",
    "email",
    "hashlib",
    "http",
    "ipaddress",
    "json",
    "logging",
    "mimetypes",
    "pathlib",
    "pydantic",
    "random",
    "secrets",
    "sqlalchemy",
    "ssl",
    "tempfile",
    "urllib.parse",
    "xml",
)
"""What reading an object does without: a start loads what it uses."""

PYDANTIC = ("certifi", "cryptography", "sqlalchemy", "ssl", "xml")
"""The same for one that reads settings: pydantic needs the others."""

CATALOGUE = ("sqlalchemy", "cryptography", "asyncio", "fsspec", "pycurl")
"""What a command does without that asks neither the catalogue nor a service."""

BLOCKING_ONLY = {
    "open": "a file object blocks; asyncio code streams",
    "operations": "the exchanges have no colour",
    "transport": "the transport has no colour",
    "close": "is aclose",
    "with_policy": "AsyncStorage(storage.with_policy(...))",
}
"""What the faces for asyncio leave out, and why."""

ASYNC_ONLY = {
    "aclose": "is close",
    "storage": "the same storage for blocking code",
}

ITERATORS = re.compile(r"^(?:Iterator|ByteStream|AsyncIterator|AsyncGenerator)(?:\[(?P<item>.*?)(?:, None)?\])?$")


def loaded_after(statement: str) -> set[str]:
    """Return which heavy packages a fresh interpreter holds after *statement*."""
    return {name.partition(".")[0] for name in modules_after(statement)} & set(HEAVY)


def modules_after(statement: str) -> list[str]:
    """Return what a fresh interpreter has loaded after *statement*, sorted."""
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return sorted(run.stdout.split())


@contextlib.contextmanager
def object_server() -> Iterator[int]:
    """Yield the port of a server that answers each GET with the same object."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, text in (
                ("ETag", '"1"'),
                ("Content-Length", "4"),
                ("Last-Modified", "Sun, 01 Nov 2026 10:11:12 GMT"),
            ):
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(b"%PDF")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def public_members(owner: type) -> dict[str, object]:
    """Return its members and those of the classes that it is made of."""
    return {
        name: member
        for cls in reversed(owner.__mro__[:-1])
        for name, member in vars(cls).items()
        if not name.startswith("_")
    }


def parameters(member: object) -> list[tuple[str, object, str, object]]:
    """Return what may be passed, with what an async face adds left out."""
    assert callable(member)
    return [
        (
            parameter.name,
            parameter.kind,
            str(parameter.annotation).replace(" | AsyncIterable[Buffer]", ""),
            parameter.default,
        )
        for parameter in inspect.signature(member).parameters.values()
    ]


def result(member: Callable[..., object]) -> str:
    """Return the result type without its colour."""
    annotation = str(inspect.signature(member).return_annotation)
    parts = [part.strip() for part in re.split(r" \| (?![^\[]*\])", annotation)]
    return " | ".join(_without_colour(part) for part in parts)


def _without_colour(annotation: str) -> str:
    match = ITERATORS.match(annotation)
    if match is not None:
        return f"iterator of {match['item'] or 'bytes'}"
    return annotation.replace("Async", "")


def pairs() -> Iterator[object]:
    for blocking, coroutine in ((Storage, AsyncStorage), (DocumentStore, AsyncDocumentStore)):
        for name, member in public_members(blocking).items():
            if name not in BLOCKING_ONLY:
                yield pytest.param(member, getattr(coroutine, name, None), id=f"{coroutine.__name__}.{name}")


@pytest.mark.parametrize("statement", LIGHT)
def test_importing_loads_no_library(statement: str) -> None:
    assert set() == loaded_after(statement)


@pytest.mark.parametrize("kind", ["local", "memory", "s3"])
def test_opening_a_provider_loads_pydantic_and_nothing_else(kind: str) -> None:
    loaded = loaded_after(f"from kazinex_storage.providers.{kind} import *")

    assert {"pydantic", "pydantic_core"} == loaded


@pytest.mark.parametrize(
    ("statement", "most", "idle"),
    [
        pytest.param("import kazinex_storage", 2, (*IDLE, "pycurl"), id="package"),
        pytest.param("from kazinex_storage import Storage", 45, (*IDLE, "pycurl"), id="storage"),
        pytest.param("from kazinex_storage.providers.s3 import S3Provider", 57, (*IDLE, "pycurl"), id="provider"),
        pytest.param(FROM_SETTINGS, 63, (*PYDANTIC, "pycurl"), id="settings"),
        pytest.param(FILE_SYSTEM, 116, ("sqlalchemy", "xml", "certifi"), id="fsspec"),
        pytest.param(COMMAND.format("--version"), 50, (*CATALOGUE, "pydantic"), id="version"),
        pytest.param(COMMAND.format("--help"), 50, (*CATALOGUE, "pydantic"), id="help"),
        pytest.param(COMMAND.format("kinds"), 138, CATALOGUE, id="kinds"),
    ],
)
def test_a_start_loads_no_more_than_it_needs(statement: str, most: int, idle: tuple[str, ...]) -> None:
    """A module costs a start 0.3 to 0.5 ms (ADR 0031): raise the bound of one only for what it cannot do without."""
    modules = modules_after(statement)

    assert [] == [name for name in idle if name in modules]
    assert most >= sum(1 for name in modules if name.partition(".")[0] == "kazinex_storage")


def test_a_first_byte_loads_no_more_than_it_needs() -> None:
    """From a fresh process to an object of S3, through everything in between."""
    with object_server() as port:
        modules = modules_after(FIRST_BYTE.format(port=port))

    assert [] == [name for name in IDLE if name in modules]
    assert 76 >= sum(1 for name in modules if name.partition(".")[0] == "kazinex_storage")


@pytest.mark.parametrize("kind", ["R2Settings", "S3Settings", "SupabaseSettings"])
def test_settings_load_no_others(kind: str) -> None:
    modules = modules_after(f"from kazinex_storage.providers.s3 import {kind}")

    found = [name for name in modules if name.startswith("kazinex_storage.providers.s3.settings")]
    assert [f"kazinex_storage.providers.s3.settings_{kind.removesuffix('Settings').lower()}"] == found


def test_file_systems_of_buckets_load_nothing_of_organisations() -> None:
    modules = modules_after("from kazinex_storage.fs import R2FileSystem")

    assert not {name for name in modules if name.startswith(("kazinex_storage.organi", "kazinex_storage.documents"))}


@pytest.mark.parametrize("name", kazinex_storage.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(kazinex_storage, name) is not None


def test_every_public_name_is_declared_to_the_type_checker() -> None:
    """The lazy table and the block for the type checker say the same."""
    source = inspect.getsource(kazinex_storage)
    declared = set(re.findall(r"^    from \.[\w.]+ import (\w+) as \1$", source, re.MULTILINE))

    assert set(kazinex_storage.__all__) - {"__version__"} == declared


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = kazinex_storage.no_such_name


def test_public_names_are_the_objects_of_their_modules() -> None:
    home = importlib.import_module("kazinex_storage.storage.sync")

    assert home.Storage is kazinex_storage.Storage


@pytest.mark.parametrize(("blocking", "coroutine"), list(pairs()))
def test_the_face_for_asyncio_has_the_same_method(blocking: object, coroutine: object) -> None:
    assert coroutine is not None
    if isinstance(blocking, property):
        assert isinstance(coroutine, property)
        assert blocking.fget is not None
        assert coroutine.fget is not None
        assert result(blocking.fget) == result(coroutine.fget)
        return

    if isinstance(blocking, classmethod):  # it opens one, which waits for nothing
        assert inspect.ismethod(coroutine)
        blocking, coroutine = blocking.__func__, coroutine.__func__
    assert parameters(blocking) == parameters(coroutine)
    assert callable(blocking)
    assert callable(coroutine)
    assert result(blocking) == result(coroutine)


@pytest.mark.parametrize(
    ("blocking", "coroutine"),
    [
        pytest.param(Storage, AsyncStorage, id="storage"),
        pytest.param(DocumentStore, AsyncDocumentStore, id="documents"),
    ],
)
def test_the_face_for_asyncio_adds_nothing_of_its_own(blocking: type, coroutine: type) -> None:
    assert set() == set(public_members(coroutine)) - set(public_members(blocking)) - set(ASYNC_ONLY)


def test_the_methods_for_asyncio_are_awaited_unless_they_give_an_iterator_or_a_view() -> None:
    plain = {
        f"{owner.__name__}.{name}"
        for owner in (AsyncStorage, AsyncDocumentStore)
        for name, member in public_members(owner).items()
        if inspect.isfunction(member)
        and not inspect.iscoroutinefunction(member)
        and not inspect.isasyncgenfunction(member)
    }

    assert {
        "AsyncStorage.cached",
        "AsyncStorage.limited",
        "AsyncStorage.list",
        "AsyncStorage.read_only",
        "AsyncStorage.scoped",
        "AsyncStorage.with_digest",
        "AsyncStorage.public_url",
        "AsyncDocumentStore.acting",
        "AsyncDocumentStore.read_only",
    } == plain
