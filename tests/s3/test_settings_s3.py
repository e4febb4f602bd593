"""The settings of S3: AWS by region, other services by endpoint, and whose credentials count."""

from __future__ import annotations

import pickle
import re
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations.settings import merge, split
from kazinex_storage.providers.s3 import S3Settings
from kazinex_storage.providers.s3.credentials import ChainCredentials
from kazinex_storage.providers.s3.target import S3, Credentials
from kazinex_storage.providers.settings.environment import settings_from_environment
from kazinex_storage.providers.settings.settings_text import trim
from kazinex_storage.registry import default_registry

KEY_ID = "AKIAEXAMPLEEXAMPLE00"
HIDDEN = "example/Secret+Not/Real=="
KEYS: dict[str, object] = {"access_key_id": KEY_ID, "secret_access_key": HIDDEN}
GIVEN: dict[str, object] = {**KEYS, "bucket": "plans", "region": "eu-central-1"}
LOOPBACK = "http://127.0.0.1:8333"


def s3(**changes: object) -> S3Settings:
    return S3Settings.model_validate({**GIVEN, **changes})


def refusal(**changes: object) -> str:
    with pytest.raises(SettingsError) as caught:
        default_registry().parse_settings("s3", {**GIVEN, **changes})
    return caught.value.message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "https://plans.s3.eu-central-1.amazonaws.com/"),
        ({"addressing": "path"}, "https://s3.eu-central-1.amazonaws.com/plans/"),
        ({"bucket": "plans.example.com"}, "https://s3.eu-central-1.amazonaws.com/plans.example.com/"),
        ({"bucket": "Old_Bucket"}, "https://s3.eu-central-1.amazonaws.com/Old_Bucket/"),
        ({"region": "cn-north-1"}, "https://plans.s3.cn-north-1.amazonaws.com.cn/"),
        ({"region": "us-gov-west-1"}, "https://plans.s3.us-gov-west-1.amazonaws.com/"),
        ({"region": "eusc-de-east-1"}, "https://plans.s3.eusc-de-east-1.amazonaws.eu/"),
        (
            {"endpoint_url": "https://s3.dualstack.eu-west-1.amazonaws.com"},
            "https://plans.s3.dualstack.eu-west-1.amazonaws.com/",
        ),
        ({"endpoint_url": f"{LOOPBACK}/"}, f"{LOOPBACK}/plans/"),
        ({"endpoint_url": "https://S3.Example.com/"}, "https://s3.example.com/plans/"),
        ({"endpoint_url": "https://s3.example.com/tenant/a/"}, "https://s3.example.com/tenant/a/plans/"),
        ({"endpoint_url": "https://s3.example.com", "addressing": "virtual"}, "https://plans.s3.example.com/"),
        ({"endpoint_url": "https://s3.example.com", "addressing": " AUTO "}, "https://s3.example.com/plans/"),
    ],
    ids=lambda value: None if isinstance(value, str) else ",".join(map(str, value.values())) or "as given",
)
def test_the_bucket_is_addressed_as_its_service_wants(changes: dict[str, object], expected: str) -> None:
    assert expected == s3(**changes).target().base_url


