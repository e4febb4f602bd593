"""The contract on one SQLite file. Every method is one transaction on a connection of its own.

So nothing is shared between threads or with forked children, and a put that fails leaves no trace. Bodies pass in
pieces of 1 MiB through SQLite's incremental blobs; while one is being written, other writers wait.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from kazinex_storage.bodies.source import BUFFER_BYTES, Source
from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import (
    AlreadyExistsError,
    ClosedError,
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    QuotaExceededError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.types import (
    WHOLE,
    ByteRange,
    Checksum,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
)

from .links import Link

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified REAL NOT NULL, content_type TEXT, sha256 TEXT, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL);
"""
_COLUMNS = "key, size, etag, modified, content_type, sha256"
_PAGE = 500


class SqliteSettings(BaseModel):
    """Settings of the kind ``sqlite``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    """The file; it is made when it is missing, its folder is not."""


class SqliteProvider:
    """Keeps objects as rows."""

    def __init__(self, settings: SqliteSettings) -> None:
        self._path = settings.path
        self._closed = False
        self.info = ProviderInfo(
            kind="sqlite",
            location=str(settings.path),
            capabilities=frozenset(
                {
                    Capability.CREATE_ONLY,
                    Capability.CONDITIONAL,
                    Capability.CHECKSUM,
                    Capability.BULK_DELETE,
                    Capability.PRESIGN,
                }
            ),
            max_object_bytes=10**9 - 4096,  # SQLITE_MAX_LENGTH counts the whole row: sqlite.org/limits.html
        )
        try:
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for writers
                connection.executescript(_SCHEMA)
                connection.execute("INSERT OR IGNORE INTO secret VALUES (1, ?)", (secrets.token_bytes(32),))
        except StorageError as error:
            raise SettingsError(f"the file {str(settings.path)!r} cannot be used: {error.message}") from error

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        with self._connection(key) as connection, _writing(connection):
            self._check(self._row(connection, key), key, options)
            cursor = connection.execute(
                "REPLACE INTO object (key, size, etag, modified, content_type, data)"
                " VALUES (?, ?, ?, ?, ?, zeroblob(?))",
                (key, source.size, secrets.token_hex(8), time.time(), options.content_type, source.size),
            )
            with source.open() as reader, connection.blobopen("object", "data", cursor.lastrowid or 0) as blob:
                while data := reader.read(BUFFER_BYTES):
                    blob.write(data)
            sha256 = source.checksum.value if source.checksum is not None else None
            connection.execute("UPDATE object SET sha256 = ? WHERE id = ?", (sha256, cursor.lastrowid))
            return self._found(connection, key)[1]

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        with self._connection(key) as connection:
            connection.execute("BEGIN")  # one snapshot for the row and its bytes
            number, info = self._found(connection, key)
            if if_match not in (None, info.etag):
                raise PreconditionFailedError(f"the object is version {info.etag}, not {if_match}; read it again")
            start, end = span.resolve(info.size)
            with connection.blobopen("object", "data", number, readonly=True) as blob:
                blob.seek(start)
                while start < end:
                    data = blob.read(min(BUFFER_BYTES, end - start))
                    sink(data)
                    start += len(data)
        return info

    def head(self, key: ObjectKey) -> ObjectInfo:
        with self._connection(key) as connection:
            return self._found(connection, key)[1]

    def delete(self, key: ObjectKey) -> None:
        self.delete_many([key])

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        with self._connection() as connection, _writing(connection):
            connection.executemany("DELETE FROM object WHERE key = ?", [(str(key),) for key in keys])
        return [None] * len(keys)

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        query = f"SELECT {_COLUMNS} FROM object WHERE key > ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT {_PAGE}"  # noqa: S608
        last, page = prefix[:-1], list[tuple[object, ...]]()
        while True:
            with self._connection() as connection:
                page = connection.execute(query, (last, len(prefix), prefix)).fetchall()
            for row in page:
                info = _object_info(row)
                last = info.key
                yield info
            if len(page) < _PAGE:
                return

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        folder = None
        for info in self.scan(prefix):
            head, slash, _ = info.key[len(prefix) :].partition("/")
            if not slash:
                yield info
            elif head != folder:
                folder = head
                yield Folder(prefix=f"{prefix}{head}/")

    def presign(self, key: ObjectKey, options: PresignOptions) -> PresignedUrl:
        expires = int(time.time() + options.expires_in.total_seconds())
        method, content_type = options.method, options.content_type
        link = Link(
            key=key,
            method=method,
            expires=expires,
            content_type=content_type,
            size=options.size,
            sha256=options.sha256,
            create=options.mode is PutMode.CREATE,
        )
        headers = {"Content-Type": content_type} if content_type else {}
        binds = {"size": link.size, "type": content_type, "sha256": link.sha256, "create": link.create or None}
        return PresignedUrl(
            method=method,
            url=link.sign(self._secret()),
            headers=headers,
            expires_at=datetime.fromtimestamp(expires, UTC),
            bound=frozenset(name for name, value in binds.items() if value is not None),
        )

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, bytes]:
        """Do what a signed *url* allows and return (HTTP status, body): what a route of a web server would call."""
        link = Link.read(url, self._secret())
        if link is None or link.method != method or link.expires < time.time() or link.size not in (None, len(body)):
            return 403, b""
        key, found = ObjectKey(link.key), bytearray()
        try:
            if method == "PUT":
                mode = PutMode.CREATE if link.create else PutMode.REPLACE
                self.put(
                    key, Source.of(body, sha256=link.sha256), PutOptions(content_type=link.content_type, mode=mode)
                )
            elif method == "DELETE":
                self.delete(key)
            elif method == "HEAD":
                self.head(key)
            else:
                self.get(key, WHOLE, found.extend, None)
        except NotFoundError:
            return 404, b""
        except (AlreadyExistsError, IntegrityError):
            return 412, b""
        return 200, bytes(found)

    def close(self) -> None:
        self._closed = True

    @contextmanager
    def _connection(self, key: str | None = None) -> Iterator[sqlite3.Connection]:
        """Give a connection, and translate what SQLite raises: the only place that does."""
        if self._closed:
            raise ClosedError("the storage was closed; make a new one", key=key)
        try:
            # No transactions behind our back; patience, because a writer may be receiving a large body.
            with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise QuotaExceededError("the disk is full; nothing was stored, free some space", key=key) from error
            raise UnavailableError(f"SQLite says: {error}; repeat", key=key) from error

    def _row(self, connection: sqlite3.Connection, key: str) -> tuple[int, ObjectInfo] | None:
        row = connection.execute(f"SELECT id, {_COLUMNS} FROM object WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return (row[0], _object_info(row[1:])) if row is not None else None

    def _found(self, connection: sqlite3.Connection, key: str) -> tuple[int, ObjectInfo]:
        row = self._row(connection, key)
        if row is None:
            raise NotFoundError("no object has that key", key=key)
        return row

    @staticmethod
    def _check(row: tuple[int, ObjectInfo] | None, key: str, options: PutOptions) -> None:
        if row is not None and options.mode is PutMode.CREATE:
            raise AlreadyExistsError("an object has that key already; nothing was changed", key=key)
        found = row[1].etag if row is not None else None
        if options.if_match not in (None, found):
            raise PreconditionFailedError(f"the object is version {found}, not {options.if_match}; read it again")

    def _secret(self) -> bytes:
        with self._connection() as connection:
            return bytes(connection.execute("SELECT value FROM secret").fetchone()[0])


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit in the end, or roll back whatever went wrong."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _object_info(row: Sequence[object]) -> ObjectInfo:
    key, size, etag, modified, content_type, sha256 = row
    return ObjectInfo(
        key=str(key),
        size=int(str(size)),
        etag=str(etag),
        last_modified=datetime.fromtimestamp(float(str(modified)), UTC),
        content_type=None if content_type is None else str(content_type),
        checksum=None if sha256 is None else Checksum(algorithm="sha256", value=str(sha256)),
    )
