"""The settings of Supabase Storage: the project in every spelling, and which of its many keys goes where."""

from __future__ import annotations

import base64
import json
import pickle
import re
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations.settings import merge, split
from kazinex_storage.providers.s3 import SupabaseSettings
from kazinex_storage.providers.s3.target import SUPABASE, Credentials
from kazinex_storage.providers.settings.environment import settings_from_environment
from kazinex_storage.registry import default_registry

PROJECT = "abcdefghijklmnopqrst"
KEY_ID = "fedcba9876543210" * 2
HIDDEN = "00112233445566778899aabbccddeeff" * 2
GIVEN: dict[str, object] = {
    "project_ref": PROJECT,
    "region": "eu-central-1",
    "access_key_id": KEY_ID,
    "secret_access_key": HIDDEN,
    "bucket": "kazinex",
}
LOOPBACK = "http://127.0.0.1:54321/storage/v1/s3"


def supabase(**changes: object) -> SupabaseSettings:
    return SupabaseSettings.model_validate({**GIVEN, **changes})


def refusal(**changes: object) -> str:
    with pytest.raises(SettingsError) as caught:
        default_registry().parse_settings("supabase", {**GIVEN, **changes})
    return caught.value.message


def web_token(role: str) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"role": role, "iss": "supabase"}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "not-a-signature"])


def test_the_target_is_the_s3_endpoint_of_the_project() -> None:
    target = supabase(prefix="live").target()

    assert ("supabase", SUPABASE, "eu-central-1", "live/", SUPABASE.max_object_bytes) == (
        target.kind,
        target.preset,
        target.region,
        target.prefix,
        target.max_object_bytes,
    )
    assert f"https://{PROJECT}.storage.supabase.co/storage/v1/s3/kazinex/" == target.base_url
    assert target.credentials == Credentials(access_key_id=KEY_ID, secret_access_key=HIDDEN)


def test_the_rest_interface_stands_beside_the_s3_endpoint() -> None:
    assert f"https://{PROJECT}.storage.supabase.co/storage/v1" == supabase().rest_url
    assert "http://127.0.0.1:54321/storage/v1" == supabase(endpoint_url=LOOPBACK).rest_url


@given(
    project=st.text("abcdefghijklmnopqrstuvwxyz", min_size=20, max_size=20),
    form=st.sampled_from(
        [
            "{}",
            " {}\n",
            "https://{}.supabase.co",
            "https://{}.supabase.co/",
            "{}.supabase.co",
            "https://{}.storage.supabase.co/storage/v1/s3",
            "https://{}.supabase.co/rest/v1/",
            "https://supabase.com/dashboard/project/{}",
            "https://supabase.com/dashboard/project/{}/storage/s3?a=b",
        ]
    ),
)
def test_the_project_is_understood_in_every_form(project: str, form: str) -> None:
    assert project == supabase(project_ref=form.format(project)).project_ref


def test_the_endpoint_of_the_project_stands_for_the_project() -> None:
    given_fields = {name: value for name, value in GIVEN.items() if name != "project_ref"}

    settings = SupabaseSettings.model_validate(
        {**given_fields, "endpoint_url": f"https://{PROJECT}.supabase.co/storage/v1/s3"}
    )

    assert (PROJECT, None) == (settings.project_ref, settings.endpoint_url)


@pytest.mark.parametrize("key", ["sb_secret_not_real", web_token("service_role")], ids=["secret", "service role"])
def test_a_service_key_is_kept_as_a_secret(key: str) -> None:
    settings = supabase(service_key=f" {key}\n")

    assert settings.service_key is not None
    assert key == settings.service_key.get_secret_value()
    assert key not in repr(settings)


