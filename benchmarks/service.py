"""The HTTP service: what a transfer costs the server beside the library alone, tickets, memory, and the page.

Only the server's processor time is compared: the client is the same for both, and in another process. The library
takes the body as an iterator of 1 MiB blocks and gives it as a stream, which is what a server has of its clients.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from kazinex_storage.testing.servers import seaweedfs

from .results import AGAIN, Log
from .rounds import Samples, heading, show
from .service_child import ORGANISATION, PROVIDER
from .sizes import MIB, Sizes

ROOT = Path(__file__).parents[1]
HTTP, LIBRARY = "kazinex-storage, HTTP", "library"
BROWSER = os.environ.get("KAZINEX_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
_VIEW = """() => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return {ms: Math.max(...entries.map((entry) => entry.responseEnd)),
          bytes: entries.reduce((sum, entry) => sum + entry.transferSize, 0)};
}"""
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Service: {sizes.service_count} documents of {sizes.service_size // MIB} MiB one after another")
    disk = {"kind": "local", "settings": {"root": str(folder / "service" / "files"), "create": True}}
    with _processes(folder / "service", disk) as (service, worker):
        _transfers("local disk", service, worker, sizes, log)
        _tickets(worker, sizes, log)
        _crowd(service, folder, sizes, log)
    with seaweedfs() as server:
        remote = {
            "endpoint_url": server.endpoint_url,
            "bucket": server.make_bucket("service"),
            "region": server.region,
            "access_key_id": server.access_key_id,
            "secret_access_key": server.secret_access_key,
        }
        with _processes(folder / "service-s3", {"kind": "s3", "settings": remote}) as (service, worker):
            _transfers("S3", service, worker, sizes, log)
    _page(folder, sizes, log)
    shutil.rmtree(folder / "service")
    shutil.rmtree(folder / "service-s3")


@contextmanager
def _processes(folder: Path, provider: dict[str, Any]) -> Iterator[tuple[Service, subprocess.Popen[str]]]:
    folder.mkdir()
    (folder / PROVIDER).write_text(json.dumps(provider), encoding="utf-8")
    with _child("serve", folder) as server:
        service = Service(server)  # the catalogue is made when it answers
        with closing(service), _child("library", folder) as worker:
            yield service, worker


def _transfers(where: str, service: Service, worker: subprocess.Popen[str], sizes: Sizes, log: Log) -> None:
    size, bodies = sizes.service_size, Bodies(sizes.service_count)
    ways: dict[str, Callable[[str], tuple[float, float]]] = {
        HTTP: lambda job: service.transfer(job, bodies.names(job), size),
        LIBRARY: lambda job: _ask(worker, job, bodies.names(job), size),
        f"{LIBRARY}{AGAIN}": lambda job: _ask(worker, job, bodies.names(job), size),
    }
    for job in ("upload", "download"):
        found = {name: Samples(name=name) for name in ways}
        for number in range(sizes.service_rounds + 1):
            for name, work in ways.items():
                seconds, cpu = work(job)
                if number:  # the first one warms
                    _note(found[name], seconds / sizes.service_count, cpu / sizes.service_count)
        show(f"{job}, {where}, processor time of the server", list(found.values()))
        log.keep(f"{job}, {where}", found.values())


def _tickets(worker: subprocess.Popen[str], sizes: Sizes, log: Log) -> None:
    found, name, operations = Samples(name="kazinex-storage"), count(), sizes.service_count * 5
    for number in range(sizes.service_rounds + 1):
        seconds, cpu = _ask(worker, "ticket", [f"ticket-{next(name)}" for _ in range(operations)], 4096)
        if number:
            _note(found, seconds / operations, cpu / operations)
    show("begin and confirm a ticket, without what is sent in between", [found])
    log.keep("ticket", [found])


def _crowd(service: Service, folder: Path, sizes: Sizes, log: Log) -> None:
    path = service.put("crowd", sizes.crowd_size)
    service.forget_peak()
    with _child("fetch", folder) as clients:
        answer = _order(clients, {"port": service.port, "path": path, "count": sizes.crowd})
    if answer["bytes"] != sizes.crowd * sizes.crowd_size:
        raise AssertionError(f"{answer['bytes']} bytes came, {sizes.crowd * sizes.crowd_size} were sent")
    resident = service.peak()
    print(f"\n  {sizes.crowd} downloads of {sizes.crowd_size // MIB} MiB at once: {resident / MIB:.0f} MiB resident")
    log.grew("crowd", "kazinex-storage", resident)


def _page(folder: Path, sizes: Sizes, log: Log) -> None:
    """Open the page in a browser that has none of it: bytes on the wire, and when all that it shows has come."""
    command = [sys.executable, "-m", "kazinex_storage.cli", "serve", "--demo", "--home", str(folder / "demo")]
    with (
        subprocess.Popen(
            [*command, "--port", "0", "--no-open"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        assert server.stdout is not None
        link = next(match[0] for line in server.stdout if (match := re.search(r"http://\S+", line)))
        context = browser.new_context()
        context.new_page().goto(link)
        views = []
        for number in range(sizes.service_rounds + 1):
            fresh = browser.new_context(storage_state=context.storage_state())
            page = fresh.new_page()
            page.goto(urlsplit(link)._replace(path="/", query="").geturl(), wait_until="networkidle")
            if number:  # the first one warms the server
                views.append(page.evaluate(_VIEW))
            fresh.close()
        browser.close()
        server.send_signal(signal.SIGINT)
        server.stdout.read()
    found = Samples(name="kazinex-storage", seconds=[view["ms"] / 1e3 for view in views])
    found.cpu_seconds, found.quiet = [0.0] * len(views), [True] * len(views)
    show("the first view of the page, until all that it shows has come", [found])
    print(f"  {max(view['bytes'] for view in views) / 1024:.1f} KiB on the wire")
    log.keep("page", [found])
    log.grew("page", "kazinex-storage, on the wire", max(view["bytes"] for view in views))
    shutil.rmtree(folder / "demo")


class Bodies:
    """The names of what each round sends: a revision has one file, and the last that was sent is what is read."""

    def __init__(self, each: int) -> None:
        self._each, self._next, self._last = each, count(), list[str]()

    def names(self, job: str) -> list[str]:
        """Return the names of one round."""
        if job == "upload":
            self._last = [f"file-{next(self._next)}" for _ in range(self._each)]
        return self._last


class Service:
    """The process that serves the API, and a client of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self._proc = Path(f"/proc/{process.pid}")
        self._client = http.client.HTTPConnection("127.0.0.1", self.port)

    def transfer(self, job: str, names: list[str], size: int) -> tuple[float, float]:
        """Send or fetch files one after another; return the seconds, and the processor seconds of the server."""
        cpu, begun = self._cpu(), time.perf_counter()
        for name in names:
            if job == "upload":
                self.put(name, size)
            else:
                self._request("GET", _path(name), None, 200, size)
        return time.perf_counter() - begun, self._cpu() - cpu

    def put(self, name: str, size: int) -> str:
        """Upload a file and return its path."""
        self._request("PUT", _path(name), bytes(size), 201, None)
        return _path(name)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def forget_peak(self) -> None:
        """Let the kernel count the peak from here."""
        (self._proc / "clear_refs").write_text("5", encoding="ascii")

    def peak(self) -> int:
        """Return the largest resident set so far, in bytes."""
        lines = (self._proc / "status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))

    def _request(self, method: str, path: str, body: bytes | None, status: int, size: int | None) -> None:
        self._client.request(method, path, body)
        response = self._client.getresponse()
        read = 0
        while data := response.read(MIB):
            read += len(data)
        if response.status != status or size not in (None, read):
            raise AssertionError(f"{method} {path}: status {response.status}, {read} bytes")

    def _cpu(self) -> float:
        fields = (self._proc / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S


def _path(name: str) -> str:
    document = f"/storage/organisations/{ORGANISATION}/projects/project/documents/document"
    return f"{document}/revisions/{name}/files/{name}.bin"


def _ask(worker: subprocess.Popen[str], job: str, names: list[str], size: int) -> tuple[float, float]:
    answer = _order(worker, {"job": job, "names": names, "size": size})
    return answer["seconds"], answer["cpu"]


def _order(worker: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(job) + "\n")
    worker.stdin.flush()
    answer: dict[str, Any] = json.loads(worker.stdout.readline())
    return answer


def _note(samples: Samples, seconds: float, cpu: float) -> None:
    samples.seconds.append(seconds)
    samples.cpu_seconds.append(cpu)
    samples.quiet.append(True)


@contextmanager
def _child(role: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.service_child", role, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)
