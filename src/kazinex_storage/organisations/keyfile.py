"""A ring of sealing keys in a file that only its owner may read, made on first use.

One base64 key a line, the sealing one first. Every change writes a new file and moves it into place, so a reader sees
the old ring or the new one; the unfinished file doubles as the lock between changes.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from ..errors import SealError, SettingsError
from ..secrecy.masking import Masked
from ..secrecy.pickling import not_pickled
from ..system import CLOSE_ON_EXEC, NO_FOLLOW, own_user, replace, sync_folder
from .sealing import KeyRing

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | CLOSE_ON_EXEC


@not_pickled("give the other process a key ring or a key file of its own")
class KeyFile:
    """A file of sealing keys. Thread-safe and fork-safe; picks up a rotation made by another process."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is not touched before it is needed."""
        self.path = path
        self._ring: KeyRing | None = None

    def for_sealing(self) -> KeyRing:
        """Read the ring again, and make the file with one random key when it is missing.

        Raises:
            SettingsError: the file cannot be read or made, others may read it, or it holds something else.
        """
        self._ring = self._read() or self._make()
        return self._ring

    def for_opening(self, key_id: str, /) -> KeyRing:
        """Return the ring; the file is read again when the key of that id is not on the one in memory.

        Raises:
            SealError: the file is missing.
            SettingsError: as in ``for_sealing``.
        """
        ring = self._ring
        if ring is None or ring.cipher(key_id) is None:
            ring = self._read()
            if ring is None:
                raise SealError(
                    f"the key file {str(self.path)!r} is missing; restore it, or set KAZINEX_STORAGE_KEY to its keys"
                )
            self._ring = ring
        return ring

    def rotate(self) -> KeyRing:
        """Put a new random key first, keeping the others for opening, and return the ring.

        Raises:
            SettingsError: the file cannot be changed, or another change is under way.
        """
        return self._change(lambda ring: ring.with_first(KeyRing.generate()))

    def retire(self) -> KeyRing:
        """Drop every key but the sealing one; what is still sealed under the others, in backups too, is lost.

        Raises:
            SettingsError: the file cannot be changed, or another change is under way.
        """
        return self._change(KeyRing.only_first)

    def _read(self) -> KeyRing | None:
        try:
            with open(self.path, encoding="ascii") as file:
                status = os.fstat(file.fileno())
                text = Masked(file.read())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"the key file {str(self.path)!r} cannot be read: {error}") from error
        user = own_user()
        if user is None:
            return KeyRing.parse(text)  # Windows says nothing by modes; the folder is the user's profile
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise SettingsError(
                f"the key file {str(self.path)!r} may be used by others (mode {stat.S_IMODE(status.st_mode):04o}); run "
                f"`chmod 600 {self.path}`, and rotate the key if others have had access"
            )
        if status.st_uid not in (user, 0):
            raise SettingsError(
                f"the key file {str(self.path)!r} belongs to another user (uid {status.st_uid}), who can read and "
                "change it; make it yours (chown), and rotate the key"
            )
        self._check_folder(user)
        return KeyRing.parse(text)

    def _check_folder(self, user: int) -> None:
        """Refuse a folder in which others could put another file in the place of this one."""
        status = self.path.parent.stat()
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o022 and not mode & stat.S_ISVTX:
            raise SettingsError(
                f"the folder {str(self.path.parent)!r} of the key file may be written by others (mode {mode:04o}), who "
                f"could put a key of theirs into it; run `chmod go-w {self.path.parent}`"
            )
        if status.st_uid not in (user, 0):
            raise SettingsError(
                f"the folder {str(self.path.parent)!r} of the key file belongs to another user (uid {status.st_uid}), "
                "who could put a key of his into it; make it yours (chown), or set KAZINEX_STORAGE_HOME to one that is"
            )

    def _make(self) -> KeyRing:
        # Of several processes that find no file, one links its own into place and all read that one.
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(draft, _CREATE, 0o600)
            try:
                _fill(descriptor, KeyRing.generate)
                os.link(draft, self.path)
            except FileExistsError:
                pass
            finally:
                os.unlink(draft)
            sync_folder(self.path.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        ring = self._read()
        if ring is None:
            raise SettingsError(f"the key file {str(self.path)!r} vanished while it was made; try again")
        return ring

    def _change(self, change: Callable[[KeyRing], KeyRing]) -> KeyRing:
        self.for_sealing()
        draft = self.path.with_name(f".{self.path.name}.new")
        try:
            descriptor = os.open(draft, _CREATE, 0o600)
        except FileExistsError as error:
            raise SettingsError(
                f"another change of the key file is under way; if none is, remove {str(draft)!r} and try again"
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            # Read under the lock that the draft is, so that no change between is lost.
            ring = _fill(descriptor, lambda: change(self._read() or self._make()))
            replace(draft, self.path)
        except BaseException as error:
            draft.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise self._unwritable(error) from error
            raise
        self._ring = ring
        sync_folder(self.path.parent)
        return ring

    def _unwritable(self, error: OSError) -> SettingsError:
        return SettingsError(
            f"the key file {str(self.path)!r} cannot be written ({error.strerror}); make its folder writable, or set "
            "KAZINEX_STORAGE_KEY"
        )


def _fill(descriptor: int, make: Callable[[], KeyRing]) -> KeyRing:
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        ring = make()
        file.write(ring.export())
        file.flush()
        os.fsync(file.fileno())
    return ring
