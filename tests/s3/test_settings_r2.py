"""The settings of R2: what people paste into them, and what they are told about it."""

from __future__ import annotations

import logging
import pickle
import re
import string
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations.settings import merge, split
from kazinex_storage.providers.s3 import R2Settings
from kazinex_storage.providers.s3.target import R2, Credentials
from kazinex_storage.providers.settings.environment import settings_from_environment
from kazinex_storage.registry import default_registry

ACCOUNT = "0123456789abcdef" * 2
KEY_ID = "fedcba9876543210" * 2
SECRET = "00112233445566778899aabbccddeeff" * 2
SESSION = "example-token-not-real"
ANYTHING = "not real"
GIVEN: dict[str, object] = {
    "account_id": ACCOUNT,
    "access_key_id": KEY_ID,
    "secret_access_key": SECRET,
    "bucket": "kazinex-documents",
}

JUNK = " \t\r\n\v\f\0\x1f\xa0\u2003\u200b\u200c\u200d\u2060\ufeff\u202a\u2028"
QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("`", "`"), ("\u2018", "\u2019"))

hexadecimal = st.text("0123456789abcdef", min_size=32, max_size=32)
junk = st.text(JUNK, max_size=5)
buckets = st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True)
jurisdictions = st.sampled_from([None, "eu", "fedramp", "us"])


def r2(**changes: object) -> R2Settings:
    return R2Settings.model_validate({**GIVEN, **changes})


def refusal(**changes: object) -> str:
    with pytest.raises(SettingsError) as caught:
        default_registry().parse_settings("r2", {**GIVEN, **changes})
    return caught.value.message


def without(name: str) -> dict[str, object]:
    return {field: value for field, value in GIVEN.items() if field != name}


def host(account: str, jurisdiction: str | None) -> str:
    return ".".join(part for part in (account, jurisdiction, "r2.cloudflarestorage.com") if part)


@pytest.mark.parametrize(
    ("jurisdiction", "expected"),
    [
        (None, f"https://{ACCOUNT}.r2.cloudflarestorage.com"),
        ("", f"https://{ACCOUNT}.r2.cloudflarestorage.com"),
        ("default", f"https://{ACCOUNT}.r2.cloudflarestorage.com"),
        ("eu", f"https://{ACCOUNT}.eu.r2.cloudflarestorage.com"),
        ("EU ", f"https://{ACCOUNT}.eu.r2.cloudflarestorage.com"),
        ("fedramp", f"https://{ACCOUNT}.fedramp.r2.cloudflarestorage.com"),
        ("us", f"https://{ACCOUNT}.us.r2.cloudflarestorage.com"),
    ],
)
def test_the_endpoint_is_made_of_account_and_jurisdiction(jurisdiction: str | None, expected: str) -> None:
    assert expected == r2(jurisdiction=jurisdiction).target().endpoint_url


def test_the_target_is_the_bucket_with_its_credentials() -> None:
    target = r2(prefix="kazinex/live", session_token=SESSION, max_file_size="1000").target()

    assert ("r2", R2, "auto", "kazinex-documents", "kazinex/live/", False, 1000) == (
        target.kind,
        target.preset,
        target.region,
        target.bucket,
        target.prefix,
        target.virtual_host,
        target.max_object_bytes,
    )
    assert target.credentials == Credentials(access_key_id=KEY_ID, secret_access_key=SECRET, session_token=SESSION)


def test_a_limit_above_that_of_the_service_is_that_of_the_service() -> None:
    assert R2.max_object_bytes == r2(max_file_size=10**15).target().max_object_bytes


@given(
    before=junk,
    after=junk,
    inner=junk,
    quotes=st.sampled_from(QUOTES),
    field=st.sampled_from(["account_id", "access_key_id", "secret_access_key", "bucket"]),
)
def test_what_stands_invisibly_or_in_quotes_around_a_value_is_left_out(
    before: str, after: str, inner: str, quotes: tuple[str, str], field: str
) -> None:
    pasted = f"{before}{quotes[0]}{inner}{GIVEN[field]}{inner}{quotes[1]}{after}"

    assert r2() == r2(**{field: pasted})


@pytest.mark.parametrize("field", ["account_id", "access_key_id", "secret_access_key", "bucket", "session_token"])
def test_trimming_a_value_is_a_warning_that_names_the_setting_only(
    field: str, caplog: pytest.LogCaptureFixture
) -> None:
    value = GIVEN.get(field, SESSION)

    r2(**{field: f"{value}\n"})

    [record] = caplog.records
    assert logging.WARNING == record.levelno
    assert repr(field) in record.getMessage()
    assert str(value) not in caplog.text


def test_clean_settings_warn_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    r2(prefix="a b/", session_token=SESSION)

    assert [] == caplog.records