@pytest.mark.parametrize(
    ("region", "endpoint", "expected"),
    [
        ("eu-central-1", None, "eu-central-1"),
        (None, LOOPBACK, "us-east-1"),
        ("", LOOPBACK, "us-east-1"),
        ("garage", LOOPBACK, "garage"),
        (None, "https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
        (None, "https://s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        (None, "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    ],
)
def test_the_region_is_given_or_that_of_the_endpoint(region: str | None, endpoint: str | None, expected: str) -> None:
    assert expected == s3(region=region, endpoint_url=endpoint).target().region


def test_the_target_has_the_rules_of_s3() -> None:
    target = s3(prefix="live", max_file_size=1000).target()

    assert ("s3", S3, "live/", 1000) == (target.kind, target.preset, target.prefix, target.max_object_bytes)


def test_a_key_pair_is_used_as_it_is() -> None:
    target = s3(session_token=f"{HIDDEN}\n").target()

    assert target.credentials == Credentials(access_key_id=KEY_ID, secret_access_key=HIDDEN, session_token=HIDDEN)


@pytest.mark.parametrize("profile", [None, "plans"])
def test_without_a_key_pair_the_chain_is_asked_when_it_is_needed(profile: str | None) -> None:
    settings = S3Settings(bucket="plans", region="eu-central-1", profile=profile)

    source = settings.target().credentials

    assert isinstance(source, ChainCredentials)
    assert f"ChainCredentials(profile={profile!r})" == repr(source)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"secret_access_key": None}, "'secret_access_key': only half of a key pair"),
        ({"access_key_id": ""}, "'access_key_id': only half of a key pair"),
        ({"profile": "work"}, "'profile': a key pair is given as well"),
        (
            {"access_key_id": None, "secret_access_key": None, "session_token": "x"},
            "'session_token': it goes with a key pair",
        ),
        ({"access_key_id": "AKIA/EXAMPLE"}, "'access_key_id': .*without blanks, slash"),
        ({"secret_access_key": "one\ntwo"}, "'secret_access_key': there is a line break"),
        ({"region": None}, "'region': name the AWS region"),
        ({"region": "auto"}, "'region': name the AWS region"),
        ({"region": "Frankfurt am Main"}, "'region': a region is letters"),
        ({"region": None, "endpoint_url": "https://s3.amazonaws.com"}, "'region': the endpoint does not show"),
        ({"bucket": "plans/live"}, "'bucket': .*prefix"),
        ({"bucket": "s3://plans"}, "'bucket': .*only the name"),
        ({"bucket": "arn:aws:s3:::plans"}, "'bucket': this is an ARN"),
        ({"bucket": "-plans"}, "'bucket': the name of a bucket is 3 to 63"),
        ({"bucket": "pl..ans"}, "'bucket': the name of a bucket is 3 to 63"),
        ({"bucket": "pläne"}, "'bucket': the name of a bucket is 3 to 63"),
        ({"bucket": "plans.example.com", "addressing": "virtual"}, "'addressing': .*use path"),
        ({"endpoint_url": LOOPBACK, "addressing": "virtual"}, "'addressing': this endpoint cannot"),
        ({"endpoint_url": "https://s3.example.com/tenant", "addressing": "virtual"}, "'addressing': this endpoint"),
        ({"addressing": "dns"}, "'addressing'"),
        ({"endpoint_url": "https://plans.s3.eu-west-1.amazonaws.com"}, "'endpoint_url': it contains the bucket"),
        ({"endpoint_url": "https://s3.example.com/plans/"}, "'endpoint_url': it contains the bucket"),
        ({"endpoint_url": f"https://{'0' * 32}.r2.cloudflarestorage.com"}, "'endpoint_url': .*kind 'r2'"),
        ({"endpoint_url": f"https://{'0' * 32}.r2.cloudflarestorage.com:443"}, "'endpoint_url': .*kind 'r2'"),
        ({"endpoint_url": f"https://{'0' * 32}.R2.cloudflarestorage.com."}, "'endpoint_url': .*kind 'r2'"),
        ({"endpoint_url": "https://."}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": f"https://{'a' * 20}.supabase.co/storage/v1/s3"}, "'endpoint_url': .*kind 'supabase'"),
        ({"endpoint_url": "http://127.0.0.1:54321/storage/v1/s3"}, "'endpoint_url': .*kind 'supabase'"),
        ({"endpoint_url": "s3.example.com"}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": "ftp://s3.example.com"}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": "https://"}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": "https://127.0.0.1:port"}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": "https://[::1"}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": "https://ada@s3.example.com"}, "'endpoint_url': .*user or a password"),
        ({"endpoint_url": "https://s3.example.com/#a"}, "'endpoint_url': .*no '.', '#'"),
        ({"endpoint_url": "https://s3.exämple.com"}, "'endpoint_url': .*letter beyond ASCII"),
        ({"endpoint_url": "https://s3.example.com\r\nHost: x"}, "'endpoint_url'"),
        ({"prefix": "a//b"}, "'prefix': it is no folder"),
        ({"max_file_size": -1}, "'max_file_size'"),
        ({"secret": "x"}, "'secret' is not a field"),
    ],
    ids=lambda value: None if isinstance(value, str) else ",".join(f"{k}={v}" for k, v in value.items()),
)
def test_what_cannot_be_used_is_explained(changes: dict[str, object], expected: str) -> None:
    message = refusal(**changes)

    assert re.search(expected, message), message


def test_settings_come_from_the_environment() -> None:
    variables = {
        "KAZINEX_STORAGE_S3_BUCKET": "plans",
        "KAZINEX_STORAGE_S3_REGION": "",
        "KAZINEX_STORAGE_S3_ACCESS_KEY_ID": KEY_ID,
        "KAZINEX_STORAGE_S3_SECRET_ACCESS_KEY": HIDDEN,
        "KAZINEX_STORAGE_S3_SESSION_TOKEN": "",
        "KAZINEX_STORAGE_S3_PROFILE": "",
        "KAZINEX_STORAGE_S3_ENDPOINT_URL": LOOPBACK,
        "KAZINEX_STORAGE_S3_ADDRESSING": "",
        "KAZINEX_STORAGE_S3_MAX_FILE_SIZE": "",
    }

    found = settings_from_environment(S3Settings, "KAZINEX_STORAGE_S3_", variables)

    assert s3(endpoint_url=LOOPBACK, region=None).target() == S3Settings.model_validate(found).target()


def test_settings_survive_a_catalogue_with_the_secrets_apart() -> None:
    settings = s3(session_token="x" * 20)

    public, secrets = split(settings)

    assert {"secret_access_key", "session_token"} == set(secrets)
    assert settings == S3Settings.model_validate(merge(public, secrets))


@pytest.mark.parametrize(
    "changes",
    [
        {"region": None},
        {"secret_access_key": f"{HIDDEN}\0{HIDDEN}"},
        {"access_key_id": f"{HIDDEN},"},
        {"access_key_id": {"a": HIDDEN}},
        {"bucket": HIDDEN},
        {"endpoint_url": HIDDEN},
        {"addressing": HIDDEN},
        {"unknown": HIDDEN},
    ],
    ids=lambda value: ",".join(value),
)
def test_a_refusal_shows_no_secret(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        s3(**changes)

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.errors()) + caught.value.json()
    assert HIDDEN not in shown
    assert HIDDEN.encode() not in pickle.dumps(caught.value)


def test_settings_show_no_secret() -> None:
    settings = s3()

    assert HIDDEN not in f"{settings} {settings!r} {settings.model_dump_json()} {settings.target()!r}"


@given(st.text())
def test_trimming_twice_is_trimming_once(text: str) -> None:
    assert trim(text) == trim(trim(text))


@given(st.text())
def test_trimming_takes_from_the_ends_only(text: str) -> None:
    assert trim(text) in text


@given(st.text("abcXYZ0189+/=._-", min_size=1))
def test_trimming_leaves_a_clean_value_alone(text: str) -> None:
    assert text == trim(text)


@pytest.mark.parametrize("text", ['"abc', "abc'", "\"abc'", "a'b'c", "ab c"])
def test_a_quote_without_its_pair_stays(text: str) -> None:
    """A password of another server may have one; only what surely is not meant goes."""
    assert text == trim(text)
