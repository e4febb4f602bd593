"""A proxy that leads graph.microsoft.com to the emulator, for clients that know no other address."""

from __future__ import annotations

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
                back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
                back.start()
                _pump(client, upstream)
                back.join(10)

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


def _pump(source: ssl.SSLSocket, target: ssl.SSLSocket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
