"""The public interface as an integrator's type checker sees it: mypy reads this file, nobody runs it.

Each ``assert_type`` is a promise: a change of it breaks somebody's strict build and belongs in the changelog.
"""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, assert_type

from kazinex_storage import (
    AsyncDocumentStore,
    AsyncStorage,
    BulkError,
    ByteRange,
    ByteStream,
    Capability,
    Check,
    Checksum,
    DocumentKey,
    DocumentStore,
    FileTooLargeError,
    Folder,
    NotFoundError,
    ObjectInfo,
    ObjectKey,
    Organisations,
    Outcome,
    PendingUpload,
    PolicyError,
    Prefix,
    PresignedUrl,
    ProviderInfo,
    ProviderKind,
    PutMode,
    PutOptions,
    Registry,
    Resolver,
    Revisions,
    Source,
    Storage,
    StorageError,
    StorageProvider,
    StoredDocument,
    SweepReport,
    Transport,
    UploadPolicy,
    UploadState,
    Verdict,
    VerificationReport,
    default_registry,
    is_revision,
    open_organisations,
    sweep,
    verify,
    verify_async,
)
from kazinex_storage.contract import BulkDeleter, Diagnoser, PartUploader, Presigner, ServerCopier, Sweeper
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.storage.files import ObjectWriter
from kazinex_storage.types import PresignOptions, Sink


def the_built_in_providers_fulfil_the_contract() -> None:
    local: StorageProvider = LocalProvider(LocalSettings(root=Path("documents")))
    memory: StorageProvider = MemoryProvider(MemorySettings(name="shared"))
    copier: ServerCopier = LocalProvider(LocalSettings(root=Path("documents")))
    deleter: BulkDeleter = MemoryProvider()
    uploader: PartUploader = MemoryProvider()
    sweeper: Sweeper = LocalProvider(LocalSettings(root=Path("documents")))
    assert_type(local.info, ProviderInfo)
    assert_type(memory.info.can(Capability.CREATE_ONLY), bool)
    assert_type(copier.copy(ObjectKey("a"), ObjectKey("b"), PutMode.CREATE), ObjectInfo)
    assert_type(deleter.delete_many([ObjectKey("a")]), Sequence[StorageError | None])
    assert_type(uploader.pending_uploads(Prefix()), Sequence[PendingUpload])
    assert_type(sweeper.sweep(Prefix("org-1/"), dry_run=True), int)


def optional_abilities_are_found_by_isinstance(provider: StorageProvider) -> None:
    if isinstance(provider, Presigner):
        url = provider.presign(ObjectKey("a"), PresignOptions(expires_in=timedelta(minutes=1)))
        assert_type(url, PresignedUrl)
    if isinstance(provider, Diagnoser):
        provider.diagnose(NotFoundError("gone"), "read")


def a_storage_takes_every_kind_of_body(storage: Storage, file: BinaryIO, chunks: Iterator[bytes]) -> None:
    assert_type(storage.put("a", b"bytes"), ObjectInfo)
    storage.put("a", bytearray(b"bytes"))
    storage.put("a", memoryview(b"bytes"))
    storage.put("a", Path("plan.pdf"))
    storage.put("a", file)
    storage.put("a", io.BytesIO(b"bytes"))
    storage.put("a", chunks)
    storage.put("a", [b"one", b"two"])
    storage.put("a", Source.of(b"bytes", sha256="00" * 32))
    storage.put("a", b"", PutOptions(mode=PutMode.CREATE, metadata={"author": "A"}), sha256="00" * 32)
    storage.put("a", b"", on_progress=lambda done, total: done)
    storage.put("a", "text")  # type: ignore[arg-type]  # a str is neither bytes nor a path
    storage.put("a", b"", PutMode.CREATE)  # type: ignore[arg-type]  # options, not a mode


def a_storage_reads(storage: Storage) -> None:
    assert_type(storage.get_bytes("a"), bytes)
    assert_type(storage.get_bytes("a", ByteRange(start=-4), if_match="etag"), bytes)
    assert_type(storage.read_ranges("a", [ByteRange(end=4)]), list[bytes])
    assert_type(storage.download("a", "plan.pdf"), ObjectInfo)
    assert_type(storage.exists("a"), bool)
    with storage.stream("a") as stream:
        assert_type(stream, ByteStream)
        assert_type(stream.info, ObjectInfo)
        for chunk in stream:
            assert_type(chunk, bytes)
    assert_type(storage.open("a"), io.BufferedReader | ObjectWriter)


