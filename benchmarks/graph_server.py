"""Serve an emulated tenant until standard input ends, and print how it is reached: a process of its own."""

from __future__ import annotations

import json
import sys

from kazinex_storage.testing.emulators.graph import graph_emulator


def main() -> None:
    """Serve."""
    with graph_emulator() as emulator:
        site, app = emulator.add_site("sites/projects"), emulator.add_app()
        emulator.knobs.token_seconds = 86_400
        place = {
            "graph_url": emulator.graph_url,
            "site_url": site.url,
            "drive_id": site.drives[0].id,
            "token": emulator.state.issue(app.client_id),
        }
        print(json.dumps(place), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
