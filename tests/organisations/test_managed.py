"""Providers of the platform: there from the beginning, chosen like others, changed by nobody (issue 21, item 7)."""

from __future__ import annotations

import json
import pickle
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage import (
    ENTERPRISE,
    STANDARD,
    AccessDeniedError,
    DocumentKey,
    DocumentStore,
    FileTooLargeError,
    FileTypeRefusedError,
    ManagedProvider,
    Plan,
    RecordConflictError,
    SettingsError,
    UnresolvedOrganisationError,
    open_organisations,
    verify_managed,
    verify_provider,
)
from kazinex_storage.errors import AuthenticationError
from kazinex_storage.organisations import (
    TENANT_CHOICES,
    Catalogue,
    MemoryCatalogue,
    OrganisationRecord,
    Organisations,
    ProviderRecord,
    ProviderStatus,
    Reason,
    Resolver,
    SqlCatalogue,
    TenantChoices,
)
from kazinex_storage.organisations.use import record_use
from kazinex_storage.registry import Registry
from kazinex_storage.types import MIB

EXAMPLE = "example-secret-of-the-platform"
Change = Callable[[Organisations], object]


@pytest.fixture
def platform() -> ManagedProvider:
    """Its bucket is of this test alone: the objects of the example provider belong to the process."""
    bucket = f"platform-{secrets.token_hex(8)}"
    return ManagedProvider(kind="vault", label="Supabase", settings={"bucket": bucket, "token": EXAMPLE})


@pytest.fixture
def organisations(catalogue: Catalogue, registry: Registry, platform: ManagedProvider) -> Organisations:
    return Organisations(catalogue, registry, managed=platform)


@pytest.fixture
def resolver(organisations: Organisations) -> Iterator[Resolver]:
    made = Resolver(organisations)
    yield made
    made.close()


def drawing(organisation: str = "org-1", revision: str = "P01") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-0042", revision, "plan.pdf")


def test_a_new_organisation_has_it_as_its_default_and_nothing_is_written(
    organisations: Organisations, catalogue: Catalogue
) -> None:
    (shown,) = organisations.providers("org-1")

    assert shown == organisations.find("org-1", "supabase") == organisations.find("org-1", "managed")
    assert (True, ProviderStatus.VERIFIED, "vault", "Supabase") == (
        shown.managed,
        shown.status,
        shown.kind,
        shown.label,
    )
    assert "managed" == organisations.organisation("org-1").default_provider
    assert () == catalogue.providers("org-1")
    assert OrganisationRecord(organisation="org-1") == catalogue.organisation("org-1")


def test_its_documents_go_there_in_the_folder_of_the_organisation(resolver: Resolver) -> None:
    seen: list[Reason] = []
    resolver._on_resolve = lambda *found: seen.append(found[3])

    receipt = DocumentStore(resolver).upload(drawing(), b"%PDF-1.7")

    assert ("managed", "vault", "org-1/bridge/DRG-0042/P01/plan.pdf") == (receipt.provider, receipt.kind, receipt.key)
    assert "org-1/" == resolver.storage_for("org-1").prefix
    assert seen[0] is Reason.DEFAULT


def test_receipts_lead_to_it_for_good(organisations: Organisations, resolver: Resolver) -> None:
    documents = DocumentStore(resolver)
    first = documents.upload(drawing(), b"%PDF-1.7 first")
    own = add_own(organisations)
    organisations.set_default("org-1", own.id)

    second = documents.upload(drawing(revision="P02"), b"%PDF-1.7 second")

    assert ("managed", own.id) == (first.provider, second.provider)
    assert [b"%PDF-1.7 first", b"%PDF-1.7 second"] == [documents.get_bytes(first), documents.get_bytes(second)]
    assert b"%PDF-1.7 first" == documents.get_bytes(drawing())
    with pytest.raises(FileExistsError):
        documents.upload(drawing(), b"%PDF-1.7 another")


def test_no_organisation_sees_the_documents_of_another_one(organisations: Organisations, resolver: Resolver) -> None:
    receipt = DocumentStore(resolver).upload(drawing("org-1"), b"%PDF-1.7")
    theirs = DocumentStore(resolver, organisation="org-2")

    assert [] == list(resolver.storage_for("org-2").list(""))
    assert not resolver.storage_for("org-2").exists("bridge/DRG-0042/P01/plan.pdf")
    assert () == tuple(theirs.revisions(drawing("org-2")))
    for attempt in (lambda: theirs.get_bytes(receipt), lambda: theirs.remove(drawing("org-1"))):
        with pytest.raises(AccessDeniedError):
            attempt()
    with pytest.raises(ValueError, match="segment"):
        resolver.storage_for("org-2").head("../org-1/bridge/DRG-0042/P01/plan.pdf")
    assert b"%PDF-1.7" == DocumentStore(resolver).get_bytes(receipt)


