"""What is said to keep documents in a container of Azure Blob Storage."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator, Mapping
from typing import Final, Self

from pydantic import BaseModel, ModelWrapValidatorHandler, model_validator

from ..._internal.settings_text import (
    CONFIG,
    Folder,
    MaxSize,
    OptionalEndpoint,
    OptionalSecret,
    OptionalText,
    OptionalToken,
    Problem,
    Text,
    largest,
    split_endpoint,
    validate,
)
from .target import MAX_OBJECT_BYTES, AccountKey, SasToken, Target

# learn.microsoft.com/rest/api/storageservices/Naming-and-Referencing-Containers--Blobs--and-Metadata and
# learn.microsoft.com/azure/storage/common/storage-account-overview (read 2026-08)
_CONTAINER: Final = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*|\$root|\$web")
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
_CREDENTIALS: Final = ("account_key", "connection_string", "sas_token")


class AzureBlobSettings(BaseModel):
    """Settings of the kind ``azure_blob``: a container, and one of account key, connection string or SAS token."""

    model_config = CONFIG

    account: OptionalText = None
    """Name of the storage account; a connection string brings it along."""
    container: Text
    """Its exact name; it must exist."""
    account_key: OptionalSecret = None
    """Access key of the account, from Security + networking, Access keys."""
    connection_string: OptionalSecret = None
    """The whole line from the same page, instead of account and key."""
    sas_token: OptionalToken = None
    """A shared access signature for the container, with read, add, create, write, delete and list."""
    endpoint_url: OptionalEndpoint = None
    """Blob endpoint of a sovereign cloud or of Azurite, without the container. Without it: the public cloud."""
    prefix: Folder = ""
    """A folder in the container that everything goes into."""
    max_file_size: MaxSize = None
    """Bytes; without it 190.7 TiB."""

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, _problems, cls.__name__)

    def target(self) -> Target:
        """Return the container that these settings name."""
        parts = _connection(self)
        account = self.account or parts.get("accountname", "")
        return Target(
            account=account,
            container=self.container,
            endpoint_url=(self.endpoint_url or _endpoint(parts, account)).rstrip("/"),
            credential=_credential(self, parts),
            prefix=self.prefix,
            max_object_bytes=largest(self.max_file_size, MAX_OBJECT_BYTES),
        )


def _problems(settings: AzureBlobSettings) -> Iterator[Problem]:
    if not _CONTAINER.fullmatch(settings.container):
        message = "a container has 3 to 63 of a-z 0-9 and single hyphens in its name; copy the exact name"
        yield Problem(field="container", message=message)
    given = [name for name in _CREDENTIALS if getattr(settings, name) is not None]
    if len(given) != 1:
        field = given[1] if given else "account_key"
        yield Problem(field=field, message=f"give exactly one of {', '.join(_CREDENTIALS)}")
        return
    parts = _connection(settings)
    if settings.connection_string is not None and not ({"accountkey", "sharedaccesssignature"} & parts.keys()):
        message = "it holds neither AccountKey nor SharedAccessSignature; copy the whole line again"
        yield Problem(field="connection_string", message=message)
        return
    account = settings.account or parts.get("accountname", "")
    if not _ACCOUNT.fullmatch(account):
        yield Problem(field="account", message="name the storage account: 3 to 24 of a-z and 0-9")
    elif settings.account and parts.get("accountname", account) != account:
        yield Problem(field="account", message="the connection string is that of another account; leave it out")
    if "blobendpoint" in parts and settings.endpoint_url is None:
        try:
            split_endpoint(parts["blobendpoint"])
        except ValueError:
            yield Problem(field="connection_string", message="its BlobEndpoint is no URL; copy the whole line again")
    credential = _credential(settings, parts)
    if isinstance(credential, AccountKey) and not _is_key(credential.key):
        yield Problem(field=given[0], message="the account key is not base64; copy it again in one piece")
    elif isinstance(credential, SasToken) and not re.search(r"(?:^|&)sig=[^&]", credential.token):
        yield Problem(field=given[0], message="the shared access signature has no sig=; copy the whole token")


def _connection(settings: AzureBlobSettings) -> Mapping[str, str]:
    if settings.connection_string is None:
        return {}
    pairs = (part.partition("=") for part in settings.connection_string.get_secret_value().split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def _credential(settings: AzureBlobSettings, parts: Mapping[str, str]) -> AccountKey | SasToken:
    if settings.account_key is not None:
        return AccountKey(key=settings.account_key.get_secret_value())
    if "accountkey" in parts:
        return AccountKey(key=parts["accountkey"])
    token = settings.sas_token.get_secret_value() if settings.sas_token else parts.get("sharedaccesssignature", "")
    return SasToken(token=token.lstrip("?"))


def _endpoint(parts: Mapping[str, str], account: str) -> str:
    found = parts.get("blobendpoint")
    if found:
        return found
    scheme = parts.get("defaultendpointsprotocol", "https")
    return f"{scheme}://{account}.blob.{parts.get('endpointsuffix', 'core.windows.net')}"


def _is_key(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except (BadBase64, ValueError):
        return False