@given(
    account=hexadecimal,
    jurisdiction=jurisdictions,
    bucket=st.none() | buckets,
    style=st.sampled_from(["path", "host"]),
    scheme=st.sampled_from(["https://", "HTTPS://", ""]),
    end=st.sampled_from(["", "/"]),
    field=st.sampled_from(["account_id", "endpoint_url"]),
)
def test_a_pasted_endpoint_is_taken_apart(
    account: str, jurisdiction: str | None, bucket: str | None, style: str, scheme: str, end: str, field: str
) -> None:
    address = host(account, jurisdiction)
    if bucket is not None:
        address = f"{address}/{bucket}" if style == "path" else f"{bucket}.{address}"
    given_fields = {**without("account_id"), field: f"{scheme}{address}{end}"}
    if bucket is not None:
        del given_fields["bucket"]

    settings = R2Settings.model_validate(given_fields)

    assert (account, jurisdiction, bucket or GIVEN["bucket"], None) == (
        settings.account_id,
        settings.jurisdiction,
        settings.bucket,
        settings.endpoint_url,
    )


@given(account=hexadecimal, jurisdiction=st.sampled_from(["eu", "fedramp", "us", "EU"]))
def test_a_jurisdiction_behind_the_account_id_is_taken_apart(account: str, jurisdiction: str) -> None:
    settings = r2(account_id=f"{account}.{jurisdiction}")

    assert (account, jurisdiction.lower()) == (settings.account_id, settings.jurisdiction)


@given(text=st.text(string.printable + "äé", max_size=80))
def test_what_is_no_account_never_becomes_one(text: str) -> None:
    """Whatever is pasted is refused, or ends as 32 hexadecimal digits that stood in it."""
    try:
        account = r2(account_id=text).account_id
    except ValidationError:
        return

    assert 32 == len(account)
    assert set(account) <= set("0123456789abcdef")
    assert account in text.lower()


def test_an_account_id_in_capitals_is_the_same_account() -> None:
    assert ACCOUNT == r2(account_id=ACCOUNT.upper()).account_id


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account_id": f"{ACCOUNT}.eu", "jurisdiction": "us"}, "'account_id': .*another jurisdiction"),
        ({"account_id": f"https://{host(ACCOUNT, None)}/other"}, "'account_id': .*another bucket"),
        ({"endpoint_url": f"https://{host(KEY_ID, None)}"}, "'endpoint_url': .*another account"),
        ({"account_id": f"{ACCOUNT}.mars"}, "'jurisdiction'"),
        ({"account_id": f"https://dash.cloudflare.com/{ACCOUNT}/r2"}, "'account_id': .*page of the dashboard"),
        ({"account_id": "https://pub-0123456789abcdef.r2.dev"}, "'account_id': .*public address"),
        ({"account_id": "kazinex"}, "'account_id': .*32 hexadecimal digits"),
        ({"account_id": " \n"}, "'account_id': it is empty"),
        ({"access_key_id": "v1.0-example_not_a_real_token_aaaaaaaaaaa"[:40]}, "'access_key_id': .*40 characters"),
        ({"access_key_id": "a-B" * 13 + "c"}, "'access_key_id': .*value of a Cloudflare API token"),
        ({"secret_access_key": "cfut_" + "x" * 48}, "'secret_access_key': .*value of a Cloudflare API token"),
        ({"access_key_id": SECRET, "secret_access_key": KEY_ID}, "'access_key_id': .*swap"),
        ({"access_key_id": ACCOUNT}, "'access_key_id': this is the account id"),
        ({"access_key_id": f"{KEY_ID[:9]} {KEY_ID[9:]}"}, "'access_key_id': .*without blanks"),
        ({"secret_access_key": SECRET[:-1]}, "'secret_access_key': .*63 characters"),
        ({"secret_access_key": f"{SECRET[:9]}\n{SECRET[9:]}"}, "'secret_access_key': there is a line break"),
        ({"secret_access_key": ""}, "'secret_access_key': it is empty"),
        ({"session_token": "one two"}, "'session_token': there is a blank"),
        ({"bucket": "Kazinex-Documents"}, "'bucket': .*capital letter.*case-sensitive"),
        ({"bucket": "kazinex-documents/live"}, "'bucket': .*prefix"),
        ({"bucket": "kazinex.documents"}, "'bucket': .*3 to 63"),
        ({"bucket": "-documents"}, "'bucket': .*3 to 63"),
        ({"bucket": "ab"}, "'bucket': .*3 to 63"),
        ({"bucket": "a" * 64}, "'bucket': .*3 to 63"),
        ({"jurisdiction": "mars"}, "'jurisdiction'"),
        ({"prefix": "/live"}, "'prefix': it is no folder"),
        ({"prefix": "a/../b"}, "'prefix': it is no folder"),
        ({"endpoint_url": "127.0.0.1:9000"}, "'endpoint_url': give the whole URL"),
        ({"endpoint_url": "https://ada:pw@127.0.0.1"}, "'endpoint_url': .*user or a password"),
        ({"endpoint_url": "https://127.0.0.1/?a=b"}, "'endpoint_url': .*beginning of URLs"),
        ({"browser_origin": "https://app.example.com/upload"}, "'browser_origin': an origin is scheme and host"),
        ({"browser_origin": "app.example.com"}, "'browser_origin': give the whole URL"),
        ({"max_file_size": 0}, "'max_file_size'"),
        ({"max_file_size": "500 MB"}, "'max_file_size'"),
        ({"regoin": "auto"}, "'regoin' is not a field"),
    ],
    ids=lambda value: None if isinstance(value, str) else ",".join(value),
)
def test_what_cannot_be_used_is_explained(changes: dict[str, object], expected: str) -> None:
    message = refusal(**changes)

    assert re.search(expected, message), message