def a_storage_tells_of_objects(storage: Storage) -> None:
    info = storage.head("a")
    assert_type(info.size, int)
    assert_type(info.etag, str | None)
    assert_type(info.last_modified, datetime | None)
    assert_type(info.metadata, Mapping[str, str])
    assert_type(info.checksum, Checksum | None)
    assert_type(info.sha256, str | None)
    info.size = 4  # type: ignore[misc]  # values are frozen


def listings_are_typed_by_what_they_hold(storage: Storage, recursive: bool) -> None:
    assert_type(storage.list(), Iterator[ObjectInfo])
    assert_type(storage.list("plans/", recursive=True), Iterator[ObjectInfo])
    assert_type(storage.list("plans/", recursive=False), Iterator[ObjectInfo | Folder])
    assert_type(storage.list("plans/", recursive=recursive), Iterator[ObjectInfo | Folder])


def bulk_work_reports_each_item(storage: Storage) -> None:
    try:
        assert_type(storage.put_many([("a", b"1"), ("b", Path("plan.pdf"))]), list[ObjectInfo])
        storage.delete_many(["a", "b"])
    except BulkError as error:
        assert_type(error.failures, tuple[Exception, ...])
    for key, outcome in storage.get_many(["a", "b"]):
        assert_type(key, str)
        assert_type(outcome, Outcome[bytes])
        assert_type(outcome.result(), bytes)


def views_are_storages(storage: Storage) -> None:
    assert_type(storage.scoped("org-1"), Storage)
    assert_type(storage.with_policy(None).policy, UploadPolicy | None)
    assert_type(storage.prefix, Prefix)
    assert_type(storage.transport, Transport)
    with Storage(MemoryProvider(), prefix="org-1", transport=Transport(threads=4), write_once=is_revision) as own:
        assert_type(own, Storage)


def urls_are_signed(storage: Storage) -> None:
    url = storage.presign(
        "a", PresignOptions(method="PUT", expires_in=timedelta(minutes=5), content_type="application/pdf", size=4)
    )
    assert_type(url, PresignedUrl)
    assert_type(url.headers, Mapping[str, str])
    assert_type(url.expires_at, datetime)
    assert_type(url.bound, frozenset[str])
    assert_type(storage.confirm("a", PresignOptions(method="PUT", size=4), write_token=url.write_token), ObjectInfo)


def uploads_are_resumed_and_swept(storage: Storage) -> None:
    state = storage.begin_upload("a", 4, PutOptions(mode=PutMode.CREATE), sha256="00" * 32)
    assert_type(UploadState.from_json(state.to_json()), UploadState)
    assert_type(storage.resume_upload(state, Path("plan.pdf"), on_progress=lambda done, total: done), ObjectInfo)
    for upload in storage.pending_uploads("folder/", older_than=timedelta(hours=1)):
        assert_type(upload, PendingUpload)
        assert_type(upload.begun_at, datetime | None)
        storage.abort_upload(upload)
    storage.abort_upload(state)
    report = sweep(storage, older_than=timedelta(days=1), dry_run=False)
    assert_type(report, SweepReport)
    assert_type(report.failures, tuple[StorageError, ...])


async def an_asynchronous_storage_says_the_same(storage: AsyncStorage, chunks: AsyncIterator[bytes]) -> None:
    assert_type(await storage.put("a", chunks), ObjectInfo)
    assert_type(await storage.get_bytes("a"), bytes)
    assert_type(await storage.resume_upload(await storage.begin_upload("a", 4), b"1234"), ObjectInfo)
    assert_type(await storage.pending_uploads(), list[PendingUpload])
    assert_type(storage.stream("a"), AsyncGenerator[bytes, None])
    assert_type(storage.list(), AsyncIterator[ObjectInfo])
    assert_type(storage.list(recursive=False), AsyncIterator[ObjectInfo | Folder])
    async for key, outcome in storage.get_many(["a"]):
        assert_type((key, outcome), tuple[str, Outcome[bytes]])
    async with AsyncStorage(Storage(MemoryProvider())) as own:
        assert_type(own, AsyncStorage)
        assert_type(await verify_async(own), VerificationReport)


