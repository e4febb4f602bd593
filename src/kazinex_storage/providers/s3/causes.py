"""Why a bucket cannot be used, in the terms of its administrator: meaning, fix, and where to click. Pure.

``diagnose.py`` finds out which of these it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ...types import Diagnosis
from ...values import value
from ..settings import network_causes
from .target import DEFAULT_JURISDICTION, Target


@value
class Places:
    """Where to find what a fix needs in the administration of a service."""

    keys: str
    """Where access keys are made, changed and revoked."""
    buckets: str
    locks: str
    cors: str
    permission: str
    """What a key needs, in the service's own terms."""


# developers.cloudflare.com/r2: api/tokens, buckets/bucket-locks, buckets/cors (pages read 2026-08).
_R2: Final = Places(
    keys="Cloudflare dashboard, R2 object storage, Overview, Manage API tokens",
    buckets="Cloudflare dashboard, R2 object storage, Overview",
    locks="Cloudflare dashboard, R2 object storage, the bucket, Settings, Bucket lock rules",
    cors="Cloudflare dashboard, R2 object storage, the bucket, Settings, CORS Policy",
    permission="Object Read & Write",
)
# supabase.com/docs/guides/storage/s3/authentication (read 2026-08).
_SUPABASE: Final = Places(
    keys="Supabase dashboard, the project, Storage, Settings, S3 Connection, Access keys",
    buckets="Supabase dashboard, the project, Storage",
    locks="Supabase dashboard, the project, Storage, Policies",
    cors="the gateway before the service; Supabase's own allows every origin",
    permission="a server access key; for the token of a user, policies that allow select, insert, update and delete",
)
_S3: Final = Places(
    keys="the service's list of access keys (AWS console, IAM, Users, Security credentials)",
    buckets="the service's list of buckets (AWS console, S3, Buckets)",
    locks="the bucket's retention rules (AWS console, S3, the bucket, Properties, Object Lock)",
    cors="the bucket's CORS configuration (AWS console, S3, the bucket, Permissions, CORS)",
    permission="s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload",
)
KEY_IGNORED: Final = Diagnosis(
    meaning="the service stores objects without the customer key", fix="use another one, or leave it out"
)
"""A service that ignores SSE-C."""

NO_VERSIONS: Final = Diagnosis(
    meaning="the bucket keeps no versions, although the settings say so",
    fix="turn versioning on, or set versioned to false",
)
"""A bucket without versioning, or with it suspended."""

NOT_HELD: Final = Diagnosis(
    meaning="objects cannot be held",
    fix="the bucket needs Object Lock, which is switched on when it is made or by its owner, and the credentials "
    "s3:PutObjectLegalHold and s3:PutObjectRetention",
)
"""A refused hold."""

HOLD_UNREAD: Final = Diagnosis(
    meaning="the hold of an object cannot be read back, so nothing would say that it is kept",
    fix="allow the credentials s3:GetObjectLegalHold and s3:GetObjectRetention",
)
"""A hold that was taken and is not shown."""

NO_LOCK_RULES: Final = Diagnosis(
    meaning="the lock rules of the bucket cannot be set",
    fix="give an API token with the permission Workers R2 Storage: Edit for the account of the bucket",
)
"""A token that may not edit them, R2."""

_PLACES: Final[Mapping[str, Places]] = {"r2": _R2, "supabase": _SUPABASE}


def places_of(target: Target) -> Places:
    """Return where things are for the service of *target*."""
    return _PLACES.get(target.kind, _S3)


def wrong_key_id(target: Target) -> Diagnosis:
    """Explain an access key id that the service does not know."""
    whose = "this account" if target.kind == "r2" else "the service"
    return Diagnosis(
        meaning=f"the access key id is not known to {whose}: mistyped, revoked, expired, or of another account",
        fix=f"compare the access key id with the one at {places_of(target).keys}; if it is not there, make a new one "
        "and enter id and secret of the same key",
    )


def wrong_secret(target: Target) -> Diagnosis:
    """Explain a signature that does not match."""
    not_the_token = ", not the value of the token" if target.kind == "r2" else ""
    return Diagnosis(
        meaning="the access key id is known, but the secret access key does not belong to it",
        fix=f"enter the secret access key again{not_the_token}: whole, and without a blank or line break at its end, "
        f"which copying often adds; it is shown only once, so make a new key if it is lost ({places_of(target).keys})",
    )


def expired_session(target: Target) -> Diagnosis:
    """Explain a session token that has expired."""
    return Diagnosis(
        meaning="the session token has expired or does not belong to the access key",
        fix="enter new temporary credentials, all three parts of them; for lasting use make a key that does not expire "
        f"({places_of(target).keys})",
    )


def not_enabled() -> Diagnosis:
    """Explain NotEntitled (10042)."""
    return Diagnosis(
        meaning="R2 is not enabled for this Cloudflare account",
        fix=f"open {_R2.buckets} and complete the purchase of R2, which its free part needs as well; then verify again",
    )


def read_only(target: Target) -> Diagnosis:
    """Explain a key that may list but not write."""
    usual = " (a token with Object Read only does that)" if target.kind == "r2" else ""
    return Diagnosis(
        meaning=f"the key may list the bucket {target.bucket!r} but not write to it{usual}",
        fix=f"give it the permission {places_of(target).permission} on that bucket at {places_of(target).keys}",
    )


