"""The real server behind an emulator: requests are re-signed and forwarded over kept connections."""

from __future__ import annotations

import http.client
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ...servers import S3Server
from ..http import Answer


class Upstream:
    """A real S3 server, reached with its own keys. Thread-safe."""

    def __init__(self, server: S3Server) -> None:
        """Send to *server*."""
        self.server = server
        """Where requests go."""
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._closed = False

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sign and send a request for *target*, which is a percent-encoded path with its query; return the answer.

        Raises:
            OSError: the server does not answer.
        """
        request = AWSRequest(method=method, url=self.server.endpoint_url + target, headers=dict(headers), data=body)
        key = Credentials(self.server.access_key_id, self.server.secret_access_key)
        S3SigV4Auth(key, "s3", self.server.region).add_auth(request)
        signed = dict(request.headers.items())
        try:
            kept = self._idle.pop()
        except IndexError:
            kept = None
        if kept is not None:
            try:
                return self._sent(kept, method, target, signed, body)
            except (http.client.HTTPException, ConnectionError):  # it ended while idle
                kept.close()
        return self._sent(self._connect(), method, target, signed, body)

    def close(self) -> None:
        """Close the connections; one that is in use is closed after its answer."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.server.endpoint_url).netloc, timeout=60)

    def _sent(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        connection.request(method, target, body=body, headers=dict(headers))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(status=response.status, headers=found, body=response.read())
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)
        return answer