def documents_are_stored_once_and_found_again(documents: DocumentStore, document: DocumentKey) -> None:
    receipt = documents.upload(document, Path("plan.pdf"), content_type="application/pdf")
    assert_type(receipt, StoredDocument)
    assert_type(receipt.to_dict(), dict[str, object])
    assert_type(StoredDocument.from_dict(receipt.to_dict()), StoredDocument)
    assert_type(documents.find(document), StoredDocument)
    assert_type(documents.open(receipt), io.BufferedReader)
    assert_type(documents.open(document), io.BufferedReader)
    assert_type(documents.stream(receipt), Iterator[bytes])
    assert_type(documents.download(receipt, "plan.pdf"), ObjectInfo)
    assert_type(documents.revisions(document), Revisions)
    documents.remove(receipt)
    documents.upload("org/project/document/revision/file", b"")  # type: ignore[arg-type]  # a key, not text


async def documents_have_an_asynchronous_face(documents: DocumentStore, document: DocumentKey) -> None:
    asynchronous = AsyncDocumentStore(documents)
    assert_type(await asynchronous.upload(document, b"%PDF"), StoredDocument)
    assert_type(asynchronous.stream(document), AsyncGenerator[bytes, None])


def keys_are_text_that_was_validated(document: DocumentKey) -> None:
    text: str = ObjectKey("plans/a.pdf")
    assert_type(ObjectKey(text).parent, Prefix)
    assert_type(document.build(), ObjectKey)
    assert_type(DocumentKey.parse(text), DocumentKey)
    document.revision = "P02"  # type: ignore[misc]  # values are frozen


def policies_decide(policy: UploadPolicy) -> None:
    verdict = policy.decide("plan.pdf", 4)
    assert_type(verdict, Verdict)
    assert_type(verdict.error, PolicyError | None)
    assert_type(UploadPolicy.make(kind="local", ceiling=10, extensions=["pdf"]), UploadPolicy)


def errors_are_both_ours_and_the_standard_library_s(storage: Storage) -> None:
    try:
        storage.head("a")
    except FileNotFoundError as error:
        assert_type(error.errno, int | None)
    try:
        storage.put("a", b"")
    except FileTooLargeError as error:
        assert_type(error.retryable, bool)
        assert_type(error.retry_after_s, float | None)
        takes_a_value_error(error)


def takes_a_value_error(error: ValueError) -> None:
    """Errors of bad input are ValueErrors too."""


def verification_reports(storage: Storage) -> None:
    report = verify(storage, timeout_s=5.0)
    assert_type(report.ok, bool)
    assert_type(report.checks, tuple[Check, ...])
    assert_type(report.failure, str | None)


def organisations_resolve(registry: Registry) -> None:
    assert_type(default_registry().get("local"), ProviderKind)
    organisations = open_organisations(registry=registry)
    assert_type(organisations, Organisations)
    resolver = Resolver(organisations)
    assert_type(resolver.storage_for("org-1"), Storage)
    assert_type(resolver.storage_for("org-1", "bridge"), Storage)
    assert_type(DocumentStore(resolver), DocumentStore)


class ThirdPartyProvider:
    """The least that a provider is; the type checker proves it."""

    def __init__(self, inner: StorageProvider) -> None:
        self._inner = inner

    @property
    def info(self) -> ProviderInfo:
        return self._inner.info

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        return self._inner.put(key, source, options)

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        return self._inner.get(key, span, sink, if_match)

    def head(self, key: ObjectKey) -> ObjectInfo:
        return self._inner.head(key)

    def delete(self, key: ObjectKey) -> None:
        self._inner.delete(key)

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        return self._inner.scan(prefix)

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        return self._inner.children(prefix)

    def close(self) -> None:
        self._inner.close()


def a_third_party_needs_no_base_class() -> Storage:
    return Storage(ThirdPartyProvider(MemoryProvider()))
