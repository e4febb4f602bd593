"""Why a container cannot be used, in the terms of its administrator. Pure; ``diagnose.py`` finds out which it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from ...types import Diagnosis
from ..objectstore.header_text import moment_of
from .target import Identity, SasToken, Target

_KEYS: Final = "Azure portal, the storage account, Security + networking, Access keys"
_SAS: Final = "Azure portal, the storage account, the container, Settings, Shared access tokens"
_ROLES: Final = "Azure portal, the storage account, Access control (IAM)"
_NETWORK: Final = "Azure portal, the storage account, Security + networking, Networking"
_CONTAINERS: Final = "Azure portal, the storage account, Data storage, Containers"

NEEDED: Final[Mapping[str, str]] = {"r": "read", "w": "write", "d": "delete", "l": "list"}
"""What a shared access signature must allow (sp)."""

_HTTPS_ONLY: Final = (
    "the account or the signature only allows https, and the endpoint says http",
    "write https:// in the endpoint",
)

BY_CODE: Final[Mapping[str, tuple[str, str]]] = {
    "KeyBasedAuthenticationNotPermitted": (
        "the account {account!r} forbids its keys, and signatures that are made with them",
        "use an identity of Microsoft Entra (tenant id, client id and secret) with the role Storage Blob Data "
        "Contributor; or allow storage account key access at Azure portal, the storage account, Settings, "
        "Configuration",
    ),
    "AuthorizationFailure": (  # which firewalls give
        "the account {account!r} refuses this machine: its firewall only lets chosen networks in, or the credential "
        "does not allow this",
        f"look at {_NETWORK}: enable access from all networks, or add the public address of this machine, or a "
        "private endpoint; if that is already right, enter the credential again",
    ),
    "AuthorizationProtocolMismatch": _HTTPS_ONLY,
    "AccountRequiresHttps": _HTTPS_ONLY,
    "AuthorizationSourceIPMismatch": (
        "the signature does not allow the address of this machine (AuthorizationSourceIPMismatch)",
        f"make one without an allowed IP address, or with that of this machine, at {_SAS}",
    ),
    "AccountIsDisabled": (
        "the account {account!r} is disabled",
        "see whether its subscription has ended or is unpaid, Azure portal, Subscriptions",
    ),
    "ContainerNotFound": (
        "there is no container {container!r} in the account {account!r}",
        f"compare the name, letter by letter, at {_CONTAINERS}; if it is missing, make the container: this "
        "library never does",
    ),
}
"""Meaning and fix by the code of an error, whatever the credential."""

NO_CRC64: Final = Diagnosis(
    meaning="the service does not take CRC-64, as Azurite does not; bodies are proved by it because body_checksum "
    "is crc64",
    fix="leave body_checksum out, or set it to md5",
)
"""What FeatureNotSupported means where CRC-64 is chosen."""


KEY_IGNORED: Final = Diagnosis(
    meaning="the service stores blobs without the customer key", fix="use another one, or leave it out"
)
"""A service that ignores the key of the customer."""

NO_VERSIONS: Final = Diagnosis(
    meaning="the account keeps no versions, although the settings say so",
    fix="turn on blob versioning (Azure portal, the storage account, Data management, Data protection), or set "
    "versioned to false",
)
"""An account without versioning."""

VERSIONS_STAY: Final = Diagnosis(
    meaning="versions cannot be removed",
    fix="let the credentials do so (role Storage Blob Data Owner, or x in a shared access signature), or set versioned "
    "to false",
)
"""Credentials that may not delete versions."""

SOFT_DELETED: Final = Diagnosis(
    meaning="soft delete of the account keeps what is purged for its days, so nothing is gone for good before",
    fix="turn off soft delete for blobs (Data management, Data protection) where data has to be gone at once",
)
"""A warning: a purge is not one at once."""

NOT_HELD: Final = Diagnosis(
    meaning="blobs cannot be held",
    fix="switch on versioning for the account and version-level immutability support for the container, and let the "
    "credentials set immutability policies",
)
"""A refused hold."""

HOLD_UNREAD: Final = Diagnosis(
    meaning="the hold of a blob cannot be read back, so nothing would say that it is kept",
    fix="use credentials that may read legal holds of blobs",
)
"""A hold that was taken and is not shown."""


def of_code(code: str, target: Target) -> Diagnosis | None:
    """Return what the *code* of an error means for *target*; None when it says too little."""
    match code:
        case "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation":
            return _wrong_key(target)
        case "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions":
            return _missing_role(target)
    found = BY_CODE.get(code)
    if found is None:
        return None
    meaning, fix = found
    return Diagnosis(meaning=meaning.format(account=target.account, container=target.container), fix=fix)


def protected(target: Target) -> Diagnosis:
    """Explain a blob that a policy protects."""
    return Diagnosis(
        meaning=f"a retention policy or a legal hold on the container {target.container!r} protects what was written: "
        "documents can be stored, but neither deleted nor replaced before it ends, and the probe below "
        ".kazinex-verify remains",
        fix="nothing, if that is how documents are to be kept; otherwise change it at Azure portal, the container, "
        "Settings, Access policy",
    )


def of_token(token: str, now: datetime) -> Diagnosis | None:
    """Return the flaw that a shared access signature shows by itself; None when it looks good."""
    fields = {name: values[0] for name, values in parse_qs(token).items()}
    ends, begins = moment_of(fields.get("se")), moment_of(fields.get("st"))
    if ends is not None and ends <= now:
        return Diagnosis(
            meaning=f"the shared access signature expired on {ends:%Y-%m-%d %H:%M} UTC",
            fix=f"make a new one, with a later expiry, at {_SAS}; the key of the account, or an identity of Entra, "
            "does not expire like that",
        )
    if begins is not None and begins > now:
        return Diagnosis(
            meaning=f"the shared access signature is only valid from {begins:%Y-%m-%d %H:%M} UTC",
            fix=f"make one that begins earlier at {_SAS}, and check the clock of this machine",
        )
    if "sr" in fields and fields["sr"] not in ("c", "d"):
        return Diagnosis(
            meaning="the shared access signature is for one blob, not for the container",
            fix=f"make one for the whole container at {_SAS}",
        )
    if "ss" in fields and not ("b" in fields["ss"] and {"c", "o"} <= set(fields.get("srt", ""))):
        return Diagnosis(
            meaning="the shared access signature of the account does not cover containers and blobs",
            fix="allow the service Blob, and the resource types Container and Object",
        )
    # Permissions of a stored access policy (si) are not in the token.
    missing = [name for letter, name in NEEDED.items() if letter not in fields.get("sp", "")]
    if missing and "si" not in fields:
        return Diagnosis(
            meaning=f"the shared access signature does not allow to {', '.join(missing)}",
            fix=f"make a new one with {', '.join(NEEDED.values())} at {_SAS}",
        )
    return None


def _wrong_key(target: Target) -> Diagnosis:
    if isinstance(target.credential, SasToken):
        return Diagnosis(
            meaning="the shared access signature is not accepted: it was altered when it was copied, it is for "
            "another container, or the key it was made with has been rotated",
            fix=f"make a new one at {_SAS} and enter all of it",
        )
    return Diagnosis(
        meaning=f"the key is not one of the account {target.account!r}: mistyped, cut short, rotated, or "
        "of another account",
        fix=f"copy key1 or key2 again at {_KEYS}, whole, and compare the name of the account there",
    )


def _missing_role(target: Target) -> Diagnosis:
    if isinstance(target.credential, Identity):
        return Diagnosis(
            meaning=f"the identity is known, but has no role that lets it use the container {target.container!r}",
            fix=f"add the role assignment Storage Blob Data Contributor at {_ROLES}; it takes effect within ten "
            "minutes",
        )
    return Diagnosis(
        meaning="the signature is valid, but does not allow everything that documents need",
        fix=f"make a new one with {', '.join(NEEDED.values())} at {_SAS}",
    )
