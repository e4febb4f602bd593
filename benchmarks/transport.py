"""What the transport adds to libcurl: 4 KiB GET and PUT, signed, compared with bare pycurl loops, in one run.

The server costs next to nothing, so that the client is what is measured; any S3-shaped one that answers 200 will do:
    python -m benchmarks.transport http://127.0.0.1:18100/bucket/s4k/
"""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pycurl

from kazinex_storage.transport import Authorisation, Exchange, Fixed, Request, Response, SigV4, Transport

OPERATIONS = 3000
WINDOW = 64
ROUNDS = 7
HEADERS = (("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), ("Accept-Encoding", "identity"))
KEY = Fixed(Authorisation(signing=SigV4(access_key_id="k", secret_access_key="s", region="auto")))
BODY = os.urandom(4096)


def bare(handle: pycurl.Curl, url: str, method: str) -> None:
    """Set a handle up as the prototype behind DESIGN.md section 2 does."""
    handle.reset()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.AWS_SIGV4, "aws:amz:auto:s3")
    handle.setopt(pycurl.USERPWD, "k:s")
    handle.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in HEADERS), "Expect:"])
    if method == "PUT":
        handle.setopt(pycurl.CUSTOMREQUEST, "PUT")
        handle.setopt(pycurl.POSTFIELDS, BODY)
    handle.setopt(pycurl.HEADERFUNCTION, [].append)
    handle.setopt(pycurl.WRITEFUNCTION, [].append)


def bare_easy(url: str, method: str) -> None:
    handle = pycurl.Curl()
    for number in range(OPERATIONS):
        bare(handle, f"{url}{number}", method)
        handle.perform()


def bare_multi(url: str, method: str) -> None:
    multi = pycurl.CurlMulti()
    free, left, active = [pycurl.Curl() for _ in range(WINDOW)], iter(range(OPERATIONS)), 0
    while True:
        while free and (number := next(left, None)) is not None:
            handle = free.pop()
            bare(handle, f"{url}{number}", method)
            multi.add_handle(handle)
            active += 1
        if not active:
            return
        multi.perform()
        queued = 1
        while queued:
            queued, good, _ = multi.info_read()
            for handle in good:
                multi.remove_handle(handle)
                free.append(handle)
                active -= 1
        if active and not free:
            multi.select(1.0)


def exchange(url: str, method: str, number: int) -> Exchange[Response]:
    taken: list[Any] = []
    response: Response = yield Request(
        method=method,
        url=f"{url}{number}",
        headers=HEADERS,
        auth=KEY,
        body=BODY if method == "PUT" else None,
        sink=taken.append if method == "GET" else None,
    )
    assert response.status == 200
    return response


def run(transport: Transport, url: str, method: str) -> None:
    for number in range(OPERATIONS):
        transport.run(exchange(url, method, number))


def run_many(transport: Transport, url: str, method: str) -> None:
    for _, outcome in transport.run_many((exchange(url, method, number) for number in range(OPERATIONS)), WINDOW):
        outcome.result()


def run_async(transport: Transport, url: str, method: str) -> None:
    async def all_of_them() -> None:
        places = asyncio.Semaphore(WINDOW)

        async def one(number: int) -> None:
            async with places:
                await transport.run_async(exchange(url, method, number))

        await asyncio.gather(*map(one, range(OPERATIONS)))

    asyncio.run(all_of_them())


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(url: str) -> None:
    print(f"Transport: Python {platform.python_version()}, {pycurl.version.split(' zlib')[0]}, {os.cpu_count()} cores")
    print(f"n = {OPERATIONS}, {ROUNDS} rounds, every way once a round; CPU of this process\n")
    transport = Transport()
    for method in ("GET", "PUT"):
        ways: dict[str, Callable[[str, str], None]] = {
            "bare easy": bare_easy,
            "run": lambda url, method: run(transport, url, method),
            "bare multi": bare_multi,
            "bare multi (A/A)": bare_multi,
            "run_many": lambda url, method: run_many(transport, url, method),
            "run_async": lambda url, method: run_async(transport, url, method),
        }
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                cpu, wall = cpu_s(), time.perf_counter()
                way(url, method)
                figures[name].append(((cpu_s() - cpu) / OPERATIONS * 1e6, OPERATIONS / (time.perf_counter() - wall)))
        for name, found in figures.items():
            costs = sorted(cost for cost, _ in found)
            speed = statistics.median(speed for _, speed in found)
            print(
                f"{method} {name:18s} {speed:8.0f} op/s   "
                f"{statistics.median(costs):5.1f} us CPU ({costs[0]:.1f} to {costs[-1]:.1f})"
            )


if __name__ == "__main__":
    main(sys.argv[1])
