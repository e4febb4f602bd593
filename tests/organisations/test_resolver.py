"""From an organisation to a storage: which one, opened how often, and fenced in."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.documents.store import DocumentStore
from kazinex_storage.errors import (
    AlreadyExistsError,
    ClosedError,
    FileTooLargeError,
    FileTypeRefusedError,
    InvalidKeyError,
    NotFoundError,
    RecordNotFoundError,
    SettingsError,
    StorageError,
    UnresolvedOrganisationError,
)
from kazinex_storage.keys import DocumentKey
from kazinex_storage.organisations import (
    Catalogue,
    MemoryCatalogue,
    Organisations,
    ProviderRecord,
    Reason,
    Resolver,
)
from kazinex_storage.registry import Registry
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import MIB
from kazinex_storage.verbs import AnyProvider

if TYPE_CHECKING:
    from tests.organisations.plugins.vault_provider import VaultProvider
else:
    from vault_provider import VaultProvider  # conftest.py makes it importable, as an installed plugin would be

Verified = Callable[..., ProviderRecord]


class Counting(Organisations):
    """Counts how often each provider is opened, and can be made to wait for a second opening, or to fail."""

    def __init__(self, catalogue: Catalogue, registry: Registry) -> None:
        super().__init__(catalogue, registry)
        self.opened: list[VaultProvider] = []
        self.failures: list[StorageError] = []
        self.meeting: threading.Barrier | None = None

    def open(self, record: ProviderRecord) -> AnyProvider:
        if self.failures:
            raise self.failures.pop()
        provider = super().open(record)
        if isinstance(provider, VaultProvider):
            self.opened.append(provider)
        if self.meeting is not None:
            with contextlib.suppress(threading.BrokenBarrierError):  # nobody else came, as it should be
                self.meeting.wait(timeout=0.2)
        return provider


@pytest.fixture
def counting(registry: Registry) -> Counting:
    return Counting(MemoryCatalogue(), registry)


@pytest.fixture
def organisations(counting: Counting) -> Organisations:
    return counting


@pytest.fixture
def resolver(organisations: Organisations) -> Iterator[Resolver]:
    made = Resolver(organisations)
    yield made
    made.close()


def provider_of(storage: Storage) -> AnyProvider:
    return storage.operations.context.provider


def test_the_default_is_resolved(organisations: Organisations, verified: Verified, resolver: Resolver) -> None:
    verified(label="other", bucket="other")
    verified(label="chosen", bucket="chosen")
    organisations.set_default("org-1", "chosen")

    storage = resolver.storage_for("org-1", "bridge")

    assert ("org-1/", "chosen") == (storage.prefix, getattr(provider_of(storage), "settings").bucket)  # noqa: B009
    assert ("chosen", "vault", True) == (
        resolver.chosen("org-1").label,
        resolver.chosen("org-1").kind,
        resolver.chosen("org-1").verified,
    )


def test_an_override_goes_before_the_default_in_its_project_only(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    default, override = verified(label="default"), verified(label="override")
    organisations.set_default("org-1", "default")
    organisations.set_override("org-1", "bridge", "override")

    resolved = [resolver.chosen("org-1", project).provider for project in ("bridge", "tunnel", None)]

    assert [override.id, default.id, default.id] == resolved


def test_an_override_works_without_a_default(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    record = verified()
    organisations.set_override("org-1", "bridge", "Vault")

    assert record.id == resolver.chosen("org-1", "bridge").provider
    with pytest.raises(UnresolvedOrganisationError):
        resolver.chosen("org-1", "tunnel")


def test_without_a_choice_the_error_names_the_command(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    def advice() -> str:
        with pytest.raises(UnresolvedOrganisationError) as caught:
            resolver.storage_for("org-1")
        return str(caught.value)

    none = advice()
    organisations.add_provider("org-1", "vault", "My vault", {"bucket": "b", "token": "example"})
    pending = advice()
    verified(label="Ready")
    ready = advice()

    assert "add one, verify and choose it: kazinex-storage provider add <kind> <label> --organisation org-1" in none
    assert (
        "kazinex-storage provider verify 'My vault' --organisation org-1, then kazinex-storage provider set" in pending
    )
    assert "choose one: kazinex-storage provider set-default Ready --organisation org-1" in ready


@pytest.mark.parametrize("ok", [True, False], ids=["pending", "failed"])
def test_a_default_is_used_whatever_its_status(
    organisations: Organisations, verified: Verified, resolver: Resolver, ok: bool
) -> None:
    """There is no silent fallback to another place; see rules.py."""
    record = verified()
    organisations.set_default("org-1", "Vault")
    if ok:
        organisations.update_provider("org-1", "Vault", settings={"token": "example-rotated"})
    else:
        organisations.record_verification(organisations.find("org-1", "Vault"), ok=False, error="403")

    resolved = resolver.chosen("org-1")

    assert (record.id, False) == (resolved.provider, resolved.verified)


def test_a_receipt_reaches_its_provider_whatever_the_default(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    old = verified(label="old", bucket="old")
    organisations.set_default("org-1", "old")
    resolver.storage_for("org-1").put("a", b"1")
    verified(label="new", bucket="new")
    organisations.set_default("org-1", "new")

    assert b"1" == resolver.storage_of("org-1", old.id).get_bytes("a")
    with pytest.raises(NotFoundError):
        resolver.storage_for("org-1").get_bytes("a")


def test_a_provider_is_reached_by_id_only_and_from_its_organisation_only(
    verified: Verified, resolver: Resolver
) -> None:
    record = verified("theirs")

    for organisation, reference in (("ours", record.id), ("theirs", record.label), ("theirs", "vault-gone")):
        with pytest.raises(RecordNotFoundError, match="no provider with the id"):
            resolver.storage_of(organisation, reference)


def test_all_providers_come_in_order_each_once(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    ids = {label: verified(label=label).id for label in ("first", "second", "third", "fourth")}
    organisations.set_default("org-1", "third")
    organisations.set_override("org-1", "bridge", "fourth")
    organisations.set_override("org-1", "same", "third")

    def order(project: str | None) -> list[str]:
        return [resolved.provider for resolved in resolver.in_order("org-1", project)]

    assert [ids[label] for label in ("fourth", "third", "first", "second")] == order("bridge")
    assert [ids[label] for label in ("third", "first", "second", "fourth")] == order("same") == order(None)
    assert () == resolver.in_order("nobody")
    assert 4 == len(list(resolver.storages("org-1", "bridge")))


def test_a_provider_that_does_not_open_is_listed_and_says_why_when_it_is_asked(
    organisations: Organisations, verified: Verified, resolver: Resolver, tmp_path: Path
) -> None:
    """Leaving it out would answer that its documents do not exist; raising would hide those of the others."""
    gone = organisations.add_provider("org-1", "local", "Unmounted", {"root": str(tmp_path / "missing")})
    record = verified()

    unopened, found = resolver.in_order("org-1")

    assert (gone.id, record.id) == (unopened.provider, found.provider)
    assert (False, True) == (unopened.used, found.used)
    assert isinstance(unopened.error, SettingsError)
    assert found.error is None
    storage = unopened.storage
    for ask in (
        lambda: storage.put("a", b""),
        lambda: storage.get_bytes("a"),
        lambda: storage.head("a"),
        lambda: storage.delete("a"),
        lambda: list(storage.list()),
        lambda: list(storage.list(recursive=False)),
    ):
        with pytest.raises(SettingsError, match="does not exist"):
            ask()


@given(data=st.data())
def test_no_key_whatsoever_leaves_the_organisation(registry: Registry, data: st.DataObject) -> None:
    """Both organisations use one bucket; only ours is asked for."""
    organisations = Organisations(MemoryCatalogue(), registry)
    for name in ("ours", "theirs"):
        record = organisations.add_provider(name, "vault", "Vault", {"bucket": "shared", "token": "example"})
        organisations.record_verification(record, ok=True)
        organisations.set_default(name, "Vault")
    resolver = Resolver(organisations)
    ours, theirs = resolver.storage_for("ours"), resolver.storage_for("theirs")
    theirs.put("secret", b"theirs")
    key = data.draw(
        st.text(max_size=30)
        | st.lists(st.sampled_from(["..", ".", "", "theirs", "ours", "secret", "%2e%2e", "\\"])).map("/".join)
    )

    for attempt in (
        lambda: ours.put(key, b"ours"),
        lambda: ours.get_bytes(key),
        lambda: ours.delete(key),
        lambda: list(ours.list(key, recursive=True)),
        lambda: ours.scoped(key).put("secret", b"ours"),
        lambda: ours.copy(key, "stolen"),
    ):
        try:
            attempt()
        except StorageError:
            continue

    assert b"theirs" == theirs.get_bytes("secret")
    assert ["secret"] == [found.key for found in theirs.list("", recursive=True)]
    assert all(b"ours" == ours.get_bytes(found.key) for found in ours.list("", recursive=True))
    for found in list(ours.list("", recursive=True)):
        ours.delete(found.key)
    resolver.close()


@pytest.mark.parametrize(("organisation", "project"), [("../theirs", None), ("", None), ("ours", "../x"), ("ours", "")])
def test_an_id_that_is_none_resolves_nothing(resolver: Resolver, organisation: str, project: str | None) -> None:
    with pytest.raises(InvalidKeyError):
        resolver.storage_for(organisation, project)


def test_the_policy_of_the_organisation_is_in_force(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    verified()
    organisations.set_default("org-1", "Vault")
    organisations.set_allowlist("org-1", ["pdf"])
    organisations.update_provider("org-1", "Vault", max_file_bytes=4)

    storage = resolver.storage_for("org-1")

    assert 4 == storage.put("a.pdf", b"%PDF").size
    with pytest.raises(FileTooLargeError):
        storage.put("b.pdf", b"%PDF-")
    with pytest.raises(FileTypeRefusedError):
        storage.put("plan.pdf.exe", b"")


def test_a_changed_policy_counts_from_the_next_resolution_on_without_opening_again(
    counting: Counting, verified: Verified, resolver: Resolver
) -> None:
    verified()
    counting.set_default("org-1", "Vault")
    before = resolver.storage_for("org-1")

    counting.update_provider("org-1", "Vault", max_file_bytes=2)
    counting.set_allowlist("org-1", ["txt"])
    after = resolver.storage_for("org-1")

    assert 5 == before.put("a.pdf", b"12345").size
    with pytest.raises(FileTypeRefusedError):
        after.put("b.pdf", b"1")
    assert 1 == len(counting.opened)


def test_a_limit_above_a_ceiling_that_sank_does_not_stop_reads(
    organisations: Organisations, resolver: Resolver
) -> None:
    """The catalogue was filled by a release, or a provider, that allowed more."""
    record = organisations.add_provider("org-1", "r2", "R2", {"bucket": "b", "token": "example"})
    organisations.catalogue.replace_provider(
        ProviderRecord(
            id=record.id,
            organisation="org-1",
            kind="r2",
            label="R2",
            settings=record.settings,
            max_file_bytes=2**62,
            created_at=record.created_at,
            version=record.version,
        )
    )

    policy = resolver.storage_of("org-1", record.id).policy

    assert policy is not None
    assert policy.ceiling == policy.max_file_bytes == 5 * 1024 * 1024 * MIB


def test_a_provider_is_opened_once_and_reused(counting: Counting, verified: Verified, resolver: Resolver) -> None:
    record = verified()
    counting.set_default("org-1", "Vault")

    storages = [resolver.storage_for("org-1", "bridge"), resolver.storage_of("org-1", record.id)]
    storages += resolver.storages("org-1")
    counting.record_verification(counting.find("org-1", "Vault"), ok=True)
    counting.update_provider("org-1", "Vault", label="Main")
    storages.append(resolver.storage_for("org-1"))

    assert 1 == len(counting.opened)
    assert {id(counting.opened[0])} == {id(provider_of(storage)) for storage in storages}


def test_many_threads_open_a_provider_once(counting: Counting, verified: Verified, resolver: Resolver) -> None:
    verified()
    counting.set_default("org-1", "Vault")
    counting.meeting = threading.Barrier(2)
    start = threading.Barrier(16)

    def resolve(_: int) -> AnyProvider:
        start.wait()
        return provider_of(resolver.storage_for("org-1"))

    with ThreadPoolExecutor(16) as pool:
        providers = list(pool.map(resolve, range(16)))

    assert 1 == len({id(provider) for provider in providers}) == len(counting.opened)


def test_new_settings_are_opened_for_the_next_caller_and_the_old_storage_works_on(
    counting: Counting, verified: Verified, resolver: Resolver
) -> None:
    verified(bucket="old")
    counting.set_default("org-1", "Vault")
    old = resolver.storage_for("org-1")
    old.put("a", b"1")

    counting.update_provider("org-1", "Vault", settings={"bucket": "new"})
    new = resolver.storage_for("org-1")

    assert ["old", "new"] == [provider.settings.bucket for provider in counting.opened]
    assert not new.exists("a")
    assert b"1" == old.get_bytes("a")
    assert not counting.opened[0].closed


def test_a_replaced_provider_goes_with_the_last_storage_that_uses_it(
    counting: Counting, verified: Verified, resolver: Resolver
) -> None:
    verified(bucket="old")
    counting.set_default("org-1", "Vault")
    view = resolver.storage_for("org-1").scoped("folder")
    replaced = weakref.ref(counting.opened.pop())
    counting.update_provider("org-1", "Vault", settings={"bucket": "new"})
    resolver.storage_for("org-1")
    gc.collect()
    assert replaced() is not None

    del view
    gc.collect()

    assert replaced() is None


def test_only_so_many_providers_are_kept_open(counting: Counting, verified: Verified) -> None:
    resolver = Resolver(counting, capacity=2)
    ids = [verified(label=label, bucket=label).id for label in ("a", "b", "c")]

    for index in (0, 1, 0, 2, 0, 1):
        resolver.storage_of("org-1", ids[index])

    assert ["a", "b", "c", "b"] == [provider.settings.bucket for provider in counting.opened]
    resolver.close()


def test_a_capacity_of_nothing_is_refused(organisations: Organisations) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Resolver(organisations, capacity=0)


def test_a_provider_that_did_not_open_is_tried_again(
    counting: Counting, verified: Verified, resolver: Resolver
) -> None:
    verified()
    counting.set_default("org-1", "Vault")
    counting.failures.append(SettingsError("not now"))

    with pytest.raises(SettingsError, match="not now"):
        resolver.storage_for("org-1")

    assert resolver.storage_for("org-1").put("a", b"1").size == 1


def test_closing_what_was_handed_out_closes_nothing_else(
    counting: Counting, verified: Verified, resolver: Resolver
) -> None:
    verified()
    counting.set_default("org-1", "Vault")

    with resolver.storage_for("org-1") as storage:
        storage.put("a", b"1")

    assert b"1" == resolver.storage_for("org-1").get_bytes("a")
    assert not counting.opened[0].closed


def test_closing_the_resolver_closes_the_providers_and_what_was_handed_out(
    counting: Counting, verified: Verified, resolver: Resolver
) -> None:
    verified()
    counting.set_default("org-1", "Vault")
    storage = resolver.storage_for("org-1")

    resolver.close()
    resolver.close()

    assert counting.opened[0].closed
    with pytest.raises(ClosedError):
        storage.get_bytes("a")
    with pytest.raises(ClosedError, match="the resolver was closed"):
        resolver.storage_for("org-1")


def test_the_hook_is_called_for_every_resolution(organisations: Organisations, verified: Verified) -> None:
    told: list[tuple[str, str | None, str, Reason]] = []
    resolver = Resolver(organisations, on_resolve=lambda *event: told.append(event))
    first, second = verified(label="one").id, verified(label="two").id
    organisations.set_default("org-1", "one")
    organisations.set_override("org-1", "bridge", "two")

    resolver.storage_for("org-1")
    resolver.storage_for("org-1", "bridge")
    resolver.storage_of("org-1", first)
    resolver.in_order("org-1")

    assert [
        ("org-1", None, first, Reason.DEFAULT),
        ("org-1", "bridge", second, Reason.OVERRIDE),
        ("org-1", None, first, Reason.RECEIPT),
        ("org-1", None, first, Reason.DEFAULT),
        ("org-1", None, second, Reason.SEARCH),
    ] == told
    resolver.close()


def test_documents_follow_the_choice_and_stay_readable(
    organisations: Organisations, verified: Verified, resolver: Resolver
) -> None:
    """The journey of documents.py over real organisations: default, change of default, override, write-once."""
    verified(label="old", bucket="journey-old")
    organisations.set_default("org-1", "old")
    documents = DocumentStore(resolver)
    first = documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf"), b"%PDF-1")

    verified(label="new", bucket="journey-new")
    organisations.set_default("org-1", "new")
    second = documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P02", "plan.pdf"), b"%PDF-2")

    assert first.provider != second.provider
    assert b"%PDF-1" == documents.open(first).read() == documents.open(first.document).read()
    assert ["P01", "P02"] == [found.document.revision for found in documents.revisions(second.document)]
    with pytest.raises(AlreadyExistsError):
        documents.upload(first.document, b"%PDF-other")
    documents.remove(first)
    documents.remove(second)


FORKER = """
import os, sys, threading
from kazinex_storage.organisations import Resolver, open_organisations

