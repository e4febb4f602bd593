"""One SQL database as the catalogue uses it: transactions, and errors that are ours.

SQLite runs in WAL mode with foreign keys on; a change takes the write lock when it begins, so it never fails
halfway for lack of it. PostgreSQL runs at READ COMMITTED and the catalogue locks the rows that it decides on.
Connections are closed before a fork and never used across one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

from ..errors import AccessDeniedError, QuotaExceededError, SettingsError, StorageError, UnavailableError
from ..secrecy.masking import masked, without_frames
from ..secrecy.pickling import not_pickled
from ..system import CLOSE_ON_EXEC

try:
    import sqlalchemy as sa
    from sqlalchemy import exc
    from sqlalchemy.pool import ConnectionPoolEntry
except ModuleNotFoundError as _error:
    raise SettingsError("a catalogue in SQL needs SQLAlchemy; pip install 'kazinex-storage[sql]'") from _error

__all__ = ["Database", "sa"]  # sa too, so that the other modules need no second guard

# A change takes a millisecond, so a lock held this long belongs to something that hangs.
_BUSY_MS = 10_000
_CONNECT_TIMEOUT_S = 10

# sqlite.org/rescode.html (read 2026-08): an extended code begins with its primary code.
_SQLITE_ERRORS: tuple[tuple[str, type[StorageError], str], ...] = (
    ("SQLITE_BUSY", UnavailableError, "another process holds its lock; try again"),
    ("SQLITE_LOCKED", UnavailableError, "another connection holds its lock; try again"),
    ("SQLITE_FULL", QuotaExceededError, "its disk is full; free some space"),
    ("SQLITE_READONLY", AccessDeniedError, "it may not be written; change the mode of the file and its folder"),
    ("SQLITE_PERM", AccessDeniedError, "it may not be opened; change the mode of the file and its folder"),
    ("SQLITE_CANTOPEN", SettingsError, "it cannot be opened; make its folder, and let this user write there"),
    ("SQLITE_NOTADB", SettingsError, "it is no SQLite database; name another file"),
    ("SQLITE_CORRUPT", SettingsError, "it is damaged; restore it from a backup"),
    ("SQLITE_IOERR", UnavailableError, "its disk fails"),
)


@not_pickled("let the other process open the catalogue")
class Database:
    """An engine with the settings above. Thread-safe; fork-safe when it made the engine itself."""

    def __init__(self, place: str | Path | sa.URL | sa.Engine) -> None:
        """Take a URL, the path of a SQLite file (made when missing), or an engine, which stays the caller's.

        Raises:
            SettingsError: the place is neither, is not SQLite or PostgreSQL, or its driver is missing.
        """
        place = masked(place)  # a URL may hold a password
        if isinstance(place, sa.Engine) and place.dialect.name != "sqlite":
            self._engine, self._owned = place, False
        else:
            # For SQLite we make an engine of our own: its connections need settings that the owner may not want.
            self._engine, self._owned = _make_engine(place.url if isinstance(place, sa.Engine) else place), True
        self._changing = self._engine.execution_options(kazinex_changes=True)
        self._joined = threading.local()
        self.dialect = self._engine.dialect.name
        """``sqlite`` or ``postgresql``."""
        if self._owned:
            _watch_forks(self)

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction for looking; what the database says is raised as StorageError."""
        joined: sa.Connection | None = getattr(self._joined, "connection", None)
        return _transaction(self, changes=False) if joined is None else _part(self, joined)

    def changing(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction for a change, undone when the block raises; errors as in ``reading``.

        What this thread reads or changes in the block is a part of it.
        """
        joined: sa.Connection | None = getattr(self._joined, "connection", None)
        return _transaction(self, changes=True) if joined is None else _part(self, joined)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all changes of this thread in the block one transaction, undone as a whole when the block raises."""
        if getattr(self._joined, "connection", None) is not None:
            yield
            return
        with _transaction(self, changes=True):
            yield

    def once_kept(self, call: Callable[[], object]) -> None:
        """Call *call* when what this thread has changed is kept: at once, or after the transaction; never if undone."""
        if getattr(self._joined, "connection", None) is None:
            call()
        else:
            self._joined.calls.append(call)

    def close(self) -> None:
        """Close idle connections; using the database again opens new ones."""
        if self._owned:
            self._engine.dispose()

    def describe(self) -> str:
        """Return the place for messages, without its password, which may be in the query too."""
        return self._engine.url.set(query={}).render_as_string(hide_password=True)

    def forget(self) -> None:
        """Drop connections without closing them: in a forked child they are the parent's."""
        self._engine.dispose(close=False)


def _make_engine(place: str | Path | sa.URL) -> sa.Engine:
    url = _parse(place)
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _make_sqlite(url)
    if backend not in ("postgresql", "postgres"):
        raise SettingsError(f"a catalogue in {backend!r} is not supported; use SQLite or PostgreSQL")
    if "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg")
    arguments = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT_S}
    try:
        return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"the driver {error.name!r} is not installed; pip install 'kazinex-storage[postgres]'"
        ) from error
    except exc.ArgumentError:
        pass
    raise SettingsError(f"SQLAlchemy knows no driver {url.drivername!r}; use postgresql+psycopg")


