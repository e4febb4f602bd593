"""The catalogue that lasts: SQLAlchemy 2 Core on a SQLite file or on PostgreSQL, with sealed secrets.

A change is one transaction: lock the rows that it decides upon, apply the rules of ``rules.py``, write where the
version is still the expected one. ``schema.py`` has the tables, ``sealed_rows.py`` turns
rows into records, ``database.py`` has the transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from ..documents.listing import RevisionListing
from ..documents.quotas import UsageTable
from ..documents.register import RevisionRegister
from ..documents.ticket_register import TicketRegister
from ..file_rules import FileRules
from ..migration.journal import Journal
from ..secrecy.masking import masked
from ..secrecy.pickling import not_pickled
from .audit.rows import SqlAudit
from .audit.table import AuditTable
from .check_rows import SqlChecks
from .checks import CheckTable
from .connection_rows import SqlConnections
from .connections import ConnectionTable
from .credential_rows import SqlCredentials, credentials
from .credential_versions import CredentialTable
from .data_keys import DataKeys, KeyService
from .database import Database, sa, write_next
from .evidence.chain import ReceiptChains
from .journal_rows import SqlJournal
from .listing import SqlListing
from .records import Choice, OrganisationRecord, ProjectOverride, ProviderRecord
from .register import SqlRegister
from .resealing import reseal, sealed_organisations
from .rules import check_chosen, check_unchosen, conflict, id_in_use, label_in_use, label_key, unknown_provider
from .schema import organisations, overrides, prepare, providers
from .sealed_rows import SealedRows, columns_of
from .sealing import OrganisationKeys, Sealer
from .service_tables import quotas
from .tickets import SqlTickets
from .usage_rows import SqlUsage

_ORDER = (providers.c.created_at, providers.c.id)

# One row at least, so that what is set for an organisation is found where it has no provider of its own.
_OF = sa.select(sa.bindparam("organisation", type_=sa.String(128)).label("id")).subquery("chosen_for")
_CHOICE = (
    sa.select(
        providers,
        organisations.c.default_provider,
        organisations.c.default_chosen,
        organisations.c.allowlist,
        organisations.c.file_rules,
        overrides.c.provider.label("override_provider"),
        sa.exists()
        .where(
            quotas.c.organisation == sa.bindparam("organisation"),
            sa.or_(quotas.c.max_bytes.is_not(None), quotas.c.max_objects.is_not(None)),
        )
        .label("limited"),
    )
    .select_from(
        _OF.outerjoin(providers, providers.c.organisation == _OF.c.id)
        .outerjoin(organisations, organisations.c.organisation == _OF.c.id)
        .outerjoin(
            overrides, sa.and_(overrides.c.organisation == _OF.c.id, overrides.c.project == sa.bindparam("project"))
        )
    )
    .order_by(*_ORDER)
)


@not_pickled("let the other process open the catalogue")
class SqlCatalogue:
    """A catalogue in a database. Thread-safe and fork-safe, for any number of processes.

    Its methods raise what those of ``Catalogue`` do, and StorageError when the database does not answer; those that
    write secrets raise SettingsError when they cannot be sealed.
    """

    def __init__(
        self, place: str | Path | sa.URL | sa.Engine, sealer: Sealer, key_service: KeyService | None = None
    ) -> None:
        """Open the database at *place* (a URL, the path of a SQLite file, or an engine) and make its tables if missing.

        Args:
            place: Where it is.
            sealer: Seals secrets under a ring that is everybody's.
            key_service: Gives each organisation data keys of its own, which seal from then on; what the ring of
                *sealer* sealed goes on opening. The catalogue closes it.

        Raises:
            SettingsError: the place cannot be used, or holds the layout of another release.
            StorageError: the database does not answer.
        """
        place = masked(place)
        self._database = Database(place)
        self.data_keys: DataKeys | None = None
        """The keys of organisations, where a key service wraps them."""
        if key_service is not None:
            self.data_keys = DataKeys(self._database, key_service, sealer.keys)
            sealer = Sealer(sealer.keys, self.data_keys)
        self._sealer = sealer
        self._rows = SealedRows(sealer)
        self.receipts = ReceiptChains(self._database, self.state_keys, prepare=sealer.prepare)
        """The evidence of receipts."""
        register = SqlRegister(self._database, self.receipts)
        self.revisions: RevisionRegister = register
        """What is remembered of revisions."""
        self.tickets: TicketRegister = SqlTickets(self._database, sealer, register)
        """What is remembered of direct uploads."""
        self.usage: UsageTable = SqlUsage(self._database)
        """Quotas, and what is stored and asked for."""
        self.checks: CheckTable = SqlChecks(self._database, self._rows.record)
        """When each provider is verified next."""
        self.connections: ConnectionTable = SqlConnections(self._database, sealer)
        """Connections under way."""
        self._credentials = SqlCredentials(self._database, sealer)
        self.credentials: CredentialTable = self._credentials
        """Versions of credentials that are not in use."""
        self.listing: RevisionListing = SqlListing(self._database)
        """What is stored, as lists."""
        self.audit: AuditTable = SqlAudit(self._database)
        """The chains of events."""
        self.journal: Journal = SqlJournal(self._database)
        """The runs that move, compare and pack documents."""
        try:
            prepare(self._database)
        except BaseException:
            self._database.close()
            raise

    def state_keys(self, organisation: str) -> OrganisationKeys:
        """Return the keys that the upload states of the organisation are sealed with."""
        return OrganisationKeys(self._sealer.of(organisation), organisation)

    def prepare_sealing(self, organisation: str) -> None:
        """Have what seals for the organisation at hand; see ``Sealer.prepare``."""
        self._sealer.prepare(organisation)

    def organisation(self, organisation: str) -> OrganisationRecord:
        """Return what is set for the organisation."""
        with self._database.reading() as connection:
            return _organisation(connection, organisation)

    def providers(self, organisation: str) -> tuple[ProviderRecord, ...]:
        """Return every provider, oldest first."""
        return self._records(providers.select().where(providers.c.organisation == organisation).order_by(*_ORDER))

    def of_kind(self, kind: str) -> tuple[ProviderRecord, ...]:
        """Return every provider of one kind."""
        return self._records(providers.select().where(providers.c.kind == kind))

    def provider(self, organisation: str, provider: str) -> ProviderRecord:
        """Return the provider of that id."""
        with self._database.reading() as connection:
            return self._provider(connection, organisation, provider)

    def override(self, organisation: str, project: str) -> ProjectOverride:
        """Return what is set for the project."""
        with self._database.reading() as connection:
            return _override(connection, organisation, project)

    def overrides(self, organisation: str) -> tuple[ProjectOverride, ...]:
        """Return the overrides in force, sorted by project."""
        query = overrides.select().where(overrides.c.organisation == organisation, overrides.c.provider.is_not(None))
        with self._database.reading() as connection:
            found = [ProjectOverride(**row) for row in connection.execute(query).mappings()]
        return tuple(sorted(found, key=lambda override: override.project))  # collations of databases differ

    def choice(self, organisation: str, project: str | None) -> Choice:
        """Return all that decides where a document goes, by one query."""
        with self._database.reading() as connection:
            rows = connection.execute(_CHOICE, {"organisation": organisation, "project": project}).mappings().all()
        return Choice(
            providers=tuple(self._rows.record(row) for row in rows if row["id"] is not None),
            default=rows[0]["default_provider"],
            default_chosen=bool(rows[0]["default_chosen"]),
            override=rows[0]["override_provider"],
            allowlist=tuple(rows[0]["allowlist"] or ()),
            file_rules=_file_rules(rows[0]["file_rules"]),
            limited=bool(rows[0]["limited"]),
        )

    def add_provider(self, record: ProviderRecord) -> ProviderRecord:
        """Keep a new record."""
        record = replace(record, version=1)
        values = {**columns_of(record), **self._rows.settings_of(record)}
        with self._database.changing() as connection:
            _check_label(connection, record)
            if _row(connection, record.organisation, record.id, lock=True) is not None:
                raise id_in_use(record.id)
            try:
                connection.execute(providers.insert().values(values))
            except sa.exc.IntegrityError as error:  # another process added the label a moment ago
                raise label_in_use(record.organisation, record.label) from error
        return record

    def replace_provider(self, record: ProviderRecord, *, refreshed: bool = False) -> ProviderRecord:
        """Put *record* in the place of the one it was made from."""
        after = replace(record, version=record.version + 1)
        self._sealer.prepare(record.organisation)
        with self._database.changing() as connection:
            row = _row(connection, record.organisation, record.id, lock=True)
            if row is None:
                raise unknown_provider(record.organisation, record.id)
            if row["version"] != record.version:
                raise conflict(f"the provider {record.label!r}", record.version)
            _check_label(connection, record)
            values = columns_of(after)
            if row["settings_version"] != record.settings_version or refreshed:
                values |= self._rows.settings_of(record)
            else:
                after = replace(after, settings=row["settings"], secrets=self._rows.secrets(row))
            try:
                connection.execute(providers.update().where(*_is(record.organisation, record.id)).values(values))
            except sa.exc.IntegrityError as error:  # another process took the label a moment ago
                raise label_in_use(record.organisation, record.label) from error
        return after

    def remove_provider(self, organisation: str, provider: str, *, version: int) -> None:
        """Forget a provider."""
        with self._database.changing() as connection:
            record = self._provider(connection, organisation, provider, lock=True)
            if record.version != version:
                raise conflict(f"the provider {record.label!r}", version)
            users = sa.select(overrides.c.project).where(
                overrides.c.organisation == organisation, overrides.c.provider == provider
            )
            projects = sorted(connection.execute(users).scalars())
            check_unchosen(record, _organisation(connection, organisation).default_provider, projects)
            connection.execute(providers.delete().where(*_is(organisation, provider)))
            of_it = (credentials.c.organisation == organisation, credentials.c.provider == provider)
            connection.execute(credentials.delete().where(*of_it))

    def set_default(self, organisation: str, provider: str | None, *, version: int) -> OrganisationRecord:
        """Make a VERIFIED provider the default."""
        with self._database.changing() as connection:
            if provider is not None:
                check_chosen(self._provider(connection, organisation, provider, lock=True))
            before = _organisation(connection, organisation)
            return _set(connection, replace(before, default_provider=provider, default_chosen=True), version)

    def set_allowlist(self, organisation: str, extensions: Iterable[str], *, version: int) -> OrganisationRecord:
        """Replace the allowlist."""
        with self._database.changing() as connection:
            before = _organisation(connection, organisation)
            return _set(connection, replace(before, allowlist=tuple(extensions)), version)

    def set_file_rules(self, organisation: str, rules: FileRules | None, *, version: int) -> OrganisationRecord:
        """Replace the rules for files."""
        with self._database.changing() as connection:
            return _set(connection, replace(_organisation(connection, organisation), file_rules=rules), version)

    def set_override(self, organisation: str, project: str, provider: str | None, *, version: int) -> ProjectOverride:
        """Make a VERIFIED provider that of a project."""
        with self._database.changing() as connection:
            if provider is not None:
                check_chosen(self._provider(connection, organisation, provider, lock=True))
            after = ProjectOverride(organisation=organisation, project=project, provider=provider, version=version + 1)
            where = (overrides.c.organisation == organisation, overrides.c.project == project)
            values = {"provider": provider, "version": after.version}
            keys = {"organisation": organisation, "project": project}
            if not write_next(connection, overrides, where, keys, values):
                raise conflict(f"the override of the project {project!r}", version)
            return after

    def reseal(self, organisation: str | None = None) -> int:
        """Seal every secret under the first key, or those of one organisation, in one transaction."""
        return reseal(self._database, self._rows, self._credentials, organisation)

    def sealed_organisations(self) -> tuple[str, ...]:
        """Return the organisations that have providers, sorted."""
        return sealed_organisations(self._database)

    def together(self) -> AbstractContextManager[object]:
        """Make all changes of this thread in the block one transaction."""
        return self._database.together()

    def close(self) -> None:
        """Close idle connections; using the catalogue again opens new ones."""
        self._database.close()
        if self.data_keys is not None:
            self.data_keys.service.close()

    def _records(self, query: sa.Select[tuple[object, ...]]) -> tuple[ProviderRecord, ...]:
        with self._database.reading() as connection:
            return tuple(self._rows.record(row) for row in connection.execute(query).mappings())

    def _provider(
        self, connection: sa.Connection, organisation: str, provider: str, *, lock: bool = False
    ) -> ProviderRecord:
        row = _row(connection, organisation, provider, lock=lock)
        if row is None:
            raise unknown_provider(organisation, provider)
        return self._rows.record(row)


def _is(organisation: str, provider: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return providers.c.organisation == organisation, providers.c.id == provider


def _row(connection: sa.Connection, organisation: str, provider: str, *, lock: bool) -> sa.RowMapping | None:
    query = providers.select().where(*_is(organisation, provider))
    return connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()


def _check_label(connection: sa.Connection, record: ProviderRecord) -> None:
    query = sa.select(providers.c.id).where(
        providers.c.organisation == record.organisation,
        providers.c.label_key == label_key(record.label),
        providers.c.id != record.id,
    )
    if connection.execute(query).first() is not None:
        raise label_in_use(record.organisation, record.label)


def _organisation(connection: sa.Connection, organisation: str) -> OrganisationRecord:
    query = organisations.select().where(organisations.c.organisation == organisation)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return OrganisationRecord(organisation=organisation)
    rules = _file_rules(row["file_rules"])
    return OrganisationRecord(**{**row, "allowlist": tuple(row["allowlist"]), "file_rules": rules})


def _file_rules(found: Mapping[str, object] | None) -> FileRules | None:
    return FileRules.from_json(found) if found is not None else None


def _override(connection: sa.Connection, organisation: str, project: str) -> ProjectOverride:
    query = overrides.select().where(overrides.c.organisation == organisation, overrides.c.project == project)
    row = connection.execute(query).mappings().one_or_none()
    return ProjectOverride(organisation=organisation, project=project) if row is None else ProjectOverride(**row)


def _set(connection: sa.Connection, record: OrganisationRecord, version: int) -> OrganisationRecord:
    if record.version != version:
        raise conflict(f"the organisation {record.organisation!r}", version)
    values: dict[str, object] = {
        "default_provider": record.default_provider,
        "default_chosen": record.default_chosen,
        "allowlist": list(record.allowlist),
        "file_rules": record.file_rules.to_json() if record.file_rules is not None else sa.null(),
        "version": version + 1,
    }
    where = (organisations.c.organisation == record.organisation,)
    if not write_next(connection, organisations, where, {"organisation": record.organisation}, values):
        raise conflict(f"the organisation {record.organisation!r}", version)
    return replace(record, version=version + 1)
