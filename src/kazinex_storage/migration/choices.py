"""The choices of an organisation that a cut-over changes and a roll-back gives back: its default and its overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..errors import SettingsError
from ..values import value
from ..verification.verify import verify_provider
from .endpoints import Endpoint
from .journal import Run

if TYPE_CHECKING:
    from ..organisations.service import Organisations
    from .migrations import Migration

FACT: Final = "choices"
"""The name of the fact of a run that says what its cut-over changed."""


@value
class Choices:
    """What named the source before."""

    default: bool = False
    """Whether the default did."""
    overrides: Mapping[str, str | None]
    """By project: the id of the provider of the override, None where the project had none."""

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects, sorted."""
        return tuple(sorted(self.overrides))

    def with_earlier(self, earlier: Choices) -> Choices:
        """Return both, what was found *earlier* where they differ."""
        return Choices(default=self.default or earlier.default, overrides={**self.overrides, **earlier.overrides})

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {"default": self.default, "overrides": dict(self.overrides)}

    @classmethod
    def of(cls, run: Run) -> Choices:
        """Return what the cut-over of *run* changed; nothing before there was one."""
        kept = run.facts.get(FACT)
        if not isinstance(kept, Mapping):
            return cls(overrides={})
        overrides = kept.get("overrides")
        return cls(default=kept.get("default") is True, overrides=overrides if isinstance(overrides, Mapping) else {})


def choices_of(migration: Migration) -> Choices:
    """Return what names the source now, as far as the migration covers it: of one project, or all."""
    organisations, organisation = _acting(migration), migration.organisation
    source = migration.source.provider
    default = organisations.organisation(organisation).default_provider
    overrides = {found.project: found.provider for found in organisations.catalogue.overrides(organisation)}
    project = migration.project
    if project is None:
        named = {name: chosen for name, chosen in overrides.items() if chosen == source}
        return Choices(default=default == source, overrides=named)
    chosen = overrides.get(project)
    return Choices(overrides={project: chosen} if source in (chosen, chosen or default) else {})


def choose_target(migration: Migration, choices: Choices) -> None:
    """Have everything of *choices* name the target.

    Raises:
        SettingsError: the target is not VERIFIED.
        RecordConflictError: somebody else changed a choice meanwhile.
    """
    organisations, organisation = _acting(migration), migration.organisation
    target = migration.target.provider
    if choices.default:
        organisations.set_default(organisation, target)
    for project in choices.projects:
        organisations.set_override(organisation, project, target)


def choose_source(migration: Migration, choices: Choices) -> Choices:
    """Give back everything of *choices* that still names the target, and return that.

    Raises:
        SettingsError: the source is not VERIFIED.
        RecordConflictError: somebody else changed a choice meanwhile.
    """
    organisations, organisation = _acting(migration), migration.organisation
    target, source = migration.target.provider, migration.source.provider
    default = choices.default and organisations.organisation(organisation).default_provider == target
    if default:
        organisations.set_default(organisation, source)
    now = {found.project: found.provider for found in organisations.catalogue.overrides(organisation)}
    back = {project: before for project, before in choices.overrides.items() if now.get(project) == target}
    for project, before in sorted(back.items()):
        if before is None:
            organisations.clear_override(organisation, project)
        else:
            organisations.set_override(organisation, project, before)
    return Choices(default=default, overrides=back)


def verify_end(migration: Migration, end: Endpoint) -> None:
    """Verify a provider now; what the platform manages is its own to verify.

    Raises:
        SettingsError: the verification failed; the message says why.
        StorageError: the catalogue does not answer.
    """
    organisations = _acting(migration)
    if organisations.find(migration.organisation, end.provider).managed:
        return
    report = verify_provider(organisations, migration.organisation, end.provider)
    if not report.ok:
        raise SettingsError(
            f"{end.label!r} cannot take documents now, so no choice was changed: {report.failure}; mend that first"
        )


def _acting(migration: Migration) -> Organisations:
    return migration.resolver.organisations.acting(migration.resolver.by)
