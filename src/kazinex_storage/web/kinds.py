"""The kinds of providers and the forms of their settings, from the settings models. Nothing here belongs to anyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from fastapi import APIRouter
from pydantic import JsonValue

from ..errors import SettingsError
from ..registry import ProviderKind, Registry
from .access import Action
from .models import FieldModel, KindModel
from .problems import documented
from .route import ACTION
from .service import StorageService

# Names that the Kazinex documentation gives: guides/storage-integrations/r2-cloudflare-setup (read 2026-08).
_TITLES: Final = {
    "bucket": "Bucket name",
    "age_recipients": "Encrypted for (age recipients)",
    "age_identities": "Decrypted with (age identities)",
}
_CAPITALS: Final = {"id": "ID", "url": "URL", "sas": "SAS", "ca": "CA"}

_ADVANCED: Final = frozenset(
    {
        "endpoint_url",
        "session_token",
        "browser_origin",
        "max_file_size",
        "prefix",
        "profile",
        "addressing",
        "login_url",
        "graph_url",
        "ca_file",
        "site_id",
        "drive_id",
        "looked_up",
        "refresh_token",
        "permanent_delete",
        "body_checksum",
        "authority_url",
        "service_url",
        "public_base_url",
        "keep_deleted_days",
        "object_lock",
        "immutability",
        "hold_label",
        "api_token",
        "api_url",
        "customer_key",
        "age_recipients",
        "age_identities",
    }
)
"""What an ordinary form leaves out: for test servers, temporary credentials, and what verification writes itself."""


class KindRoutes:
    """``/kinds``."""

    def __init__(self, service: StorageService) -> None:
        self._registry = service.organisations.registry
        self._known: dict[str, KindModel] = {}
        """What was described: making a schema takes 15 ms, and it never changes."""

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route(
            "/kinds",
            self.kinds,
            methods=["GET"],
            response_model=list[KindModel],
            summary="Kinds of providers, and what each asks for",
            tags=["providers"],
            responses=documented(403),
            openapi_extra={ACTION: Action.SEE_KINDS.value},
        )

    def kinds(self) -> list[KindModel]:
        """List the kinds and the fields of their settings, with the JSON schema of each."""
        return [self._known.get(kind.kind) or self._described(kind) for kind in self._registry.kinds()]

    def _described(self, kind: ProviderKind) -> KindModel:
        found = _described(self._registry, kind)
        if found.error is None:
            self._known[kind.kind] = found
        return found


def _described(registry: Registry, kind: ProviderKind) -> KindModel:
    try:
        schema = registry.settings_model(kind.kind).model_json_schema()
    except SettingsError as error:  # its extra is not installed; the others are still of interest
        return KindModel(
            kind=kind.kind, title=kind.title, managed=kind.managed, fields=[], settings_schema={}, error=error.message
        )
    return KindModel(
        kind=kind.kind, title=kind.title, managed=kind.managed, fields=list(_fields(schema)), settings_schema=schema
    )


def _fields(schema: Mapping[str, JsonValue]) -> Iterator[FieldModel]:
    properties = cast("Mapping[str, Mapping[str, JsonValue]]", schema.get("properties", {}))
    required = cast("Sequence[str]", schema.get("required", ()))
    for name, described in properties.items():
        parts = [described, *cast("Sequence[Mapping[str, JsonValue]]", described.get("anyOf", ()))]
        yield FieldModel(
            name=name,
            title=title_of(name),
            help=" ".join(str(described.get("description", "")).replace("``", "").split()),
            where=str(described.get("where", "")),
            type=next((str(part["type"]) for part in parts if part.get("type") not in (None, "null")), "object"),
            required=name in required,
            secret=any(part.get("writeOnly") is True for part in parts),
            advanced=name in _ADVANCED,
            choices=[str(choice) for part in parts for choice in cast("Sequence[JsonValue]", part.get("enum", ()))],
            default=described.get("default"),
        )


def title_of(name: str) -> str:
    """Return what a form calls the field *name*.

    Example:
        >>> title_of("access_key_id"), title_of("bucket")
        ('Access Key ID', 'Bucket name')
    """
    return _TITLES.get(name) or " ".join(_CAPITALS.get(word, word.capitalize()) for word in name.split("_"))
