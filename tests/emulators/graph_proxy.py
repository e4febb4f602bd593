"""A proxy that leads graph.microsoft.com to the emulator, for clients that know no other address."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from kazinex_storage.testing.emulators.graph import GraphEmulator
from kazinex_storage.testing.emulators.tls import CertificateAuthority


@contextmanager
def graph_proxy(emulator: GraphEmulator, authority: CertificateAuthority) -> Iterator[str]:
    """Serve on a free loopback port, and give its address."""
    inside = authority.server_context(["graph.microsoft.com"])
    outside = ssl.create_default_context(cafile=authority.ca_file)
    port = urlsplit(emulator.graph_url).port or 0
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with (
                inside.wrap_socket(connection, server_side=True) as client,
                socket.create_connection(("127.0.0.1", port)) as raw,
                outside.wrap_socket(raw, server_hostname="127.0.0.1") as upstream,
            ):
                _relay(client, upstream)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _relay(one: ssl.SSLSocket, other: ssl.SSLSocket) -> None:
    """Pass on what comes from either side; in one thread, because OpenSSL's connections are not thread-safe."""
    partner = {one: other, other: one}
    # Not select.select, which knows no descriptor above 1,024: the process of a whole run has more.
    with selectors.DefaultSelector() as selector:
        for side in partner:
            selector.register(side, selectors.EVENT_READ, side)
        while ready := [side for side in partner if side.pending()] or [key.data for key, _ in selector.select(60)]:
            for side in ready:
                data = _received(side)
                if data == b"":
                    return
                if data is not None:
                    partner[side].sendall(data)


def _received(side: ssl.SSLSocket) -> bytes | None:
    """Return what came, nothing at the end; None when it was for TLS alone, such as a ticket for the next session."""
    side.setblocking(False)
    try:
        return side.recv(65536)
    except ssl.SSLWantReadError:
        return None
    finally:
        side.setblocking(True)
