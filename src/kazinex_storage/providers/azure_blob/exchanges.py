"""The provider for a container: the verbs as exchanges, which ``Storage`` runs.

Most are those of ``objects.py`` (single blobs), ``blocks.py`` (writes in blocks), ``uploads.py`` and ``copying.py``;
``requests.py`` encodes the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from ...bodies.source import Source
from ...capabilities import Capability
from ...errors import NotFoundError, StorageError
from ...keys import MAX_KEY_BYTES, ObjectKey
from ...public_access import PublicAccess
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport import Exchange, TransportSettings
from ...types import (
    WHOLE,
    ByteRange,
    Diagnosis,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutOptions,
    Sink,
)
from ...unkeyed import MARKED
from ..objectstore.conditional import unless
from ..objectstore.listed_pages import Listings
from ..objectstore.public_urls import public_url_of
from ..settings.bearer import Bearer
from ..settings.entra import Tokens
from ..settings.place import keeping_deleted, keeping_objects, with_customer_key
from .answers import parse_page
from .batch import delete_many
from .blocks import Blocks
from .copying import Copying
from .delegation import delegate
from .errors import AZURE
from .label_headers import TIERS
from .labels import set_storage_class, set_tags, tags_of
from .names import codec_of
from .objects import SINGLE_PUT_BYTES, Objects
from .presign import presign
from .requests import Requests
from .sas import Signing
from .target import PART_RULE, AccountKey, Identity, SasToken, Target
from .uploads import PartUploads

if TYPE_CHECKING:
    from ...retention import Protection, Retention
    from ...transport.addresses import PublicAddresses
    from .immutability import Immutability

_MISSING = {
    Capability.SERVER_MOVE: "Azure Blob Storage moves nothing: a move is a copy and then a delete",
    Capability.POST_POLICY: "Azure takes no forms; sign a PUT",
}
"""Why what no container can do is not there, and what to do about it."""

_OF_VERSIONS = frozenset({Capability.VERSIONS, Capability.UNDELETE})
"""What a container has whose account keeps versions."""

_NO_VERSIONS = {
    Capability.VERSIONS: "turn on blob versioning for the account, and set versioned in the settings",
    Capability.UNDELETE: "turn on blob versioning for the account and set versioned, or set keep_deleted_days",
}
"""What a container lacks whose account keeps none."""

_CAPABILITIES = frozenset(
    {
        Capability.METADATA,
        Capability.CHECKSUM,
        Capability.CREATE_ONLY,
        Capability.CONDITIONAL,
        Capability.SERVER_COPY,
        Capability.BULK_DELETE,
        Capability.PARTS,
        Capability.STREAMED_WRITES,
        Capability.CONDITIONAL_READ,
        Capability.RESUMED_LISTING,
        Capability.TAGS,
        Capability.STORAGE_CLASS,
    }
)
_NO_PUBLIC_URL = "set public_base_url to the address under which the container, or a CDN before it, is public"
_CANNOT_SIGN = "a shared access signature cannot sign others; give the account key, or an identity of Microsoft Entra"

_MAKE_PRIVATE = (
    "Azure portal, the storage account, Containers, the container, Change access level: Private; and in the account, "
    "Settings, Configuration: Allow Blob anonymous access disabled"
)

# As for S3: a real service is 20 ms away.
CONCURRENCY = 64
"""How many requests at once pay off in bulk work."""


@not_pickled(SEND_A_FILE_SYSTEM)
class AzureBlobProvider:
    """One container, or the part of it below the prefix of the settings. Thread-safe and fork-safe."""

    offers_exchanges: Literal[True] = True
    addresses: PublicAddresses | None = None

    def __init__(self, target: Target) -> None:
        """Use *target*; nothing is sent before the first call."""
        self.info = _info(target)
        """What it can do."""
        self.target = target
        """The container."""
        self.ca_file = target.ca_file
        """Whose certificates are trusted; None: what the transport trusts."""
        self.codec = codec_of(target.prefix)
        """Keys to names of the service, and back."""
        self._signing = signing_of(target)
        self.objects = objects = Objects(Requests(target, self._signing, self.codec))
        """Single blobs."""
        self._named = named = Objects(Requests(target, self._signing))  # by names of the service, for what no key names
        self.blocks = Blocks(objects)
        """Writes in blocks."""
        self.put_stream = self.blocks.put_stream
        self.get, self.head, self.delete, self.copy = objects.get, objects.head, objects.delete, Copying(objects).copy
        self.read = objects.read
        self.delete_many, self.delete_unkeyed = partial(delete_many, objects), partial(delete_many, named)
        self.unkeyed_prefix = self.codec.name_prefix
        listings = Listings(AZURE, objects.requests.list, parse_page, self.codec, target.location)
        self.scan, self.children, self.list_page = listings.scan, listings.children, listings.list_page
        uploads = PartUploads(objects, self.blocks)
        self.begin_upload, self.put_part, self.list_parts = uploads.begin_upload, uploads.put_part, uploads.list_parts
        self.complete_upload, self.find_upload = uploads.complete_upload, uploads.find_upload
        self.abort_upload, self.pending_uploads = uploads.abort_upload, uploads.pending_uploads
        if target.versioned:
            from .versions import Versions

            Versions(objects).lend(self)

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB, else one for each block and one or two more."""
        if source.size <= SINGLE_PUT_BYTES:
            return self.objects.write(key, source, options)
        return self.blocks.upload(key, source, options)

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Read unless it is that version; one request, two when the span counts from the end or begins after it."""
        return unless(self.objects.get(key, span, sink, None), if_none_match, key)

    def tags(self, key: ObjectKey) -> Exchange[dict[str, str]]:
        """Return the tags; one request."""
        return tags_of(self.objects, key)

    def set_tags(self, key: ObjectKey, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags; one request."""
        return set_tags(self.objects, key, tags)

    def set_storage_class(self, key: ObjectKey, storage_class: str) -> Exchange[ObjectInfo]:
        """Give the blob another tier; two requests."""
        return set_storage_class(self.objects, key, storage_class)

    def public_url(self, key: ObjectKey) -> str:
        """Return the URL below the public host of the settings."""
        return public_url_of(self.target.public_base_url or "", self.codec.name_of(key))

    def check_key(self, key: ObjectKey) -> None:
        """Refuse a key whose name the service cannot hold."""
        self.codec.name_of(key)

    def get_unkeyed(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Read by the name of the service; one request."""
        return self._named.get(name, WHOLE, sink, None)

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:
        """Remove the directory *key*, if it is one and is empty; two requests, one if there is none."""
        try:
            yield from self.objects.head(key)
        except NotFoundError as error:
            if error.code == MARKED:
                yield from self.objects.delete(key)

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a request; none is sent, unless a user delegation key has to be renewed."""
        signer = yield from self._signing.key(options.expires_in)
        return presign(self.objects.requests, signer, key, options)

    def protection(self, key: ObjectKey) -> Exchange[Protection]:
        """Return what the service says that keeps the blob; one request."""
        return self._immutability.protection(key)

    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> Exchange[None]:  # noqa: ARG002
        """Set the policy of the version that is there; one request. Permission to end one is that to set it."""
        return self._immutability.retain(key, retention)

    def hold(self, key: ObjectKey, held: bool) -> Exchange[None]:
        """Begin or end a hold of the version that is there; one request."""
        return self._immutability.hold(key, held)

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:  # noqa: ARG002  # all alike
        """Explain what *check* met; one request at most."""
        from .diagnose import diagnose  # only verify pays for the words

        return diagnose(self.objects, error)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return what else ``verify`` has to check: CORS where browsers upload, residency where it is required,
        versions and immutability where they are used.
        """
        from .checks import cors, residency  # as above

        wanted = {"cors": (cors, self.target.browser_origin), "residency": (residency, self.target.residency)}
        found: dict[str, Callable[[], Exchange[Diagnosis | None]]] = {
            name: partial(check, self.objects) for name, (check, field) in wanted.items() if field is not None
        }
        if self.target.customer_key is not None:
            from .checks import customer_key

            found["customer key"] = partial(customer_key, self.objects)
        if self.target.versioned:
            from .versions import versioning

            found["versions"] = partial(versioning, self.objects)
        return {**found, "immutability": self._immutability.check} if self.target.immutability else found

    def use_settings(self, settings: TransportSettings) -> None:
        """Ask for tokens with *settings*."""
        if isinstance(self.target.credential, Identity) and isinstance(self.target.credential.tokens, Tokens):
            self.target.credential.tokens.use_settings(settings)
        residence = self.target.residency
        if residence is not None and isinstance(residence.tokens, Tokens):
            residence.tokens.use_settings(settings)

    def state_secret(self) -> bytes | None:
        """Return the account key, the signature that was given, or the secret or key of the app."""
        credential = self.target.credential
        if isinstance(credential, AccountKey):
            return credential.key.encode()
        if isinstance(credential, SasToken):
            return credential.token.encode() if credential.source is None else None
        proof = credential.app and (credential.app.secret or credential.app.private_key)
        return proof.encode() if proof else None  # the identity of a machine has no lasting secret

    def public_access(self, key: ObjectKey) -> PublicAccess | None:
        """Return where anyone could read the blob, if the container were public."""
        url = self.objects.requests.url(key)
        return PublicAccess(url=url, fix=_MAKE_PRIVATE)

    @property
    def _immutability(self) -> Immutability:
        from .immutability import Immutability

        return Immutability(self.objects)

    def close(self) -> None:
        """Do nothing: the connections belong to the storage."""


def _info(target: Target) -> ProviderInfo:
    capabilities, missing = set(_CAPABILITIES), dict(_MISSING)
    if target.versioned:
        capabilities |= _OF_VERSIONS
    if target.signs:
        capabilities.add(Capability.PRESIGN)
    else:
        missing[Capability.PRESIGN] = _CANNOT_SIGN
    if target.public_base_url is not None:
        capabilities.add(Capability.PUBLIC_URL)
    else:
        missing[Capability.PUBLIC_URL] = _NO_PUBLIC_URL
    info = ProviderInfo(
        kind="azure_blob",
        location=target.location,
        place=target.place,
        capabilities=frozenset(capabilities),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=PART_RULE,
        staged_parts=True,
        concurrency=CONCURRENCY,
        missing=missing,
        storage_classes=TIERS,
        classes_in_place=True,
        remote=True,
        proves_puts=True,
    )
    info = with_customer_key(info, target.customer_key is not None, lost=(Capability.SERVER_COPY,))
    info = keeping_objects(info, target.immutability)
    return info if target.versioned else keeping_deleted(info, target.keep_deleted_days, _NO_VERSIONS)


def signing_of(target: Target) -> Signing:
    """Return what authorises the requests for *target*."""
    if not isinstance(target.credential, Identity):
        return Signing(target)
    return Signing(target, partial(delegate, target.endpoint_url, Bearer(target.credential.tokens)))