home, root = sys.argv[1:]
organisations = open_organisations({"KAZINEX_STORAGE_HOME": home})
record = organisations.add_provider("org-1", "local", "Disk", {"root": root})
organisations.record_verification(record, ok=True)
organisations.set_default("org-1", "Disk")
resolver = Resolver(organisations)
before = resolver.storage_for("org-1")
before.put("parent", b"1")
resolver._opened._lock.acquire()  # as another thread might have at the moment of the fork
child = os.fork()
if child == 0:
    after = resolver.storage_for("org-1")
    after.put("child", after.get_bytes("parent") + b"2")
    same = after.operations.context.provider is before.operations.context.provider
    resolver.close()
    os._exit(0 if same else 1)
_, status = os.waitpid(child, 0)
resolver._opened._lock.release()
print(status, before.get_bytes("child"), resolver.storage_for("org-1").get_bytes("parent"))
resolver.close()
organisations.close()
"""


def test_a_resolver_works_on_both_sides_of_a_fork(tmp_path: Path) -> None:
    """The child goes on with what is open; closing there closes nothing of the parent's."""
    (tmp_path / "root").mkdir()
    command = [sys.executable, "-c", FORKER, str(tmp_path / "home"), str(tmp_path / "root")]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert ("0 b'12' b'1'\n", "") == (done.stdout, done.stderr)
