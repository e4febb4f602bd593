"""Short programs run in forks of a Python that has loaded what they need from others.

Two thirds of what a command line costs are typer, pydantic and SQLAlchemy. A fork is a process all the same: streams,
folder, environment and exit code are its own, and it loads this package itself, unless the server was told to load that
too. Not for programs that are sent signals, have a terminal, or are to find other modules than this environment has.
"""

from __future__ import annotations

import marshal
import os
import select
import socket
import sys
from typing import NoReturn

_BROKEN = 70  # EX_SOFTWARE of sysexits.h


def ask(address: str, arguments: list[str]) -> int:
    """Have a program run with the streams, the folder and the environment of this process, and return its exit code."""
    order = marshal.dumps((arguments, os.getcwd(), dict(os.environ)))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [len(order).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(order)
        answer = connection.recv(1)
    return answer[0] if answer else _BROKEN


def serve(address: str, *packages: str) -> None:
    """Answer until the end: each program runs in a child, of which another child waits for the exit code."""
    _load(packages)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        os.dup2(2, 1)  # the parent waits for this end of its pipe
        connection = _accepted(listener)
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as reader:
        arguments, folder, environment = marshal.loads(reader.read(int.from_bytes(size, "big")))  # noqa: S302  # ours
    if program := os.fork():
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(program, 0)
        code = os.waitstatus_to_exitcode(status)
        connection.sendall(bytes([code if code >= 0 else 128 - code]))
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Opened as Python does at its start, and open to its end: the old ones remember a file that could be sought.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    if packages:
        _end(*arguments)
    _run(*arguments)


def _end(*arguments: str) -> NoReturn:
    """Run a program, and end as Python does but for taking apart what was loaded before, a third of the whole time."""
    import atexit
    import gc
    import threading

    code: object = 0
    try:
        _run(*arguments)
    except SystemExit as end:
        code = 0 if end.code is None else end.code
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    assert isinstance(code, int)
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def _accepted(listener: socket.socket) -> socket.socket:
    """Return a connection, in a child of its own; end when the tests do, however they end."""
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            sys.exit()
        connection, _ = listener.accept()
        if not os.fork():
            return connection
        connection.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def _run(option: str, program: str, *arguments: str) -> None:
    """Run a module by its name, or the text of a program, as Python does after ``-m`` and ``-c``."""
    import runpy
    from types import ModuleType

    sys.argv = [option, *arguments]
    if option == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(program, "<string>", "exec"), sys.modules["__main__"].__dict__)  # noqa: S102  # as -c does


def _load(packages: tuple[str, ...]) -> None:
    import gc
    import importlib
    import pkgutil
    import threading

    for name in (
        "asyncio",
        "concurrent.futures.thread",
        "cryptography.hazmat.primitives.ciphers.aead",
        "fsspec",
        "pycurl",
        "rich.progress",
        "rich.table",
        "sqlite3",
        "typer.main",
    ):
        importlib.import_module(name)
    import pydantic
    import sqlalchemy
    import typer

    pydantic.create_model("Example", text=(str, ...))
    sqlalchemy.create_engine("sqlite://").dispose()
    assert not any(name.startswith("kazinex_storage") for name in sys.modules)
    for package in map(importlib.import_module, packages):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):  # which runs
                importlib.import_module(module.name)
    if "kazinex_storage.cli" in packages:  # the types of options, which typing remembers
        typer.main.get_command(sys.modules["kazinex_storage.cli.app"].build())
    assert 1 == threading.active_count(), "a fork has no other thread"
    gc.freeze()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
