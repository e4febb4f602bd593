"""How far the resident set grows while a large file goes up and down, in a process that reads its order as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from kazinex_storage import Storage
from kazinex_storage.registry import default_registry
from kazinex_storage.transport import Transport, TransportSettings

from .memory_child import forget_peak, resident
from .results import Log
from .sizes import MIB
from .tenant import provider_at


def show_growth(what: str, opened: dict[str, object], key: str, source: Path, landed: Path, log: Log) -> None:
    """Print and keep how far a fresh process grows; *opened* says how it opens its storage, see ``open_storage``."""
    order = json.dumps({**opened, "key": key, "source": str(source), "landed": str(landed)})
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory_remote"],
        check=True,
        input=order,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    for direction, growth in json.loads(child.stdout).items():
        print(f"  {what}, {direction}: memory grows by {growth / MIB:.1f} MiB")
        log.grew(f"{what}, {direction}", "kazinex-storage", growth)


def open_storage(order: dict[str, Any]) -> Storage:
    """Open the storage of *order*: a ``kind`` and its ``settings``, or a ``place`` of a library."""
    place = order.get("place", {})
    transport = Transport(settings=TransportSettings(proxy="", ca_file=place.get("ca_file")))
    if place:
        return Storage(provider_at(place), transport=transport)
    registry = default_registry()
    provider = registry.open(order["kind"], registry.parse_settings(order["kind"], order["settings"]))
    return Storage(provider, transport=transport)


def main() -> None:
    """Carry out the order on standard input."""
    order = json.loads(sys.stdin.read())
    source, landed = Path(order["source"]), Path(order["landed"])
    with open_storage(order) as storage:
        storage.put(f"{order['key']}.warm", bytes(MIB))
        found = {}
        for direction in ("up", "down"):
            forget_peak()
            before = resident("VmRSS")
            if direction == "up":
                storage.put(order["key"], source)
            else:
                storage.download(order["key"], landed)
            found[direction] = max(0, resident("VmHWM") - before)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
