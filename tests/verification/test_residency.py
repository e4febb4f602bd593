"""Residency: a place elsewhere than the settings demand fails its verification; what proves nothing is a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import ValidationError

from kazinex_storage import Diagnosis, Organisations, SettingsError, Storage, verify_provider
from kazinex_storage.organisations import MemoryCatalogue, ProviderStatus
from kazinex_storage.providers.azure_blob import AzureBlobSettings
from kazinex_storage.providers.azure_blob.provider import open_azure_blob
from kazinex_storage.providers.s3 import S3Settings
from kazinex_storage.providers.settings.residency import OutsideError, check_within
from kazinex_storage.testing.emulators.resource_manager import resource_manager
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.verification.reports import CheckStatus

from ..services import keys_of, supabase_options, tenant


@dataclass
class Place:
    """A place that can be somewhere else."""

    kind: str
    settings: Mapping[str, object] = field(repr=False)
    here: str
    elsewhere: str
    move: Callable[[], object] | None = None
    """Makes the service no longer say where it is."""


@contextmanager
def place_of(kind: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    with ExitStack() as stack:
        if kind == "s3":
            server = request.getfixturevalue("ministack_server")
            settings = {"bucket": server.make_bucket(), "region": server.region, **keys_of(server)}
            yield Place(kind, settings, server.region, "eu-*")
        elif kind == "supabase":
            front = stack.enter_context(supabase_front(request.getfixturevalue("ministack_server")))
            settings = {"bucket": front.make_bucket(), **supabase_options(front)}
            yield Place(kind, settings, "eu-*", "us-east-1, us-west-*")
        else:
            found = stack.enter_context(tenant())
            found.site.geography = "EUR"
            yield Place(kind, found.options, "EUR, DEU", "nam", lambda: setattr(found.site, "geography", None))


@pytest.mark.parametrize("kind", ["s3", "supabase", "sharepoint"])
def test_uploads_go_nowhere_before_the_residency_is_proven(kind: str, request: pytest.FixtureRequest) -> None:
    with place_of(kind, request) as place, closing(Organisations(MemoryCatalogue())) as organisations:
        wrong = {**place.settings, "residency": place.elsewhere}
        record = organisations.add_provider("acme", kind, "archive", wrong)

        report = verify_provider(organisations, "acme", record.id)

        failed = [check for check in report.checks if check.status is CheckStatus.FAILED]
        assert ["residency"] == [check.name for check in failed], failed
        assert place.elsewhere in (failed[0].diagnosis or "")
        assert ProviderStatus.FAILED is organisations.find("acme", record.id).status
        with pytest.raises(SettingsError, match="only a VERIFIED one"):
            organisations.set_default("acme", record.id)

        organisations.update_provider("acme", record.id, settings={**place.settings, "residency": place.here})
        report = verify_provider(organisations, "acme", record.id)
        assert report.ok
        assert CheckStatus.PASSED is next(check for check in report.checks if check.name == "residency").status

        if place.move is not None:
            place.move()
            report = verify_provider(organisations, "acme", record.id)
            found = next(check for check in report.checks if check.name == "residency")
            assert CheckStatus.WARNING is found.status
            assert "not proved" in (found.diagnosis or "")


def test_an_account_of_azure_is_where_the_resource_manager_says() -> None:
    """Azurite gives no identity access to blobs, so the check runs by itself."""
    with tenant() as found, ExitStack() as stack:
        app = found.emulator.add_app(secret="example-secret")  # noqa: S106  # no real one
        manager = stack.enter_context(resource_manager("acme", lambda token: token in found.emulator.state.tokens))
        settings = {
            "account": "acme",
            "container": "docs",
            **{name: found.options[name] for name in ("tenant_id", "client_secret", "login_url", "ca_file")},
            "client_id": app.client_id,
            "resource_id": manager.resource_id,
            "management_url": manager.url,
            "residency": "westeurope, north*",
        }
        provider = open_azure_blob(AzureBlobSettings.model_validate(settings))
        storage = stack.enter_context(Storage(provider))

        def checked() -> Diagnosis | None:
            return storage.transport.run(provider.checks()["residency"]())

        assert checked() is None
        manager.secondary = "northeurope"
        assert checked() is None
        manager.secondary = "eastus"
        with pytest.raises(OutsideError, match="eastus"):
            checked()
        found.emulator.state.tokens.clear()  # the app has no role there
        warning = checked()
        assert warning is not None
        assert "403" in warning.meaning


def test_what_an_account_is_copied_to_has_to_be_there_as_well() -> None:
    with pytest.raises(OutsideError, match="northeurope"):
        check_within("the account 'acme'", ["westeurope", "northeurope"], "westeurope", "choose LRS")
    check_within("the account 'acme'", ["westeurope", "northeurope"], "westeurope, north*", "choose LRS")


@pytest.mark.parametrize("text", ["eu-*-1", "eu central", "*", ",", "eu-central-1; drop"])
def test_a_residency_that_could_mean_anything_is_refused(text: str) -> None:
    keys = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "example-secret"}
    with pytest.raises(ValidationError, match="name regions"):
        S3Settings.model_validate({"bucket": "docs", "region": "eu-central-1", **keys, "residency": text})


def test_a_key_of_an_account_cannot_ask_where_it_is() -> None:
    given = {"account": "acme", "container": "docs", "account_key": "ZXhhbXBsZQ==", "residency": "westeurope"}
    with pytest.raises(ValidationError, match="only an app registration or an identity"):
        AzureBlobSettings.model_validate(given)
