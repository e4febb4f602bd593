"""The options for other tools as values: what each holds for which service, and that no quote is broken out of."""

from __future__ import annotations

import configparser
import re
from typing import TYPE_CHECKING, get_args

import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import SettingsError
from kazinex_storage.providers.s3 import R2Settings, S3Settings, SupabaseSettings
from kazinex_storage.providers.s3.export import Exporter, OptionsTool, TextTool
from kazinex_storage.providers.s3.target import S3, Credentials, Target

if TYPE_CHECKING:
    from typing import Literal

HIDDEN = "00112233445566778899aabbccddeeff" * 2
R2 = R2Settings.model_validate(
    {
        "account_id": "0123456789abcdef" * 2,
        "access_key_id": "fedcba9876543210" * 2,
        "secret_access_key": HIDDEN,
        "bucket": "plans",
        "jurisdiction": "eu",
        "prefix": "live",
    }
)
AWS = S3Settings.model_validate(
    {"access_key_id": "EXAMPLE", "secret_access_key": HIDDEN, "bucket": "plans", "region": "eu-central-1"}
)
SUPABASE = SupabaseSettings.model_validate(
    {
        "project_ref": "abcdefghijklmnopqrst",
        "region": "eu-central-1",
        "access_key_id": "fedcba9876543210" * 2,
        "secret_access_key": HIDDEN,
        "bucket": "plans",
    }
)
R2_HOST = f"{'0123456789abcdef' * 2}.eu.r2.cloudflarestorage.com"

# What an R2 answers 501 to is sent unless both say this.
ASKED_FOR = "when_required"


def exporter(secret: str, token: str | None = None, bucket: str = "plans") -> Exporter:
    return Exporter(
        Target(
            kind="s3",
            preset=S3,
            endpoint_url="http://127.0.0.1:8333",
            bucket=bucket,
            region="us-east-1",
            credentials=Credentials(access_key_id="EXAMPLE", secret_access_key=secret, session_token=token),
            max_object_bytes=1,
        )
    )


def sections(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser


def test_boto3_sends_r2_checksums_only_where_they_are_asked_for() -> None:
    options = R2.export("boto3")

    config = options["config"]
    assert isinstance(config, Config)
    assert (ASKED_FOR, ASKED_FOR, "s3v4", {"addressing_style": "path"}) == (
        config.request_checksum_calculation,  # type: ignore[attr-defined]
        config.response_checksum_validation,  # type: ignore[attr-defined]
        config.signature_version,  # type: ignore[attr-defined]
        config.s3,  # type: ignore[attr-defined]
    )
    assert (f"https://{R2_HOST}", "auto") == (options["endpoint_url"], options["region_name"])


def test_boto3_keeps_its_own_checksums_for_aws() -> None:
    config = AWS.export("boto3")["config"]

    assert isinstance(config, Config)
    assert ASKED_FOR != config.request_checksum_calculation  # type: ignore[attr-defined]
    assert {"addressing_style": "virtual"} == config.s3  # type: ignore[attr-defined]


def test_s3fs_sends_r2_parts_of_one_size() -> None:
    options = R2.export("s3fs")

    assert options["fixed_upload_size"] is True
    assert {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path"},
        "request_checksum_calculation": ASKED_FOR,
        "response_checksum_validation": ASKED_FOR,
    } == options["config_kwargs"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (R2, {"conditional_put": "etag", "copy_if_not_exists": "header: cf-copy-destination-if-none-match: *"}),
        (AWS, {"conditional_put": "etag", "copy_if_not_exists": "multipart"}),
        (SUPABASE, {"conditional_put": "disabled"}),
    ],
    ids=["r2", "aws", "supabase"],
)
def test_obstore_knows_how_the_service_creates_only(
    settings: R2Settings | S3Settings | SupabaseSettings, expected: dict[str, str]
) -> None:
    options = settings.export("obstore")

    found = {name: options[name] for name in ("conditional_put", "copy_if_not_exists") if name in options}
    assert expected == found


def test_obstore_has_the_bucket_in_the_host_name_of_aws() -> None:
    """Its endpoint is then that of the bucket."""
    options = AWS.export("obstore")

    assert ("https://plans.s3.eu-central-1.amazonaws.com", True) == (
        options["endpoint"],
        options["virtual_hosted_style_request"],
    )


def test_pyarrow_gets_host_and_scheme_apart() -> None:
    options = SUPABASE.export("pyarrow")

    assert ("https", "abcdefghijklmnopqrst.storage.supabase.co/storage/v1/s3", False) == (
        options["scheme"],
        options["endpoint_override"],
        options["force_virtual_addressing"],
    )


