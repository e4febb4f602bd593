"""Uploads that another process resumes: the state holds the URL of the session.

A session takes its bytes in order and gives none of them back, so nothing that it holds can be compared with a body.
Instead the sha256 of the whole is given at the beginning. Every process checks its body against it before it sends a
byte, and once more before it sends the last fragment, which is the one that publishes.
"""

from __future__ import annotations

from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

from ...bodies.part_upload import read_through, sha256_of
from ...bodies.quickxor import QuickXorHash
from ...bodies.source import Source
from ...contract import ClientSession
from ...errors import IntegrityError, NotFoundError, NotSupportedError, SettingsError, UnavailableError
from ...secrecy.masking import Masked
from ...transport import Call, Exchange
from ...types import ObjectInfo, PutOptions, UploadState
from .errors import GRAPH
from .hashing import Sent
from .sessions import GONE, RULE, Sending, SessionGoneError, UploadSessions, fragments_of

_NO_SESSION: Final = "empty"
"""In place of the URL, for an upload of no bytes: sessions begin at one."""


class ResumableUploads:
    """Resumable uploads to one library. Every exchange raises ``StorageError`` when the service refuses."""

    def __init__(self, sessions: UploadSessions) -> None:
        """Resume the writes of *sessions*."""
        self._sessions = sessions
        self._objects = sessions.objects
        self._library = sessions.objects.library

    def begin_upload(self, key: str, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin a session; two requests, if the folder was seen. Its URL is a secret until the session ends.

        Raises:
            NotSupportedError: no sha256 was given, or the session is at another host than the site.
            AlreadyExistsError: ``PutMode.CREATE`` and something is there.
            PreconditionFailedError: it is not the version ``if_match``.
            UnavailableError: others write to the same key.
        """
        if sha256 is None:
            raise NotSupportedError(
                "SharePoint gives back nothing of an upload that could be compared; give the sha256 of the whole body "
                "when you begin it",
                key=key,
            )
        path = self._library.path_of(key)
        yield from self._objects.folders.check(key, path)
        writing = yield from self._objects.admit(key, path, options)
        url = (yield from self._sessions.begin(key, path, size, writing, options)) if size else _NO_SESSION
        if url is None:
            raise UnavailableError("others write to the same key at the moment; repeat it", key=key)
        if size and not self._is_ours(url):
            yield from self._sessions.cancel(url)
            raise NotSupportedError(
                f"uploads go to {urlsplit(url).hostname} here, which is not the host of the site, so a forged state "
                "could not be detected; put the object in one go",
                key=key,
            )
        return UploadState(
            key=key,
            upload_id=url,
            size=size,
            part_bytes=fragments_of(size).part_bytes,
            mode=options.mode,
            if_match=options.if_match,
            sha256=sha256,
        )

    def begin_session(self, key: str, size: int, options: PutOptions) -> Exchange[ClientSession]:
        """Begin a session that a client without credentials sends its parts to; two requests if the folder was seen.

        Raises:
            AlreadyExistsError: something is there.
            UnavailableError: others write to the same key.
        """
        path = self._library.path_of(key)
        yield from self._objects.folders.check(key, path)
        writing = yield from self._objects.admit(key, path, options)
        url = yield from self._sessions.begin(key, path, size, writing, options)
        if url is None:
            raise UnavailableError("others write to the same key at the moment; repeat it", key=key)
        return ClientSession(url=Masked(url), rule=RULE, part_bytes=fragments_of(size).part_bytes)

    def is_session_open(self, url: str) -> Exchange[bool]:
        """Ask whether a session wants more bytes; one request."""
        response = yield from GRAPH.send(self._library.requests.session(url), ok=(200, *GONE))
        return response.status == 200

    def end_session(self, url: str) -> Exchange[None]:
        """Throw a session away; one request. One that cannot be reached is remembered, and expires by itself."""
        return self._sessions.cancel(url)

    def resume_upload(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        """Send what the session lacks; one request, and one for each fragment. The body is read twice.

        Raises:
            IntegrityError: it is not the body that the upload was begun for; nothing was sent.
            NotFoundError: the session is gone: aborted, expired or completed by another process.
            AlreadyExistsError: it was begun with ``PutMode.CREATE``, and the key exists by now.
            PreconditionFailedError: the object is not the version ``if_match``.
            StorageError: the service refuses; the session stays.
        """
        key, options = state.key, PutOptions(mode=state.mode, if_match=state.if_match)
        _check(cast(str, (yield Call(sha256_of, source, cancel=source.cancel))), state)
        if not state.size:
            return (yield from self._objects.write(key, source, options))
        url, path = self._url(state.upload_id), self._library.path_of(key)
        plan = fragments_of(state.size)  # not that of the state, which could ask for any amount of memory
        reached = yield from self._sessions.reached(url, plan.size)
        if reached is None:
            return (yield from self._completed(key, path, source, state))
        if reached < plan.size:
            sending = Sending(self._sessions, url, plan, reached, partial(_prove, source, state))
            try:
                found = yield from self._sessions.send(key, path, source, options, sending)
            except SessionGoneError:
                return (yield from self._completed(key, path, source, state))
            except IntegrityError:
                yield from self._sessions.cancel(url)  # it may hold bytes of another body by now
                raise
            if found is not None:
                return found
        # All of it is there, and another writer's object was in its way: replace it, or report it.
        yield from self._sessions.cancel(url)
        return (yield from self._sessions.upload(key, source, options))

    def abort_upload(self, key: str, upload_id: str) -> Exchange[None]:
        """Throw a session away; one request, silent when it is gone.

        Raises:
            SettingsError: it is the state of another site.
        """
        if upload_id == _NO_SESSION:
            return
        yield from GRAPH.send(
            self._library.requests.session(self._url(upload_id), cancel=True), ok=(200, 204, *GONE), key=key
        )

    def _url(self, upload_id: str) -> str:
        if not self._is_ours(upload_id):
            raise SettingsError("the upload is at another host than the site; a body is never sent there")
        return upload_id

    def _is_ours(self, url: str) -> bool:
        """Say whether *url* leads to the host of the site, or of Graph itself: a state may come from anywhere."""
        parts, graph = urlsplit(url), urlsplit(self._library.target.graph_url)
        hosts = (self._library.target.host, graph.hostname)
        return parts.scheme in ("https", graph.scheme) and parts.hostname in hosts and "@" not in parts.netloc

    def _completed(self, key: str, path: str, source: Source, state: UploadState) -> Exchange[ObjectInfo]:
        """Return the object that the upload became, if another process completed it, or an answer was lost."""
        quickxor = cast(str, (yield Call(_quickxor, source, cancel=source.cancel)))
        _prove(source, state)
        sent = Sent(state.size, quickxor, state.sha256)
        item = yield from self._objects.find_own_write(key, path, sent)
        if item is None:
            raise NotFoundError("the upload is gone: it was aborted, or has expired; begin a new one", key=key)
        return self._objects.accepted(key, path, item, sent)


def _quickxor(source: Source) -> str:
    digest = QuickXorHash()
    read_through(source, digest.update)
    return digest.digest().hex()


def _prove(source: Source, state: UploadState) -> None:
    checksum = source.checksum
    _check(checksum.value if checksum is not None else "unknown", state)


def _check(found: str, state: UploadState) -> None:
    if found != state.sha256:
        raise IntegrityError(
            f"the body has sha256 {found}, but the upload was begun for {state.sha256}; resume it with that body"
        )
