"""What a host lets be chosen for providers: never what is wrong for everybody, and strictly where tenants choose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kazinex_storage import Storage
from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations import (
    TENANT_CHOICES,
    MemoryCatalogue,
    Organisations,
    Proposal,
    PublicAddresses,
    Resolver,
    TenantChoices,
    open_organisations,
)
from kazinex_storage.transport import Transport

TENANT = "12345678-1234-1234-1234-123456789012"
KEYS = {"access_key_id": "0" * 32, "secret_access_key": "f" * 64}
S3 = {"bucket": "docs", "region": "eu-central-1", **KEYS}
R2 = {"bucket": "docs", "account_id": "a" * 32, **KEYS}
AZURE = {"account": "acme", "container": "docs", "account_key": "c2VjcmV0"}
APP = {"account": "acme", "container": "docs", "tenant_id": TENANT, "client_id": "c", "client_secret": "example-secret"}
SITE = {
    "tenant_id": TENANT,
    "client_id": f"9{TENANT[1:]}",
    "client_secret": "example-secret",
    "site_url": "https://contoso.sharepoint.com/sites/p",
}
SUPABASE = {"bucket": "docs", "project_ref": "abcdefghijklmnopqrst", "region": "eu-central-1", **KEYS}
PUBLIC = "https://1.1.1.1"


def by_operator() -> Organisations:
    return Organisations(MemoryCatalogue())


def by_tenants() -> Organisations:
    return Organisations(MemoryCatalogue(), admit=TENANT_CHOICES)


def assert_admitted(
    organisations: Organisations, who: str, kind: str, label: str, settings: Mapping[str, object]
) -> None:
    organisations.add_provider(who, kind, label, settings)

    assert label in [record.label for record in organisations.providers(who)]


# Never right, whoever chose it.


def test_the_whole_disk_is_no_root() -> None:
    with pytest.raises(SettingsError, match="whole disk"):
        by_operator().add_provider("acme", "local", "a", {"root": "/"})
    with pytest.raises(SettingsError, match="whole disk"):
        by_operator().add_provider("acme", "local", "a", {"root": "/srv/../.."})


@pytest.mark.parametrize("root", [".", "home", "home/deeper", "link", "link/deeper", "link-to-base", "database"])
def test_no_root_holds_or_lies_in_our_own_files(tmp_path: Path, root: str) -> None:
    """An organisation that is called like the data folder would read the sealing key (issue 18, C1)."""
    (tmp_path / "home" / "deeper").mkdir(parents=True)
    (tmp_path / "database").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    (tmp_path / "link-to-base").symlink_to(tmp_path)
    environ = {
        "KAZINEX_STORAGE_HOME": str(tmp_path / "home"),
        "KAZINEX_STORAGE_DATABASE": str(tmp_path / "database" / "catalogue.db"),
    }
    organisations = open_organisations(environ)

    with pytest.raises(SettingsError, match="sealing key"):
        organisations.add_provider("acme", "local", "a", {"root": str(tmp_path / root)})

    assert () == organisations.providers("acme")
    organisations.close()


def test_a_root_beside_our_own_files_is_fine(tmp_path: Path) -> None:
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(tmp_path / "home")})

    assert_admitted(organisations, "acme", "local", "a", {"root": str(tmp_path / "home-of-documents")})
    organisations.close()


def test_a_root_that_became_a_link_to_our_own_files_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(tmp_path / "home")})
    record = organisations.add_provider("acme", "local", "a", {"root": str(tmp_path / "documents")})

    (tmp_path / "documents").rmdir()
    (tmp_path / "documents").symlink_to(tmp_path / "home")

    with pytest.raises(SettingsError, match="sealing key"):
        organisations.open(record)
    with pytest.raises(SettingsError, match="sealing key"):
        Resolver(organisations).storage_of("acme", record.id)
    organisations.close()


@pytest.mark.parametrize(
    ("kind", "field", "settings", "mine", "theirs"),
    [
        ("local", "root", {}, "/srv/docs/globex", "/srv/docs"),
        ("local", "root", {}, "/srv", "/srv/docs"),
        ("r2", "prefix", R2, "globex", ""),
        ("r2", "prefix", R2, "", "a/b"),
        ("r2", "prefix", R2, "a/b/globex", "a/b"),
        ("s3", "prefix", S3, "globex", ""),
        ("supabase", "prefix", SUPABASE, "globex", ""),
        ("azure_blob", "prefix", AZURE, "globex", ""),
        ("sharepoint", "root_folder", SITE, "Globex", ""),
        ("sharepoint", "root_folder", SITE, "A/b/c", "a/B"),
    ],
)
def test_no_place_lies_in_or_above_that_of_another_organisation(
    kind: str, field: str, settings: dict[str, object], mine: str, theirs: str
) -> None:
    organisations = by_operator()
    organisations.add_provider("globex", kind, "a", {**settings, field: theirs})

    with pytest.raises(SettingsError, match="another organisation"):
        organisations.add_provider("acme", kind, "a", {**settings, field: mine})
    organisations.add_provider("acme", kind, "same", {**settings, field: theirs})
    with pytest.raises(SettingsError, match="another organisation"):
        organisations.update_provider("acme", "same", settings={field: mine})

    assert ("same",) == tuple(record.label for record in organisations.providers("acme"))


def test_places_of_one_organisation_may_nest() -> None:
    organisations = by_operator()
    organisations.add_provider("acme", "local", "a", {"root": "/srv/docs"})

    assert_admitted(organisations, "acme", "local", "b", {"root": "/srv/docs/tunnel"})


def test_places_that_only_look_alike_are_apart() -> None:
    organisations = by_operator()
    organisations.add_provider("globex", "r2", "a", {**R2, "prefix": "docs"})

    assert_admitted(organisations, "acme", "r2", "b", {**R2, "prefix": "docs-2"})
    assert_admitted(organisations, "acme", "r2", "c", {**R2, "bucket": "other"})
    assert_admitted(organisations, "acme", "r2", "d", {**R2, "account_id": "b" * 32})
    assert_admitted(organisations, "acme", "s3", "e", S3)


def test_one_place_written_in_another_way_is_the_same() -> None:
    organisations = by_operator()
    organisations.add_provider("globex", "s3", "a", S3)

    for host in ("s3.eu-central-1.amazonaws.com:443", "S3.eu-central-1.amazonaws.com.", "s3.amazonaws.com.:443"):
        with pytest.raises(SettingsError, match="another organisation"):
            organisations.add_provider(
                "acme", "s3", "b", {**S3, "endpoint_url": f"https://{host}/", "prefix": "globex"}
            )


def test_who_came_nearer_meanwhile_is_not_chosen() -> None:
    catalogue = MemoryCatalogue()
    organisations = Organisations(catalogue)
    careless = Organisations(catalogue, admit=lambda proposal: None)
    careless.add_provider("globex", "r2", "a", R2)
    record = careless.add_provider("acme", "r2", "b", {**R2, "prefix": "globex"})
    organisations.record_verification(record, ok=True)

    for choose in (
        lambda: organisations.set_default("acme", "b"),
        lambda: organisations.set_override("acme", "bridge", "b"),
    ):
        with pytest.raises(SettingsError, match="another organisation"):
            choose()


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "100.100.100.200",
    ],
)
def test_the_metadata_of_a_cloud_is_no_service_of_documents(host: str) -> None:
    with pytest.raises(SettingsError, match="credentials of this machine"):
        by_operator().add_provider("acme", "s3", "a", {**S3, "endpoint_url": f"http://{host}"})


def test_an_operator_may_use_what_is_private() -> None:
    organisations = by_operator()

    assert_admitted(organisations, "acme", "s3", "a", {**S3, "endpoint_url": "http://10.0.0.5:9000"})
    assert_admitted(organisations, "acme", "s3", "b", {"bucket": "docs", "region": "eu-central-1"})


# Where tenants choose.

GOOD = [
    ("s3", S3),
    ("r2", R2),
    ("azure_blob", AZURE),
    ("azure_blob", APP),
    ("sharepoint", SITE),
    ("supabase", SUPABASE),
]
BAD = [
    ("local", {"root": "/srv/acme"}, "this kind is not offered"),
    ("memory", {}, "this kind is not offered"),
    ("s3", {"bucket": "docs", "region": "eu-central-1"}, "access_key_id means belongs to the machine"),
    ("s3", {"bucket": "docs", "region": "eu-central-1", "profile": "prod"}, "profile means belongs to the machine"),
    ("azure_blob", {"account": "a12", "container": "docs", "identity": "managed"}, "identity means belongs"),
    ("azure_blob", {**APP, "ca_file": "/etc/shadow"}, "ca_file means belongs"),
    ("azure_blob", {**APP, "login_url": PUBLIC}, "login_url is for the operator"),
    ("sharepoint", {**SITE, "ca_file": "/etc/shadow"}, "ca_file means belongs"),
    ("sharepoint", {**SITE, "login_url": PUBLIC}, "login_url is for the operator"),
    ("sharepoint", {**SITE, "graph_url": f"{PUBLIC}/v1.0"}, "graph_url is for the operator"),
    ("s3", {**S3, "ca_file": "/etc/shadow"}, "ca_file means belongs"),
    ("r2", {**R2, "ca_file": "/etc/shadow"}, "ca_file means belongs"),
    ("supabase", {**SUPABASE, "ca_file": "/etc/shadow"}, "ca_file means belongs"),
    ("s3", {**S3, "endpoint_url": "http://1.1.1.1"}, "over TLS"),
    ("r2", {**R2, "endpoint_url": "http://1.1.1.1"}, "over TLS"),
    (
        "azure_blob",
        {"container": "docs", "connection_string": "AccountName=a12;AccountKey=c2VjcmV0;BlobEndpoint=http://1.1.1.1"},
        "over TLS",
    ),
    (
        "azure_blob",
        {"container": "docs", "connection_string": "AccountName=a12;AccountKey=c2VjcmV0;BlobEndpoint=https://10.0.0.1"},
        "not a public address",
    ),
    ("azure_blob", {**AZURE, "endpoint_url": "https://127.0.0.1:10000"}, "not a public address"),
    ("supabase", {**SUPABASE, "endpoint_url": "https://localhost/storage/v1/s3"}, "not a public address"),
    *(
        ("s3", {**S3, "endpoint_url": f"https://{host}"}, "not a public address")
        for host in ("10.0.0.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:192.168.0.1]", "100.64.0.1", "localhost")
    ),
    ("s3", {**S3, "endpoint_url": "https://169.254.169.254"}, "credentials of this machine"),
]


@pytest.mark.parametrize(("kind", "settings"), GOOD, ids=lambda value: str(value)[:20])
def test_a_tenant_may_choose_a_public_service_with_credentials_of_its_own(
    kind: str, settings: dict[str, object]
) -> None:
    organisations = by_tenants()

    record = organisations.add_provider("acme", kind, "a", settings)
    provider = organisations.open(record)
    with Storage(provider) as own, Storage(provider, transport=Transport()) as lent:
        assert TENANT_CHOICES.addresses == own.transport.settings.addresses
        assert TENANT_CHOICES.addresses == lent.transport.settings.addresses


@pytest.mark.parametrize(("kind", "settings", "reason"), BAD, ids=lambda value: str(value)[:60])
def test_what_a_tenant_may_not_choose_is_refused_with_the_reason(
    kind: str, settings: dict[str, object], reason: str
) -> None:
    organisations = by_tenants()

    with pytest.raises(SettingsError, match="not admitted") as caught:
        organisations.add_provider("acme", kind, "a", settings)

    assert reason in str(caught.value)
    assert not any(str(value) in str(caught.value) for name, value in settings.items() if "secret" in name)
    assert () == organisations.providers("acme")


@pytest.mark.parametrize(("kind", "settings", "reason"), BAD, ids=lambda value: str(value)[:60])
def test_what_is_stored_already_is_judged_again_before_it_is_opened(
    kind: str, settings: dict[str, object], reason: str
) -> None:
    catalogue = MemoryCatalogue()
    record = Organisations(catalogue, admit=lambda proposal: None).add_provider("acme", kind, "a", settings)

    with pytest.raises(SettingsError, match="not admitted"):
        Organisations(catalogue, admit=TENANT_CHOICES).open(record)


def test_a_tenant_may_not_change_to_what_it_may_not_choose() -> None:
    organisations = by_tenants()
    before = organisations.add_provider("acme", "s3", "a", S3)

    with pytest.raises(SettingsError, match="not a public address"):
        organisations.update_provider("acme", "a", settings={**S3, "endpoint_url": "https://10.0.0.1"})

    assert before == organisations.find("acme", "a")


def test_a_host_widens_the_choices_by_value() -> None:
    wider = TenantChoices(kinds=TENANT_CHOICES.kinds | {"memory"}, addresses=PublicAddresses(also=("10.20.0.0/16",)))
    organisations = Organisations(MemoryCatalogue(), admit=wider)

    assert_admitted(organisations, "acme", "memory", "a", {})
    assert_admitted(organisations, "acme", "s3", "b", {**S3, "endpoint_url": "https://10.20.1.1"})
    with pytest.raises(SettingsError, match="not a public address"):
        organisations.add_provider("acme", "s3", "c", {**S3, "endpoint_url": "https://10.21.1.1"})


def test_a_host_judges_as_it_likes() -> None:
    seen: list[tuple[str, str]] = []

    def only_r2(proposal: Proposal) -> PublicAddresses | None:
        seen.append((proposal.organisation, proposal.kind))
        if proposal.kind != "r2":
            raise SettingsError("only R2 is offered here")
        return TENANT_CHOICES(proposal)

    organisations = Organisations(MemoryCatalogue(), admit=only_r2)
    organisations.add_provider("acme", "r2", "a", R2)
    with pytest.raises(SettingsError, match="only R2"):
        organisations.add_provider("globex", "s3", "a", S3)

    assert [("acme", "r2"), ("globex", "s3")] == seen


def test_a_proposal_shows_no_secret() -> None:
    shown: list[str] = []
    Organisations(MemoryCatalogue(), admit=lambda proposal: shown.append(repr(proposal))).add_provider(
        "acme", "s3", "a", S3
    )

    assert KEYS["secret_access_key"] not in shown[0]
