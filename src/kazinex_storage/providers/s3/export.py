"""The same bucket for other tools: options of boto3, s3fs, obstore, pyarrow, rclone, DuckDB and the AWS CLI.

Apart from address and keys they contain what R2 and similar services need: checksums only where required (R2 answers
501 to the trailers that current SDKs send), path style, parts of one size, and no look at the bucket itself, which a
token for one bucket is not granted (developers.cloudflare.com/r2/api/s3/api, read 2026-08).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, overload
from urllib.parse import urlsplit

from ...errors import SettingsError
from ...values import value
from ..objectstore.export import Options, duckdb_secret, export, section
from .target import CreateCopy, Credentials, Target

OptionsTool: TypeAlias = Literal["boto3", "s3fs", "obstore", "pyarrow"]
TextTool: TypeAlias = Literal["rclone", "duckdb", "aws-cli"]

# boto3 1.36 made "when_supported" the default, which sends what only AWS is known to accept.
_WHEN_REQUIRED: Final = {
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


@value(kw_only=False)
class Exporter:
    """How other tools reach a bucket. Calling it returns the options of one of them, credentials included."""

    target: Target

    @overload
    def __call__(self, tool: OptionsTool) -> Options: ...

    @overload
    def __call__(self, tool: TextTool, *, name: str = "kazinex") -> str: ...

    def __call__(self, tool: OptionsTool | TextTool, *, name: str = "kazinex") -> Options | str:
        """Return the options of *tool*. They contain the secrets in the clear: do not log, show or commit them.

        ``boto3``: arguments of ``boto3.client("s3", **options)``. ``s3fs``: of ``s3fs.S3FileSystem(**options)``.
        ``obstore``: of ``obstore.store.S3Store(**options)``, which then only sees the keys below the prefix, as
        ``Storage`` does. ``pyarrow``: of ``pyarrow.fs.S3FileSystem(**options)``. ``rclone``: a section of
        rclone.conf for a remote *name*. ``duckdb``: a statement that makes the secret *name* for ``s3://bucket/``
        URLs; it needs the extension httpfs. ``aws-cli``: a section of ~/.aws/config for ``--profile`` *name*.

        pyarrow has no option to turn off checksum trailers, which R2 answers with 501: set
        ``AWS_REQUEST_CHECKSUM_CALCULATION=when_required`` in the environment of a process that writes with it.

        The prefix of the settings is part of the keys for every tool but obstore. Credentials of a profile or of the
        process are looked up now and written out; they may expire.

        Raises:
            SettingsError: there is no such tool or no such name, it needs boto3 and boto3 is not installed, there are
                no credentials, or the file cannot hold a key.
            UnavailableError: the source of the credentials does not answer.
        """
        source = self.target.credentials
        credentials = source if isinstance(source, Credentials) else source()
        return export(tool, name, _OPTIONS, _TEXTS, self.target, credentials)


def _boto3(target: Target, credentials: Credentials) -> Options:
    try:
        from botocore.config import Config
    except ImportError:
        config = None
    else:
        from .held_back import warn_of_old_botocore  # for this tool alone

        warn_of_old_botocore()
        style: Literal["virtual", "path"] = "virtual" if target.virtual_host else "path"
        config = Config(signature_version="s3v4", s3={"addressing_style": style})
        if not _is_aws(target):
            config = config.merge(
                Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
            )
    if config is None:
        raise SettingsError("the options of boto3 are its own objects; pip install 'kazinex-storage[r2]'")
    return {
        "endpoint_url": target.endpoint_url,
        "region_name": target.region,
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key,
        "aws_session_token": credentials.session_token,
        "config": config,
        **_verify(target),
    }


def _s3fs(target: Target, credentials: Credentials) -> Options:
    return {
        "key": credentials.access_key_id,
        "secret": credentials.secret_access_key,
        "token": credentials.session_token,
        "endpoint_url": target.endpoint_url,
        "client_kwargs": {"region_name": target.region, **_verify(target)},
        "config_kwargs": {
            "signature_version": "s3v4",
            "s3": {"addressing_style": _style(target)},
            **({} if _is_aws(target) else _WHEN_REQUIRED),
        },
        "fixed_upload_size": True,
    }


def _obstore(target: Target, credentials: Credentials) -> Options:
    options: Options = {
        "bucket": target.bucket,
        "endpoint": target.base_url.rstrip("/") if target.virtual_host else target.endpoint_url,
        "region": target.region,
        "access_key_id": credentials.access_key_id,
        "secret_access_key": credentials.secret_access_key,
        "virtual_hosted_style_request": target.virtual_host,
        "unsigned_payload": target.over_tls,
        "client_options": {"allow_http": not target.over_tls},
        "conditional_put": "etag" if target.preset.conditional_puts else "disabled",
    }
    if credentials.session_token is not None:
        options["session_token"] = credentials.session_token
    if target.prefix:
        options["prefix"] = target.prefix.rstrip("/")
    if target.preset.create_copy is CreateCopy.CLOUDFLARE_HEADER:
        options["copy_if_not_exists"] = "header: cf-copy-destination-if-none-match: *"
    elif target.preset.conditional_puts:
        options["copy_if_not_exists"] = "multipart"
    return options


def _pyarrow(target: Target, credentials: Credentials) -> Options:
    return {
        "access_key": credentials.access_key_id,
        "secret_key": credentials.secret_access_key,
        "session_token": credentials.session_token,
        "region": target.region,
        "scheme": urlsplit(target.endpoint_url).scheme,
        "endpoint_override": _host(target),
        "force_virtual_addressing": target.virtual_host,
        "check_directory_existence_before_creation": True,
    }


def _rclone(name: str, target: Target, credentials: Credentials) -> str:
    lines = {
        "type": "s3",
        "provider": "AWS" if _is_aws(target) else "Cloudflare" if target.kind == "r2" else "Other",
        "access_key_id": credentials.access_key_id,
        "secret_access_key": credentials.secret_access_key,
        "session_token": credentials.session_token,
        "region": target.region,
        "endpoint": target.endpoint_url,
        "force_path_style": str(not target.virtual_host).lower(),
        "list_version": "2",
        # Without it rclone makes the bucket before it writes, which a token for one bucket may not do.
        "no_check_bucket": "true",
    }
    return section(name, lines)


def _aws_cli(name: str, target: Target, credentials: Credentials) -> str:
    lines = {
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key,
        "aws_session_token": credentials.session_token,
        "region": target.region,
        "endpoint_url": target.endpoint_url,
        "ca_bundle": target.ca_file,
        **({} if _is_aws(target) else _WHEN_REQUIRED),
    }
    nested = ["s3 =", f"    addressing_style = {_style(target)}", "    signature_version = s3v4"]
    return section(f"profile {name}", lines, nested)


def _duckdb(name: str, target: Target, credentials: Credentials) -> str:
    values = {
        "KEY_ID": credentials.access_key_id,
        "SECRET": credentials.secret_access_key,
        "SESSION_TOKEN": credentials.session_token,
        "REGION": target.region,
        "ENDPOINT": _host(target),
        "URL_STYLE": "vhost" if target.virtual_host else "path",
        "SCOPE": f"s3://{target.location}".rstrip("/") + "/",
    }
    return duckdb_secret(name, {"TYPE": "s3", "USE_SSL": str(target.over_tls).lower()}, values)


def _verify(target: Target) -> Options:
    return {} if target.ca_file is None else {"verify": target.ca_file}


def _style(target: Target) -> str:
    return "virtual" if target.virtual_host else "path"


def _host(target: Target) -> str:
    """Return the endpoint without its scheme."""
    return target.endpoint_url.partition("://")[2]


def _is_aws(target: Target) -> bool:
    """Say whether this is AWS, whose own defaults are best."""
    host = urlsplit(target.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"))


_OPTIONS: Final[dict[str, Callable[[Target, Credentials], Options]]] = {
    "boto3": _boto3,
    "s3fs": _s3fs,
    "obstore": _obstore,
    "pyarrow": _pyarrow,
}
_TEXTS: Final[dict[str, Callable[[str, Target, Credentials], str]]] = {
    "rclone": _rclone,
    "duckdb": _duckdb,
    "aws-cli": _aws_cli,
}
