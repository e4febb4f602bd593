"""Whether the register says what the evidence says: an entry that was changed behind the back of both shows.

The signatures of the lines are checked elsewhere (``checking.py``); here the last line of each revision is compared
with the entry of the register, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ...documents.register import RevisionRecord
from ...errors import InvalidJsonError
from ..database import Database, sa
from ..register import record_of
from ..schema import revisions
from .lines import STATES, SignedLine
from .tables import receipt_lines

_PAGE: Final = 500

_OF: Final = tuple(receipt_lines.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "project"))
_LAST: Final = (
    sa.select(receipt_lines.c.document, receipt_lines.c.revision, sa.func.max(receipt_lines.c.number).label("number"))
    .where(*_OF, receipt_lines.c.kind.in_(sorted(STATES)))
    .group_by(receipt_lines.c.document, receipt_lines.c.revision)
    .subquery("last_lines")
)
_LINE: Final = (
    sa.select(receipt_lines.c.number, receipt_lines.c.document, receipt_lines.c.revision, receipt_lines.c.line)
    .where(*_OF)
    .subquery("of_project")
)
_OF_THE_REGISTER: Final = (
    sa.select(revisions, _LINE.c.line)
    .select_from(
        revisions.outerjoin(
            _LAST, sa.and_(_LAST.c.document == revisions.c.document, _LAST.c.revision == revisions.c.revision)
        ).outerjoin(_LINE, _LINE.c.number == _LAST.c.number)
    )
    .where(
        revisions.c.organisation == sa.bindparam("its_organisation"),
        revisions.c.project == sa.bindparam("its_project"),
    )
    .order_by(revisions.c.document, revisions.c.revision)
)
_UNKNOWN: Final = (
    sa.select(_LINE.c.line)
    .select_from(
        _LAST.join(_LINE, _LINE.c.number == _LAST.c.number).outerjoin(
            revisions,
            sa.and_(
                revisions.c.organisation == sa.bindparam("its_organisation"),
                revisions.c.project == sa.bindparam("its_project"),
                revisions.c.document == _LAST.c.document,
                revisions.c.revision == _LAST.c.revision,
            ),
        )
    )
    .where(revisions.c.document.is_(None))
    .order_by(_LAST.c.number)
)


def differences(database: Database, organisation: str, project: str) -> Iterator[str]:
    """Yield in words what the register says otherwise than the last line of each revision. Two queries, in pages.

    Raises:
        StorageError: the database does not answer.
    """
    bound = {"its_organisation": organisation, "its_project": project}
    with database.reading() as connection:
        if database.dialect == "postgresql":  # elsewhere the next statement would see what came meanwhile
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for row in connection.execute(_OF_THE_REGISTER.execution_options(yield_per=_PAGE), bound).mappings():
            found = _difference(record_of(row), row["line"])
            if found is not None:
                yield found
        for line in connection.execute(_UNKNOWN.execution_options(yield_per=_PAGE), bound).scalars():
            said = _said(line)
            if said["kind"] != "withdrawn":
                name = f"{said['document']}/{said['revision']}"
                yield f"the register knows nothing of {name}, which is {said['kind']} by its last line"


def _difference(record: RevisionRecord, line: str | None) -> str | None:
    document = record.document
    name = f"{document.document}/{document.revision}"
    if line is None:
        return f"no line is of {name}, which the register has; if an earlier release stored it: evidence complete"
    said = _said(line)
    if (said["document"], said["revision"]) != (document.document, document.revision):
        return f"the line that is kept as the last one of {name} is of another revision"
    if said["kind"] == "withdrawn" and record.removal is None:
        return f"{name} was withdrawn by its last line, and is stored by the register"
    if (record.removal is not None) != (said["kind"] in ("removed", "withdrawn")):
        return f"{name} is {said['kind']} by its last line, and not by the register"
    told = (said["filename"], said["provider"], said["sha256"], said["size"])
    kept = (document.filename, record.provider or None, record.sha256, record.size)
    if said["kind"] != "withdrawn" and told != kept:
        return f"the register says otherwise of {name} than its last line: {kept} instead of {told}"
    return None


def _said(line: str) -> Mapping[str, object]:
    try:
        return SignedLine(text=line.encode(), signature="").read()
    except InvalidJsonError:
        return dict.fromkeys(("kind", "document", "revision", "filename", "provider", "sha256", "size"))
