"""What ``workers.py`` forks its workers from: each serves the HTTP API over the catalogue of its environment.

Reads an environment as JSON from each line of its input, and answers with the address and the id of the worker.
``KILLED_AT`` names a step of the catalogue before or after which the worker kills itself, as a power cut would.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request

from kazinex_storage.organisations import AuditLog, Organisations, SqlCatalogue, open_organisations
from kazinex_storage.web import Action, Caller, storage_router


async def anybody(_request: Request, _action: Action, organisation: str | None, _project: str | None) -> Caller:
    return Caller(name="user_xyz")


def dying(step: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def call(*arguments: object, **named: object) -> None:
        if not before:
            step(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return call


def application() -> FastAPI:
    catalogue = open_organisations().catalogue
    assert isinstance(catalogue, SqlCatalogue)
    when, _, step = os.environ["KILLED_AT"].partition(" ")
    if step:
        part, _, name = step.partition(".")
        owner: object = getattr(catalogue, part)
        setattr(owner, name, dying(getattr(owner, name), before=when == "before"))
    organisations = Organisations(catalogue, guarded=(), on_event=AuditLog(catalogue))
    app = FastAPI()
    app.include_router(storage_router(organisations, authorise=anybody), prefix="/storage")
    return app


def serve(listening: socket.socket) -> None:
    uvicorn.Server(uvicorn.Config(application(), log_level="critical")).run([listening])


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(512)
            pid = os.fork()
            if not pid:
                os.environ.update(json.loads(line))
                serve(listening)
                os._exit(0)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        sys.stdout.write(f"{json.dumps({'url': url, 'pid': pid})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