CHANGES: dict[str, Change] = {
    "label": lambda found: found.update_provider("org-1", "managed", label="Ours"),
    "settings": lambda found: found.update_provider("org-1", "Supabase", settings={"bucket": "ours"}),
    "limit": lambda found: found.update_provider("org-1", "Supabase", max_file_bytes=1024 * MIB),
    "removal": lambda found: found.remove_provider("org-1", "Supabase"),
    "verification": lambda found: verify_provider(found, "org-1", "Supabase"),
    "outcome": lambda found: found.record_verification(found.find("org-1", "Supabase"), ok=False, error="no"),
    "settings shown": lambda found: found.settings(found.find("org-1", "Supabase")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_organisation_can_change_nothing_of_it(organisations: Organisations, change: Change) -> None:
    for prepare in (lambda: None, lambda: organisations.set_default("org-1", "Supabase")):
        prepare()
        before = organisations.find("org-1", "managed")

        with pytest.raises(SettingsError, match="'Supabase' is managed by the platform; contact support") as caught:
            change(organisations)

        assert "managed" == caught.value.code
        assert before == organisations.find("org-1", "managed")


def test_it_is_chosen_again_and_for_a_project(organisations: Organisations, resolver: Resolver) -> None:
    own = add_own(organisations)
    organisations.set_default("org-1", own.id)

    organisations.set_override("org-1", "tunnel", "Supabase")
    assert [own.id, "managed"] == [resolver.chosen("org-1", project).provider for project in ("bridge", "tunnel")]

    organisations.set_default("org-1", "Supabase")
    assert "managed" == resolver.chosen("org-1", "bridge").provider
    assert 2 == len(organisations.providers("org-1"))


def test_other_choices_leave_it_the_default_until_one_is_chosen_or_none(
    organisations: Organisations, resolver: Resolver
) -> None:
    add_own(organisations)
    organisations.set_allowlist("org-1", ["dwg"])

    assert "managed" == organisations.organisation("org-1").default_provider
    with pytest.raises(FileTypeRefusedError):
        DocumentStore(resolver).upload(drawing(), b"%PDF-1.7")

    organisations.set_default("org-1", None)
    assert organisations.organisation("org-1").default_provider is None
    with pytest.raises(UnresolvedOrganisationError, match="set-default Supabase"):
        resolver.chosen("org-1")


def test_a_choice_from_an_outdated_version_is_refused(organisations: Organisations) -> None:
    seen = organisations.organisation("org-1").version
    organisations.set_allowlist("org-1", ["pdf"])

    with pytest.raises(RecordConflictError):
        organisations.set_default("org-1", "Supabase", version=seen)


def test_the_plan_of_the_organisation_limits_its_files(
    catalogue: Catalogue, registry: Registry, platform: ManagedProvider
) -> None:
    plans = {"large": Plan(name="Large", max_file_bytes=10)}
    small = Plan(name="Small", max_file_bytes=4)
    managed = replace(platform, plan=lambda organisation: plans.get(organisation, small))
    organisations = Organisations(catalogue, registry, managed=managed)
    resolver = Resolver(organisations)
    documents = DocumentStore(resolver)

    assert 5 == documents.upload(drawing("large"), b"12345").size
    with pytest.raises(FileTooLargeError, match=r"the limit is 4 bytes; that is of the plan Small; .* a larger plan"):
        documents.upload(drawing("other"), b"12345")
    shown = organisations.find("other", "managed")
    assert ("Small", 4) == (shown.plan, shown.max_file_bytes)

    plans["other"] = plans["large"]
    assert 5 == documents.upload(drawing("other"), b"12345").size
    resolver.close()


def test_the_plans_are_those_of_the_guide(organisations: Organisations) -> None:
    assert (("Standard", 50 * MIB), ("Enterprise", 500 * MIB)) == tuple(
        (plan.name, plan.max_file_bytes) for plan in (STANDARD, ENTERPRISE)
    )
    assert STANDARD.name == organisations.find("org-1", "managed").plan


def test_a_plan_above_what_the_service_holds_is_no_error(
    catalogue: Catalogue, registry: Registry, platform: ManagedProvider
) -> None:
    huge = replace(platform, plan=lambda _: Plan(name="Huge", max_file_bytes=2**80))
    resolver = Resolver(Organisations(catalogue, registry, managed=huge))

    storage = resolver.storage_for("org-1")

    assert storage.policy is not None
    assert storage.info.max_object_bytes == storage.policy.max_file_bytes
    resolver.close()


def test_nothing_shows_what_the_platform_is_made_of(
    organisations: Organisations, catalogue: Catalogue, platform: ManagedProvider
) -> None:
    organisations.set_default("org-1", "Supabase")
    record = organisations.find("org-1", "managed")

    for text in (repr(platform), repr(record), repr(record.public()), repr(catalogue.providers("org-1"))):
        assert EXAMPLE not in text
        assert str(platform.settings["bucket"]) not in text
    assert ({}, ()) == (record.settings, record.secrets.names)
    assert ({}, {}) == (catalogue.provider("org-1", "managed").settings, record.secrets.reveal())
    with pytest.raises(TypeError, match="declare it"):
        pickle.dumps(platform)


def test_refused_credentials_are_seen_in_use_and_say_nothing_of_the_platform(
    organisations: Organisations, catalogue: Catalogue
) -> None:
    record = organisations.find("org-1", "managed")
    refused = AuthenticationError(f"the key {EXAMPLE} is unknown")

    assert record_use(catalogue, record, refused, record.created_at)
    failed = organisations.find("org-1", "managed")
    assert (ProviderStatus.FAILED, True) == (failed.status, failed.failed_in_use)
    assert "contact support" in (failed.last_error or "")
    assert EXAMPLE not in (failed.last_error or "")
    assert ProviderStatus.VERIFIED is organisations.find("org-2", "managed").status

    assert record_use(catalogue, failed, None, record.created_at)
    assert ProviderStatus.VERIFIED is organisations.find("org-1", "managed").status


def test_its_label_is_taken_but_never_from_an_organisation_that_had_it(
    catalogue: Catalogue, registry: Registry, platform: ManagedProvider
) -> None:
    before = add_own(Organisations(catalogue, registry), label="supabase")
    organisations = Organisations(catalogue, registry, managed=platform)

    assert ["Supabase (managed)", "supabase"] == [found.label for found in organisations.providers("org-1")]
    assert before == organisations.find("org-1", "Supabase")
    organisations.set_override("org-1", "bridge", "Supabase (managed)")
    with pytest.raises(SettingsError, match="has a provider labelled 'SUPABASE' already"):
        add_own(organisations, "org-2", label="SUPABASE")


def test_an_organisation_that_had_set_something_before_keeps_what_it_had(
    catalogue: Catalogue, registry: Registry, platform: ManagedProvider
) -> None:
    before = Organisations(catalogue, registry)
    own = add_own(before)
    before.set_default("org-1", own.id)
    before.set_default("org-2", None)

    organisations = Organisations(catalogue, registry, managed=platform)

    assert [own.id, None, "managed"] == [
        organisations.organisation(name).default_provider for name in ("org-1", "org-2", "org-3")
    ]


def test_the_platform_moves_by_declaring_another_one_first(
    catalogue: Catalogue, registry: Registry, platform: ManagedProvider
) -> None:
    resolver = Resolver(Organisations(catalogue, registry, managed=platform))
    old = DocumentStore(resolver).upload(drawing(), b"%PDF-1.7")
    resolver.close()
    new = ManagedProvider(
        kind="vault",
        label="Platform 2",
        settings={"bucket": f"second-{secrets.token_hex(8)}", "token": EXAMPLE},
        id="managed-2",
    )

    resolver = Resolver(Organisations(catalogue, registry, managed=(new, platform)))
    documents = DocumentStore(resolver)

    assert "managed-2" == documents.upload(drawing(revision="P02"), b"%PDF-1.7").provider
    assert b"%PDF-1.7" == documents.get_bytes(old)
    resolver.close()


def test_a_process_without_the_declaration_shows_it_and_says_what_is_missing(
    organisations: Organisations, catalogue: Catalogue, registry: Registry
) -> None:
    organisations.set_default("org-1", "Supabase")
    without = Resolver(Organisations(catalogue, registry))

    (shown,) = without.organisations.providers("org-1")
    assert (True, "Supabase") == (shown.managed, shown.label)
    with pytest.raises(SettingsError, match="was not told its settings; declare it"):
        without.chosen("org-1")
    without.close()


def test_a_tenant_cannot_have_the_place_of_the_platform(catalogue: Catalogue) -> None:
    settings = {"bucket": "platform", "region": "eu-central-1", "access_key_id": "AK", "secret_access_key": EXAMPLE}
    managed = ManagedProvider(kind="s3", label="Platform", settings=settings)
    admit = TenantChoices(addresses=replace(TENANT_CHOICES.addresses, also=("0.0.0.0/0", "::/0")))
    organisations = Organisations(catalogue, admit=admit, managed=managed)

    for place in ({}, {"prefix": "org-2"}):
        with pytest.raises(SettingsError, match="another organisation"):
            organisations.add_provider("org-1", "s3", "Ours", {**settings, **place})
    assert organisations.providers("org-1")[0].managed


def test_what_is_never_right_is_no_place_of_the_platform_either(tmp_path: Path) -> None:
    managed = ManagedProvider(kind="local", label="Disk", settings={"root": str(tmp_path)})

    with pytest.raises(SettingsError, match="catalogue and the sealing key"):
        Organisations(MemoryCatalogue(), guarded=[tmp_path / "sealing.key"], managed=managed)


def test_two_of_one_id_or_label_are_refused(registry: Registry, platform: ManagedProvider) -> None:
    for other in (replace(platform, label="Other"), replace(platform, id="other", label="SUPABASE")):
        with pytest.raises(SettingsError, match="one id or one label"):
            Organisations(MemoryCatalogue(), registry, managed=(platform, other))


def test_our_own_folder_is_no_organisation_on_it(resolver: Resolver) -> None:
    with pytest.raises(SettingsError, match="folder of our own marker"):
        resolver.chosen(".kazinex-storage")


def test_processes_that_choose_it_at_once_agree(
    open_catalogue: Callable[[], SqlCatalogue], registry: Registry, platform: ManagedProvider
) -> None:
    processes = [Organisations(open_catalogue(), registry, managed=platform) for _ in range(4)]
    errors: list[BaseException] = []
    together = threading.Barrier(4)

    def choose(organisations: Organisations, number: int) -> None:
        together.wait()
        try:
            organisations.set_override("org-1", f"project-{number}", "Supabase")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=choose, args=(one, number)) for number, one in enumerate(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert ["managed"] == [found.id for found in processes[0].catalogue.providers("org-1")]
    assert 4 == len(processes[0].overrides("org-1"))


def add_own(organisations: Organisations, organisation: str = "org-1", label: str = "Ours") -> ProviderRecord:
    settings = {"bucket": f"{organisation}-{secrets.token_hex(8)}", "token": "example-token-not-real"}
    return organisations.record_verification(
        organisations.add_provider(organisation, "vault", label, settings), ok=True
    )


def test_the_host_verifies_it_outside_of_every_organisation(
    organisations: Organisations, resolver: Resolver, catalogue: Catalogue
) -> None:
    seen = resolver.storage_for("org-1")

    report = verify_managed(organisations)

    assert report.ok, report.failure
    assert [] == list(seen.list(""))
    assert () == catalogue.providers("org-1")
    with pytest.raises(SettingsError, match="declare it"):
        verify_managed(organisations, "another")


def write(folder: Path, found: object, mode: int = 0o600) -> dict[str, str]:
    file = folder / "managed.json"
    file.touch(mode=mode)
    file.chmod(mode)
    file.write_text(found if isinstance(found, str) else json.dumps(found))
    return {"KAZINEX_STORAGE_HOME": str(folder / "home"), "KAZINEX_STORAGE_MANAGED": str(file)}


def test_the_environment_declares_it_by_a_file(tmp_path: Path) -> None:
    disk = {"kind": "local", "label": "Disk", "settings": {"root": str(tmp_path / "documents")}}
    environ = write(tmp_path, [{**disk, "plans": {"acme": "Enterprise"}}, {**disk, "id": "older", "label": "Old disk"}])

    organisations = open_organisations(environ)

    shown = [(found.id, found.label, found.plan) for found in organisations.providers("acme")]
    assert [("managed", "Disk", "Enterprise"), ("older", "Old disk", "Standard")] == shown
    assert ("managed", "Standard") == (
        organisations.organisation("globex").default_provider,
        organisations.find("globex", "Disk").plan,
    )
    organisations.close()


@pytest.mark.parametrize(
    ("found", "mode", "reason"),
    [
        ({"kind": "local"}, 0o600, "no legal 'label'.*'settings'"),
        ({"kind": "local", "label": "a", "settings": {}, "plans": {"acme": "Gold"}}, 0o600, "no plan 'Gold'"),
        (f'{{"kind": "{EXAMPLE}"', 0o600, "it is no JSON"),
        ({"kind": "local", "label": "a", "settings": {}}, 0o604, "may be used by others"),
        ({"kind": "local", "label": "a", "settings": {}}, 0o600, "root"),
    ],
    ids=["fields", "plan", "no JSON", "open to others", "settings"],
)
def test_a_file_that_declares_nothing_is_an_error(tmp_path: Path, found: object, mode: int, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as caught:
        open_organisations(write(tmp_path, found, mode))

    assert EXAMPLE not in str(caught.value)
