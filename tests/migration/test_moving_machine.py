"""Whatever is moved, undone, pruned and removed in whatever order: every receipt reads, and what is removed is gone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kazinex_storage import DocumentKey, DocumentStore, IntegrityState, NotFoundError, Resolver, StoredDocument
from kazinex_storage.errors import SettingsError
from kazinex_storage.migration.cutting_over import cut_over
from kazinex_storage.migration.journal import RunState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.mirroring import mirror
from kazinex_storage.migration.prune_values import PruneOptions
from kazinex_storage.migration.pruning import prune
from kazinex_storage.migration.rolling_back import roll_back
from kazinex_storage.organisations import MemoryCatalogue, Organisations

ACME = "acme"
ANY = st.integers(min_value=0, max_value=30)


@dataclass
class Kept:
    """What the model knows of a document."""

    key: DocumentKey
    body: bytes
    receipts: list[StoredDocument] = field(default_factory=list)
    removed: bool = False

    @property
    def name(self) -> str:
        return self.key.build().removeprefix(f"{ACME}/")


class Moving(RuleBasedStateMachine):
    """An organisation that moves from one store in memory to another, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)
        for label in ("one", "two"):
            name = f"moving-{label}-{token_hex(8)}"
            record = self.organisations.add_provider(ACME, "memory", label, {"name": name})
            self.organisations.record_verification(record, ok=True)
        self.organisations.set_default(ACME, "one")
        self.kept: list[Kept] = []

    def teardown(self) -> None:
        self.resolver.close()
        self.organisations.close()

    def migration(self, *, back: bool = False) -> Migration:
        ends = ("two", "one") if back else ("one", "two")
        return Migration(self.resolver, ACME, *ends)

    def one_of(self, number: int, *, removed: bool) -> Kept | None:
        found = [kept for kept in self.kept if kept.removed is removed]
        return found[number % len(found)] if found else None

    @rule()
    def upload(self) -> None:
        number = len(self.kept)
        kept = Kept(DocumentKey(ACME, "bridge", f"D-{number}", "P01", "plän.pdf"), f"%PDF drawing {number}".encode())
        self.kept.append(kept)
        kept.receipts.append(self.documents.upload(kept.key, kept.body))

    @rule(number=ANY)
    def upload_again(self, number: int) -> None:
        """Only what was removed takes its bytes again; its receipts of before may name another version."""
        kept = self.one_of(number, removed=True)
        if kept is not None:
            kept.receipts, kept.removed = [self.documents.upload(kept.key, kept.body)], False

    @rule(number=ANY)
    def find(self, number: int) -> None:
        kept = self.one_of(number, removed=False)
        if kept is not None:
            kept.receipts.append(self.documents.find(kept.key))

    @rule(number=ANY, receipt=ANY, by_key=st.booleans())
    def remove(self, number: int, receipt: int, by_key: bool) -> None:
        kept = self.one_of(number, removed=False)
        if kept is not None:
            self.documents.remove(kept.key if by_key else kept.receipts[receipt % len(kept.receipts)])
            kept.removed = True

    @rule()
    def copy(self) -> None:
        migration = self.migration()
        run = migration.run
        migration.plan()  # for what has come since an earlier one
        assert migration.copy().complete
        if run is None or run.state not in (RunState.CUT_OVER, RunState.ROLLED_BACK):
            self.check_that_it_is_all_on("two")

    @rule()
    def mirror(self) -> None:
        with suppress(SettingsError):  # it was cut over
            assert mirror(self.migration()).complete
            self.check_that_it_is_all_on("two")

    def check_that_it_is_all_on(self, label: str) -> None:
        storage = self.resolver.by_id(ACME, self.organisations.find(ACME, label).id).storage
        assert [] == [kept.name for kept in self.kept if not kept.removed and not storage.exists(kept.name)]

    @rule(number=ANY)
    def be_killed(self, number: int) -> None:
        """Plan, and put one object on the target that nobody records."""
        migration = self.migration()
        migration.plan()
        kept, target = self.one_of(number, removed=False), migration.target.storage
        if kept is not None and not target.exists(kept.name):
            target.put(kept.name, kept.body)

    @rule()
    def cut_over(self) -> None:
        with suppress(SettingsError):
            cut_over(self.migration())

    @rule(copy_back=st.booleans())
    def roll_back(self, copy_back: bool) -> None:
        with suppress(SettingsError):
            roll_back(self.migration(), copy_back=copy_back)

    @rule(carefully=st.booleans())
    def prune(self, carefully: bool) -> None:
        with suppress(SettingsError):
            prune(self.migration(), True, PruneOptions(verify="full" if carefully else "version", allow_chosen=True))

    @invariant()
    def every_receipt_reads_the_bytes_of_the_upload(self) -> None:
        for kept in self.kept:
            for receipt in () if kept.removed else kept.receipts:
                assert kept.body == self.documents.get_bytes(receipt)
                assert IntegrityState.INTACT is self.documents.check(receipt)

    @invariant()
    def what_is_removed_is_nowhere(self) -> None:
        for kept in self.kept:
            if not kept.removed:
                continue
            for receipt in kept.receipts:
                with pytest.raises(NotFoundError):
                    self.documents.get_bytes(receipt)
            with pytest.raises(NotFoundError):
                self.documents.find(kept.key)

    @invariant()
    def usage_is_what_is_stored(self) -> None:
        stored = [kept for kept in self.kept if not kept.removed]
        usage = self.organisations.usage(ACME).usage
        assert (len(stored), sum(len(kept.body) for kept in stored)) == (
            sum(used.objects for used in usage),
            sum(used.bytes for used in usage),
        )


Moving.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
test_whatever_is_moved_every_receipt_reads_and_what_is_removed_is_gone = Moving.TestCase