def _parse(place: str | Path | sa.URL) -> sa.URL:
    if isinstance(place, sa.URL):
        return place
    if isinstance(place, Path) or "://" not in place:
        return sa.URL.create("sqlite", database=os.path.abspath(place))
    try:
        return sa.make_url(place)
    except (exc.ArgumentError, ValueError):
        pass
    # Raised out here because the errors of SQLAlchemy may quote the text, and with it a password.
    raise SettingsError(
        "the place of the catalogue is no database URL; write postgresql://user:password@host/name, or the path of a "
        "SQLite file"
    )


def _make_sqlite(url: sa.URL) -> sa.Engine:
    path = url.database
    if not path or path == ":memory:" or path.startswith("file:"):
        raise SettingsError("a SQLite catalogue is a plain file; for one in memory use MemoryCatalogue")
    try:
        # Made here so that it is closed to others; SQLite gives its -wal and -shm files the same mode. A file that is
        # there is not opened: closing it would drop the locks that other connections of this process have on it, and
        # who closes the database next would take away the log that they write to (sqlite.org/howtocorrupt.html, 2.2).
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | CLOSE_ON_EXEC, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise SettingsError(
            f"the catalogue {path!r} cannot be opened ({error.strerror}); make its folder, and let this user write it"
        ) from error
    engine = sa.create_engine(url, hide_parameters=True)
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun in _begin, not by the driver
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # Another process is switching the mode at this moment; it stays switched.
        if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("kazinex_changes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # which cannot fail, as it takes no lock yet; past SQLAlchemy, which takes 30 us for it
        cast(sqlite3.Connection, connection.connection.driver_connection).execute("BEGIN")


@contextmanager
def _transaction(database: Database, *, changes: bool) -> Iterator[sa.Connection]:
    joined, calls = database._joined, list[Callable[[], object]]()
    try:
        # No name for the engine, whose repr shows a password in the query to what prints the locals of frames.
        with (database._changing if changes else database._engine).begin() as connection:
            if not changes:
                yield connection
            else:
                joined.connection, joined.calls = connection, calls
                try:
                    yield connection
                finally:
                    joined.connection = None
    except exc.DBAPIError as error:
        raise _map_error(without_frames(error), database) from error  # those of the driver hold the password
    except exc.TimeoutError as error:
        raise UnavailableError("every connection to the catalogue is in use; try again") from error
    for call in calls:
        call()


@contextmanager
def _part(database: Database, connection: sa.Connection) -> Iterator[sa.Connection]:
    """Show *connection*, whose transaction goes on after the block."""
    try:
        yield connection
    except exc.DBAPIError as error:
        raise _map_error(without_frames(error), database) from error  # as above


def _map_error(error: exc.DBAPIError, database: Database) -> StorageError:
    name = getattr(error.orig, "sqlite_errorname", "")
    for code, kind, advice in _SQLITE_ERRORS:
        if name.startswith(code):
            return kind(f"the catalogue {database.describe()}: {advice}", code=name)
    said = " ".join(str(error.orig).split())
    if isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated:
        return UnavailableError(f"the catalogue {database.describe()} does not answer ({said}); try again")
    return SettingsError(f"the catalogue {database.describe()} refuses ({said})")


def _watch_forks(database: Database) -> None:
    reference = weakref.ref(database)

    def call(method: Callable[[Database], None]) -> None:
        found = reference()
        if found is not None:
            method(found)

    # SQLite forgets in the child which locks it holds (sqlite.org/howtocorrupt.html, 2.6), so none may be open.
    if not hasattr(os, "register_at_fork"):
        return  # nothing forks there
    os.register_at_fork(before=lambda: call(Database.close), after_in_child=lambda: call(Database.forget))


def write_next(
    connection: sa.Connection,
    table: sa.Table,
    where: tuple[sa.ColumnElement[bool], ...],
    keys: Mapping[str, object],
    values: Mapping[str, object],
) -> bool:
    """Write the row of the version before that in *values*, a new one for version 1; say whether it was there."""
    before = int(str(values["version"])) - 1
    if before:
        return connection.execute(table.update().where(*where, table.c.version == before).values(values)).rowcount == 1
    try:
        connection.execute(table.insert().values({**keys, **values}))
    except sa.exc.IntegrityError:  # another process wrote the first version
        return False
    return True
