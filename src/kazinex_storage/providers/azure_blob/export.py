"""The same container for other tools: options of azure-storage-blob, adlfs, obstore, rclone and DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, overload

from ...errors import SettingsError
from ...values import value
from ..objectstore.export import Options, duckdb_secret, export, section
from ..settings.entra import AppIdentity
from .target import AccountKey, Identity, SasToken, Target

OptionsTool: TypeAlias = Literal["azure-storage-blob", "adlfs", "obstore"]
TextTool: TypeAlias = Literal["rclone", "duckdb"]


@value(kw_only=False)
class Exporter:
    """How other tools reach a container. Calling it returns the options of one of them, credentials included."""

    target: Target

    @overload
    def __call__(self, tool: OptionsTool) -> Options: ...

    @overload
    def __call__(self, tool: TextTool, *, name: str = "kazinex") -> str: ...

    def __call__(self, tool: OptionsTool | TextTool, *, name: str = "kazinex") -> Options | str:
        """Return the options of *tool*. They contain the secrets in the clear: do not log, show or commit them.

        ``azure-storage-blob``: arguments of ``ContainerClient(**options)``. ``adlfs``: of
        ``adlfs.AzureBlobFileSystem(**options)``. ``obstore``: of ``obstore.store.AzureStore(**options)``, which then
        only sees the keys below the prefix, as ``Storage`` does. ``rclone``: a section of rclone.conf for a remote
        *name*. ``duckdb``: a statement that makes the secret *name* for ``azure://container/`` URLs; it needs the
        extension azure.

        The prefix of the settings is part of the keys for every tool but obstore. The name of a blob differs from its
        key where Azure cannot hold the key: where a segment ends with a dot.

        Raises:
            SettingsError: there is no such tool or no such name, the tool does not take this kind of credential,
                azure-identity is missing, or the file cannot hold a value.
        """
        return export(tool, name, _OPTIONS, _TEXTS, self.target)


def _azure_storage_blob(target: Target) -> Options:
    return {
        "account_url": target.endpoint_url,
        "container_name": target.container,
        "credential": _sdk_credential(target),
        **({} if target.ca_file is None else {"connection_verify": target.ca_file}),
    }


def _sdk_credential(target: Target) -> object:
    credential = target.credential
    if isinstance(credential, AccountKey):
        return {"account_name": target.account, "account_key": credential.key}
    if isinstance(credential, SasToken):
        return credential.token
    try:
        from azure.identity import CertificateCredential, ClientSecretCredential, ManagedIdentityCredential
    except ImportError:
        raise SettingsError("credentials of Entra are objects of azure-identity; pip install azure-identity") from None
    app = credential.app
    if app is None:
        return ManagedIdentityCredential(client_id=credential.client_id)
    if app.secret is not None:
        return ClientSecretCredential(app.tenant_id, app.client_id, app.secret, authority=app.login_url)
    pem = f"{app.private_key}\n{app.certificate}\n".encode()
    return CertificateCredential(app.tenant_id, app.client_id, certificate_data=pem, authority=app.login_url)


def _adlfs(target: Target) -> Options:
    credential = target.credential
    if not isinstance(credential, Identity):
        return {"account_name": target.account, "connection_string": _connection_string(target)}
    return {"account_name": target.account, **_app_secret(credential, "adlfs")}


def _obstore(target: Target) -> Options:
    credential = target.credential
    options: Options = {
        "container_name": target.container,
        "account_name": target.account,
        "endpoint": target.endpoint_url,
        "client_options": {"allow_http": target.endpoint_url.startswith("http://")},
    }
    if target.prefix:
        options["prefix"] = target.prefix.rstrip("/")
    if isinstance(credential, AccountKey):
        options["account_key"] = credential.key
    elif isinstance(credential, SasToken):
        options["sas_key"] = credential.token
    elif credential.app is not None:
        options |= _app_secret(credential, "obstore")
    elif credential.client_id is not None:
        options["client_id"] = credential.client_id
    return options


def _rclone(name: str, target: Target) -> str:
    credential = target.credential
    lines: dict[str, str | None] = {"type": "azureblob", "account": target.account, "endpoint": target.endpoint_url}
    if isinstance(credential, AccountKey):
        lines["key"] = credential.key
    elif isinstance(credential, SasToken):
        lines = {"type": "azureblob", "sas_url": f"{target.base_url}?{credential.token}"}
    elif credential.app is not None:
        found = _app_secret(credential, "rclone")
        lines |= {
            "tenant": found["tenant_id"],
            "client_id": found["client_id"],
            "client_secret": found["client_secret"],
        }
    else:
        lines |= {"use_msi": "true", "msi_client_id": credential.client_id}
    # Without it rclone makes the container before it writes, which a signature for one container may not do.
    lines["no_check_container"] = "true"
    return section(name, lines)


def _duckdb(name: str, target: Target) -> str:
    credential = target.credential
    if not isinstance(credential, Identity):
        values = {"CONNECTION_STRING": _connection_string(target)}
        provider = "config"
    elif credential.app is not None:
        found = _app_secret(credential, "DuckDB")
        values = {option.upper(): value for option, value in found.items()}
        provider = "service_principal"
    else:
        values, provider = {}, "credential_chain"
    if isinstance(credential, Identity):
        values["ACCOUNT_NAME"] = target.account
    values["SCOPE"] = f"azure://{target.container}/{target.prefix}"
    return duckdb_secret(name, {"TYPE": "azure", "PROVIDER": provider}, values)


def _app_secret(credential: Identity, tool: str) -> dict[str, str]:
    app: AppIdentity | None = credential.app
    if app is None or app.secret is None:
        raise SettingsError(f"{tool} takes no certificate and no identity of a machine from here; use a client secret")
    return {"tenant_id": app.tenant_id, "client_id": app.client_id, "client_secret": app.secret}


def _connection_string(target: Target) -> str:
    parts = {"BlobEndpoint": target.endpoint_url}
    if isinstance(target.credential, AccountKey):
        scheme = target.endpoint_url.partition(":")[0]
        key = target.credential.key
        parts |= {"DefaultEndpointsProtocol": scheme, "AccountName": target.account, "AccountKey": key}
    elif isinstance(target.credential, SasToken):
        parts["SharedAccessSignature"] = target.credential.token
    return ";".join(f"{name}={value}" for name, value in parts.items())


_OPTIONS: Final[dict[str, Callable[[Target], Options]]] = {
    "azure-storage-blob": _azure_storage_blob,
    "adlfs": _adlfs,
    "obstore": _obstore,
}
_TEXTS: Final[dict[str, Callable[[str, Target], str]]] = {"rclone": _rclone, "duckdb": _duckdb}