def not_allowed(target: Target, check: str) -> Diagnosis:
    """Explain a key that may write but lacks another permission."""
    what = {"delete": "delete", "read": "read", "compare": "read"}.get(check, "do everything that documents need")
    return Diagnosis(
        meaning=f"the key may use the bucket {target.bucket!r} but not {what} in it",
        fix=f"give it the permission {places_of(target).permission} at {places_of(target).keys}",
    )


def other_bucket(target: Target) -> Diagnosis:
    """Explain a key that is valid, but not for this bucket."""
    return Diagnosis(
        meaning=f"the key is valid, but not for the bucket {target.bucket!r}: it was made for other buckets, or no "
        "bucket has exactly that name",
        fix=f"compare the name, letter by letter, at {places_of(target).buckets}; then give the key that bucket "
        f"with {places_of(target).permission} at {places_of(target).keys}",
    )


def no_bucket(target: Target) -> Diagnosis:
    """Explain a bucket that does not exist."""
    anywhere = ", in none of its jurisdictions" if target.other_endpoints else ""
    return Diagnosis(
        meaning=f"there is no bucket {target.bucket!r} in this account{anywhere}",
        fix=f"compare the name at {places_of(target).buckets}: it must match letter by letter, capitals included; if "
        "it is missing, make the bucket: this library never does",
    )


def other_case(target: Target, found: str) -> Diagnosis:
    """Explain a bucket whose name differs in case."""
    return Diagnosis(
        meaning=f"there is no bucket {target.bucket!r}, but there is {found!r}: names of buckets are case-sensitive",
        fix=f"enter the name {found!r} in the settings",
    )


def other_jurisdiction(target: Target, found: Sequence[str]) -> Diagnosis:
    """Explain a bucket that is behind other endpoints of the same account."""
    named, demanded = " and ".join(found), target.jurisdiction or DEFAULT_JURISDICTION
    first = (
        "leave the jurisdiction empty" if found[0] == DEFAULT_JURISDICTION else f"set the jurisdiction to {found[0]!r}"
    )
    return Diagnosis(
        meaning=f"the bucket {target.bucket!r} is in the jurisdiction {named}, and the settings say {demanded}",
        fix=f"{first}; if its documents must stay in {demanded}, make a new bucket there instead, because the "
        "jurisdiction of a bucket is fixed when it is made"
        if target.jurisdiction
        else f"{first} in the settings",
    )


def outside(target: Target) -> Diagnosis:
    """Explain a bucket that is not in the required jurisdiction."""
    return Diagnosis(
        meaning=f"the bucket {target.bucket!r} is not in the jurisdiction {target.jurisdiction} that the settings "
        "require",
        fix=f"make a bucket in that jurisdiction at {places_of(target).buckets}, Create bucket, Specify jurisdiction; "
        "it cannot be changed afterwards",
    )


def jurisdiction_elsewhere(target: Target) -> Diagnosis:
    """Warn that another address than Cloudflare's proves no jurisdiction."""
    return Diagnosis(
        meaning=f"that the bucket is in the jurisdiction {target.jurisdiction} cannot be proved through an "
        "address other than Cloudflare's own",
        fix="leave endpoint_url out, so that account and jurisdiction determine the endpoint",
    )


def jurisdiction_unsaid(target: Target, said: str) -> Diagnosis:
    """Warn that the other endpoint answered something else; *said* is its error."""
    return Diagnosis(
        meaning=f"that the bucket is in the jurisdiction {target.jurisdiction} is not proved, because the endpoint "
        f"without a jurisdiction does not say whether it knows it: {said}",
        fix="verify again later",
    )


def other_region(target: Target, region: str) -> Diagnosis:
    """Explain a region that is not that of the bucket."""
    return Diagnosis(
        meaning=f"the service wants the region {region!r} for the bucket {target.bucket!r}, and the settings say "
        f"{target.region!r}",
        fix=f"set the region to {region!r}, and the endpoint, if one is given, to that of this region",
    )


def bucket_lock(target: Target) -> Diagnosis:
    """Explain an object that a retention rule protects."""
    return Diagnosis(
        meaning="a lock on the bucket protects what was written: documents can be stored, but neither deleted nor "
        "replaced before it ends, and the probe below .kazinex-verify remains",
        fix="nothing, if that is how documents are to be kept; otherwise change the rule, or limit it to another "
        f"prefix, at {places_of(target).locks}, and delete the probe when the lock has ended",
    )


def wrong_service_key() -> Diagnosis:
    """Explain a REST interface that refuses although the S3 endpoint does not."""
    return Diagnosis(
        meaning="the S3 keys are valid, but the service key is not accepted, so nothing can be written create-only",
        fix="enter the secret key of the same project (Supabase dashboard, Project Settings, API Keys), not the "
        "publishable or anon one",
    )


def unreachable(target: Target, code: str, message: str) -> Diagnosis:
    """Explain a service that cannot be reached; *code* is the transport's word for why."""
    r2 = target.kind == "r2"
    if r2 and code == "tls" and "alert" in message.lower() and not network_causes.is_dated(message):
        # gobackup#107, cloudflare-docs#6252: Cloudflare has no certificate for accounts that it does not know.
        host = target.endpoint_url.partition("://")[2]
        return Diagnosis(
            meaning=f"Cloudflare knows no storage account behind {host!r}, and so ends the TLS handshake",
            fix=f"compare the account id at {places_of(target).buckets}, Account Details; if the account is new, wait "
            "20 minutes",
        )
    return network_causes.unreachable(
        target.endpoint_url, code, message, mistyped="the account id" if r2 else "the endpoint"
    )
