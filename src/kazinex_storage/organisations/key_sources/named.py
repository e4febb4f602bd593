"""A key source by text, as ``KAZINEX_STORAGE_KEY_SOURCE`` and configuration files of hosts have it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ...errors import SettingsError
from ..sealing import RingSource
from .source import KeySource

_FORMS = (
    "write aws-kms:KEY, azure-key-vault:https://NAME.vault.azure.net/keys/KEY, "
    "vault:https://HOST:8200/MOUNT/KEY?token_file=FILE, or ring:"
)


def open_key_source(text: str, ring: RingSource | None = None) -> KeySource:
    """Return the key source that *text* names; nothing is asked of it yet.

    ``aws-kms:alias/kazinex?region=eu-central-1`` (also ``profile``, ``endpoint``),
    ``azure-key-vault:https://example.vault.azure.net/keys/kazinex``,
    ``vault:https://vault.example.com:8200/transit/kazinex`` with ``token_file``, ``namespace`` and ``ca_file``, and
    ``ring:`` for *ring*. ``{organisation}`` in the name of a key stands for the id of the organisation. A mount of
    Vault may have several parts: ``team/transit/kazinex``.

    Raises:
        SettingsError: it names none.

    Example:
        >>> open_key_source("aws-kms:alias/kazinex?region=eu-central-1")
        AwsKms('alias/kazinex')
    """
    kind, colon, rest = text.strip().partition(":")
    place, _, query = rest.partition("?")
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    if colon and kind == "aws-kms" and place:
        from .aws_kms import AwsKms

        _check(kind, given, {"region", "profile", "endpoint"})
        return AwsKms(place, **given)
    if colon and kind == "azure-key-vault" and place:
        from .azure_key_vault import AzureKeyVault

        _check(kind, given, {"client_id"})
        return AzureKeyVault(place, client_id=given.get("client_id"))
    if colon and kind == "vault" and place:
        _check(kind, given, {"token_file", "namespace", "ca_file"})
        return _vault(place, given)
    if colon and kind == "ring" and not rest and ring is not None:
        from .ring import RingKeys

        return RingKeys(ring)
    raise SettingsError(f"the key source {kind!r} is not known or not complete; {_FORMS}")


def _vault(place: str, given: dict[str, str]) -> KeySource:
    from .vault import VaultTransit

    parts = urlsplit(place)
    mount, _, key = parts.path.strip("/").rpartition("/")
    if not mount or "token_file" not in given:
        raise SettingsError(f"the key source vault: names no mount, no key, or no token_file; {_FORMS}")
    token = Path(given.pop("token_file"))
    return VaultTransit(f"{parts.scheme}://{parts.netloc}", unquote(key), token=token, mount=unquote(mount), **given)


def _check(kind: str, given: dict[str, str], known: set[str]) -> None:
    wrong = sorted(given.keys() - known)
    if wrong:
        raise SettingsError(f"the key source {kind} takes {', '.join(sorted(known))}, not {', '.join(wrong)}")