def test_a_signed_in_user_has_a_publishable_key_for_a_secret() -> None:
    settings = supabase(access_key_id=PROJECT, secret_access_key=web_token("anon"), session_token=web_token("user"))

    credentials = settings.target().credentials

    assert isinstance(credentials, Credentials)
    assert web_token("user") == credentials.session_token


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"project_ref": "kazinex"}, "'project_ref': a project id is 20"),
        ({"project_ref": "https://supabase.com/dashboard"}, "'project_ref': a project id is 20"),
        ({"project_ref": ""}, "'project_ref': it is empty"),
        ({"endpoint_url": f"https://{'z' * 20}.supabase.co/storage/v1/s3"}, "'endpoint_url': .*another project"),
        ({"access_key_id": "sb_publishable_not_real"}, "'access_key_id': this is an API key"),
        ({"secret_access_key": web_token("service_role")}, "'secret_access_key': this is an API key"),
        ({"secret_access_key": "sb_secret_not_real"}, "'secret_access_key': this is an API key"),
        ({"service_key": "sb_publishable_not_real"}, "'service_key': this is the publishable"),
        ({"service_key": web_token("anon")}, "'service_key': this is the publishable"),
        ({"service_key": "two words"}, "'service_key': there is a blank"),
        ({"region": "Frankfurt am Main"}, "'region'"),
        ({"bucket": "kazinex/live"}, "'bucket': .*prefix"),
        ({"bucket": "my documents"}, "'bucket': .*1 to 100"),
        ({"bucket": ".."}, "'bucket': .*1 to 100"),
        ({"bucket": "a" * 101}, "'bucket': .*1 to 100"),
        ({"max_file_size": 0}, "'max_file_size'"),
    ],
    ids=lambda value: None if isinstance(value, str) else ",".join(value),
)
def test_what_cannot_be_used_is_explained(changes: dict[str, object], expected: str) -> None:
    message = refusal(**changes)

    assert re.search(expected, message), message


@pytest.mark.parametrize("token", ["a.b.c", "a.bnVsbA.c", "a.e30.c", "a.W10.c", "a._w.c", ".."])
def test_a_service_key_that_only_resembles_a_token_is_not_judged_by_it(token: str) -> None:
    settings = supabase(service_key=token)

    assert settings.service_key is not None
    assert token == settings.service_key.get_secret_value()


def test_keys_of_any_shape_are_taken_for_another_server() -> None:
    settings = supabase(project_ref="local", endpoint_url=f"{LOOPBACK}/", access_key_id="a", secret_access_key="b" * 3)

    assert LOOPBACK == settings.target().endpoint_url


def test_settings_come_from_the_environment() -> None:
    variables = {f"KAZINEX_STORAGE_SUPABASE_{name.upper()}": str(value) for name, value in GIVEN.items()}
    variables["KAZINEX_STORAGE_SUPABASE_SERVICE_KEY"] = "sb_secret_not_real"

    found = settings_from_environment(SupabaseSettings, "KAZINEX_STORAGE_SUPABASE_", variables)

    assert supabase(service_key="sb_secret_not_real") == SupabaseSettings.model_validate(found)


def test_settings_survive_a_catalogue_with_the_secrets_apart() -> None:
    settings = supabase(service_key="sb_secret_not_real")

    public, secrets = split(settings)

    assert {"secret_access_key": HIDDEN, "service_key": "sb_secret_not_real"} == secrets
    assert settings == SupabaseSettings.model_validate(merge(public, secrets))


def test_kazinex_keeps_the_account_itself() -> None:
    kinds = {kind.kind: kind.managed for kind in default_registry().kinds()}

    assert {"supabase": True, "r2": False, "s3": False}.items() <= kinds.items()


@pytest.mark.parametrize(
    "changes",
    [{"region": ""}, {"service_key": f"{HIDDEN} x"}, {"project_ref": HIDDEN}, {"bucket": HIDDEN * 2}, {"key": HIDDEN}],
    ids=lambda value: ",".join(value),
)
def test_a_refusal_shows_no_secret(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        supabase(**changes)

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.errors()) + caught.value.json()
    assert HIDDEN not in shown
    assert HIDDEN.encode() not in pickle.dumps(caught.value)
