"""A server as a child that never outlives its parent: a shell in between ends it when the standard input ends."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import SettingsError

# A start takes less than a second; a loaded machine needs more.
START_TIMEOUT_S = 60.0
"""Seconds that a server may take to answer."""

_END_TIMEOUT_S = 20.0

# The standard input of the shell ends when this process closes it or dies in whatever way.
_SUPERVISOR = """
exec 3<&0
"$@" >log 2>&1 3<&- & server=$!
(read -r _ <&3; kill -KILL $server 2>/dev/null) &
wait $server
"""


@contextmanager
def running(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], url: str, *, ca_file: str | None = None
) -> Iterator[None]:
    """Run *command* in *folder* until the context ends; it is up when *url* is answered by whatever status.

    *ca_file* signed the certificate of an https server.

    Raises:
        SettingsError: it does not start; the message holds what it said.
    """
    process = subprocess.Popen(  # noqa: S603  # the command is made by this package
        ["/bin/sh", "-c", _SUPERVISOR, "sh", *command],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, url, folder / "log", command[0], ca_file)
        yield
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_END_TIMEOUT_S)
        if process.poll() is None:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Return free loopback ports, each with its double 10,000 above, which SeaweedFS takes too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe, socket.socket() as double:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port > 55_000 or port in found:
                continue
            with suppress(OSError):
                double.bind(("127.0.0.1", port + 10_000))
                found.append(port)
    return found


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, name: str, ca_file: str | None) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            opener.open(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
    said = log.read_text(errors="replace").strip()[-2000:] if log.exists() else "nothing"
    raise SettingsError(f"{Path(name).name} does not start; it said: {said}")