@pytest.mark.parametrize(
    ("settings", "provider", "path_style"),
    [(R2, "Cloudflare", "true"), (AWS, "AWS", "false"), (SUPABASE, "Other", "true")],
    ids=["r2", "aws", "supabase"],
)
def test_rclone_knows_the_provider_and_leaves_the_bucket_alone(
    settings: R2Settings | S3Settings | SupabaseSettings, provider: str, path_style: str
) -> None:
    section = sections(settings.export("rclone", name="site"))["site"]

    assert ("s3", provider, path_style, "true") == (
        section["type"],
        section["provider"],
        section["force_path_style"],
        section["no_check_bucket"],
    )


def test_the_aws_cli_sends_r2_checksums_only_where_they_are_asked_for() -> None:
    section = sections(R2.export("aws-cli", name="site"))["profile site"]

    assert (ASKED_FOR, ASKED_FOR, f"https://{R2_HOST}", "auto") == (
        section["request_checksum_calculation"],
        section["response_checksum_validation"],
        section["endpoint_url"],
        section["region"],
    )
    assert "addressing_style = path" in section["s3"]


def test_the_aws_cli_keeps_its_own_checksums_for_aws() -> None:
    assert "checksum" not in AWS.export("aws-cli")


def test_duckdb_uses_the_secret_below_the_prefix_only() -> None:
    statement = R2.export("duckdb", name="site")

    assert 'CREATE OR REPLACE SECRET "site" (' in statement
    assert f"ENDPOINT '{R2_HOST}'" in statement
    assert "SCOPE 's3://plans/live/'" in statement
    assert "USE_SSL true" in statement


@given(secret=st.text(min_size=1), token=st.none() | st.text(min_size=1))
def test_no_secret_ends_its_quotes_in_sql(secret: str, token: str | None) -> None:
    statement = exporter(secret, token)("duckdb")

    literals = [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", statement)]
    assert {secret, token or secret} <= set(literals)
    assert 0 == re.sub(r"'(?:[^']|'')*'", "", statement).count("'")


@given(secret=st.text(min_size=1), tool=st.sampled_from(["rclone", "aws-cli"]))
def test_a_secret_comes_out_of_a_file_as_it_went_in_or_not_at_all(
    secret: str, tool: Literal["rclone", "aws-cli"]
) -> None:
    try:
        text = exporter(secret)(tool, name="site")
    except SettingsError:
        return

    [name] = sections(text).sections()
    found = sections(text)[name]
    assert secret in (found.get("secret_access_key"), found.get("aws_secret_access_key"))


@pytest.mark.parametrize("tool", ["rclone", "aws-cli"])
@pytest.mark.parametrize("character", ["\n", "\r", "'", '"', "`", "#", ";", " ", "ä"])
def test_what_a_file_would_misread_is_refused_without_showing_it(
    tool: Literal["rclone", "aws-cli"], character: str
) -> None:
    with pytest.raises(SettingsError, match="secret_access_key has characters") as caught:
        exporter(f"{HIDDEN}{character}x")(tool)

    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize("tool", ["rclone", "aws-cli", "duckdb"])
@pytest.mark.parametrize("name", ["", 'a"b', "a]\n[b", "1a", "a" * 65])
def test_a_name_that_could_break_out_is_refused(tool: TextTool, name: str) -> None:
    with pytest.raises(SettingsError, match="a name of an export"):
        R2.export(tool, name=name)


def test_the_error_for_an_unknown_tool_lists_the_known_ones() -> None:
    known = [*get_args(OptionsTool), *get_args(TextTool)]

    with pytest.raises(SettingsError, match=f"no export for 's4cmd'; known are {', '.join(known)}"):
        R2.export("s4cmd")  # type: ignore[call-overload]


@pytest.mark.parametrize("tool", [*get_args(OptionsTool), *get_args(TextTool)])
def test_a_session_token_goes_along(tool: OptionsTool) -> None:
    assert "example-session" in str(exporter(HIDDEN, "example-session")(tool))


@pytest.mark.parametrize("tool", [*get_args(OptionsTool), *get_args(TextTool)])
def test_every_tool_gets_the_key(tool: OptionsTool) -> None:
    assert HIDDEN in str(exporter(HIDDEN)(tool))


def test_credentials_of_a_profile_are_asked_for_when_they_are_exported() -> None:
    target = exporter(HIDDEN).target
    found = Credentials(access_key_id="EXAMPLELATER", secret_access_key=HIDDEN)

    asked = Exporter(
        Target(
            kind="s3",
            preset=S3,
            endpoint_url=target.endpoint_url,
            bucket=target.bucket,
            region=target.region,
            credentials=lambda: found,
            max_object_bytes=1,
        )
    )

    assert "EXAMPLELATER" == asked("obstore")["access_key_id"]


def test_an_exporter_shows_no_secret() -> None:
    assert HIDDEN not in repr(R2.export)