def test_several_problems_are_reported_at_once() -> None:
    message = refusal(account_id="x", access_key_id="y", secret_access_key=ANYTHING, bucket="W")

    for field in GIVEN:
        assert f"'{field}':" in message


@pytest.mark.parametrize("jurisdiction", [None, "eu"])
def test_the_target_knows_where_else_a_bucket_of_the_account_can_be(jurisdiction: str | None) -> None:
    target = r2(jurisdiction=jurisdiction).target()

    places = {"default": None, "eu": "eu", "fedramp": "fedramp", "us": "us"}
    elsewhere = {name: f"https://{host(ACCOUNT, place)}" for name, place in places.items() if place != jurisdiction}
    assert elsewhere == target.other_endpoints
    assert jurisdiction == target.jurisdiction


def test_another_server_is_not_compared_with_cloudflares() -> None:
    assert {} == r2(endpoint_url="http://127.0.0.1:9000").target().other_endpoints


def test_an_origin_is_taken_without_a_slash_at_its_end() -> None:
    assert "https://app.example.com" == r2(browser_origin="https://App.example.com/").target().browser_origin


def test_keys_of_any_shape_are_taken_for_another_server() -> None:
    settings = r2(
        endpoint_url="http://127.0.0.1:9000/", account_id="test", access_key_id="ada", secret_access_key=ANYTHING
    )

    assert "http://127.0.0.1:9000" == settings.target().endpoint_url


def test_temporary_keys_of_any_shape_are_taken() -> None:
    settings = r2(access_key_id="example-id", secret_access_key=ANYTHING, session_token=SESSION)

    assert "example-id" == settings.access_key_id


def test_settings_come_from_the_environment() -> None:
    variables = {f"KAZINEX_STORAGE_R2_{name.upper()}": str(value) for name, value in GIVEN.items()}
    variables |= {
        "KAZINEX_STORAGE_R2_JURISDICTION": "eu",
        "KAZINEX_STORAGE_R2_PREFIX": "",
        "KAZINEX_STORAGE_R2_ENDPOINT_URL": "",
        "KAZINEX_STORAGE_R2_SESSION_TOKEN": "",
        "KAZINEX_STORAGE_R2_MAX_FILE_SIZE": "524288000",
    }

    found = settings_from_environment(R2Settings, "KAZINEX_STORAGE_R2_", variables)

    assert r2(jurisdiction="eu", max_file_size=524288000).target() == R2Settings.model_validate(found).target()


def test_settings_survive_a_catalogue_with_the_secrets_apart() -> None:
    settings = r2(account_id=f"https://{host(ACCOUNT, 'eu')}/", session_token=SESSION)

    public, secrets = split(settings)

    assert {"secret_access_key": SECRET, "session_token": SESSION} == secrets
    assert settings == R2Settings.model_validate(merge(public, secrets))


@pytest.mark.parametrize(
    "changes",
    [
        {"bucket": "W"},
        {"secret_access_key": f"{SECRET}x"},
        {"secret_access_key": f"{SECRET}\n{SECRET}"},
        {"secret_access_key": [SECRET]},
        {"access_key_id": SECRET},
        {"account_id": SECRET},
        {"account_id": f"https://{SECRET}"},
        {"endpoint_url": f"https://ada:{SECRET}@127.0.0.1"},
        {"prefix": f"/{SECRET}"},
        {"unknown": SECRET},
        {"max_file_size": SECRET},
        {"jurisdiction": SECRET},
    ],
    ids=lambda value: ",".join(value),
)
def test_a_refusal_shows_no_secret(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        r2(**changes)

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.errors())
    assert SECRET not in shown
    assert SECRET not in caught.value.json()
    assert SECRET.encode() not in pickle.dumps(caught.value)


def test_settings_show_no_secret() -> None:
    settings = r2(session_token=SESSION)

    shown = f"{settings} {settings!r} {settings.model_dump_json()} {settings.target()!r}"

    assert SECRET not in shown
    assert SESSION not in shown


def test_settings_do_not_change() -> None:
    settings = r2()

    with pytest.raises(ValidationError, match="frozen"):
        settings.bucket = "other"
