"""Credentials that botocore finds and renews: profiles, environment, processes, containers, instances.

botocore, part of boto3, looks for them; it is imported on first use. ``Renewed`` in ``signing.py`` asks once a minute.
"""

from __future__ import annotations

import os
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ...errors import SettingsError, StorageError, UnavailableError
from .target import Credentials

if TYPE_CHECKING:
    import botocore.credentials

# The names in botocore.credentials of the providers that it asks last, with or without a profile.
_OF_THE_MACHINE: Final = ("container-role", "iam-role")

# Classes of botocore.exceptions that retrying does not help, and what to do. Their texts may quote lines of a file or
# what a process printed, so only their names are passed on.
_ADVICE: Final = {
    "ProfileNotFound": "there is no profile of that name in the shared AWS configuration; correct it, or make it",
    "PartialCredentialsError": "only half of a key pair is set there; complete it",
    "ConfigParseError": "the shared AWS configuration cannot be read; correct the file",
    "InvalidConfigError": "the profile is incomplete or contradicts itself; correct it",
    "ConfigNotFound": "the file that AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE names is missing; correct it",
    "SSOTokenLoadError": "no one is signed in; run 'aws sso login'",
    "UnauthorizedSSOTokenError": "the sign-in has expired; run 'aws sso login'",
    "TokenRetrievalError": "the sign-in has expired; run 'aws sso login'",
}


class ChainCredentials:
    """A ``CredentialSource`` over the whole chain of boto3, or over one profile of the shared configuration.

    Credentials that expire are kept and renew themselves in time; others are looked up again on every call, so that
    edits of a profile take effect. Thread-safe; a forked child looks them up itself.
    """

    def __init__(self, profile: str | None = None, ca_file: str | None = None) -> None:
        """Use *profile*, and trust *ca_file* where a service hands out credentials; nothing is looked up yet."""
        self._profile, self._ca_file = profile, ca_file
        self._found = _Found(profile, ca_file)

    def __call__(self) -> Credentials:
        """Return credentials that are valid now.

        Raises:
            SettingsError: boto3 is not installed, nothing was found, or the configuration cannot be used.
            UnavailableError: the source of the credentials does not answer, or not with credentials.
        """
        found = self._found
        if found.process != os.getpid():  # the locks of the parent may have been held when it forked
            found = self._found = _Found(self._profile, self._ca_file)
        return found.now()

    def __repr__(self) -> str:
        return f"ChainCredentials(profile={self._profile!r})"

    def __reduce__(self) -> tuple[type[ChainCredentials], tuple[str | None, str | None]]:
        return type(self), (self._profile, self._ca_file)


class _Found:
    """The credentials that one process found."""

    __slots__ = ("_ca_file", "_lock", "_profile", "_renewing", "process")

    def __init__(self, profile: str | None, ca_file: str | None) -> None:
        self.process = os.getpid()
        self._profile, self._ca_file = profile, ca_file
        self._lock = threading.Lock()
        self._renewing: botocore.credentials.Credentials | None = None

    def now(self) -> Credentials:
        try:
            with self._lock:
                return self._look()
        except StorageError:
            raise
        except ImportError:
            failure: StorageError = SettingsError(
                "a profile or the credentials of this process need boto3; pip install 'kazinex-storage[r2]', or give a "
                "key pair"
            )
        except Exception as error:  # a process or a service that supplies credentials may fail in any way
            failure = self._failure(error)
        raise failure

    def _look(self) -> Credentials:
        # From the second call on, this renews them: botocore does so 15 minutes before they expire.
        found = self._renewing or self._search()
        frozen = found.get_frozen_credentials()
        expires_at = getattr(found, "_expiry_time", None)  # botocore has no public name for it
        if isinstance(expires_at, datetime):
            self._renewing = found
        if not frozen.access_key or not frozen.secret_key:
            raise self._nothing()
        return Credentials(
            access_key_id=frozen.access_key,
            secret_access_key=frozen.secret_key,
            session_token=frozen.token or None,
            expires_at=expires_at if isinstance(expires_at, datetime) else None,
        )

    def _search(self) -> botocore.credentials.Credentials:
        from botocore.session import Session

        from ...transport.trust import named_trust  # most have a key pair
        from .held_back import warn_of_old_botocore

        warn_of_old_botocore()
        session = Session(profile=self._profile)
        # What AWS_CA_BUNDLE and the shared configuration name counts in every program of AWS.
        bundle = session.get_config_variable("ca_bundle") if self._ca_file is None else None
        trusted = bundle or named_trust(self._ca_file)
        if trusted is not None:
            session.set_config_variable("ca_bundle", trusted)
        found = session.get_credentials()
        # A profile without credentials would fall back to those of the machine, which were not asked for.
        if found is None or (self._profile is not None and found.method in _OF_THE_MACHINE):
            raise self._nothing()
        return found

    def _nothing(self) -> SettingsError:
        if self._profile is not None:
            return SettingsError(
                f"the profile {self._profile!r} of the shared AWS configuration holds no credentials; add some"
            )
        return SettingsError(
            "there are no credentials: not in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), not in "
            "the shared AWS configuration (~/.aws/credentials and ~/.aws/config), and neither the container nor the "
            "instance supplies any; give a key pair or a profile"
        )

    def _failure(self, error: Exception) -> StorageError:
        name = type(error).__name__
        where = f"the profile {self._profile!r}" if self._profile is not None else "what boto3 finds for this process"
        if name in _ADVICE:
            return SettingsError(f"{where} cannot be used ({name}): {_ADVICE[name]}")
        return UnavailableError(f"{where} could not be asked for credentials ({name}); check what supplies them")
