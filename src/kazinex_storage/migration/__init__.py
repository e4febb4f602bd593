"""Moving and proving fleets of documents: journalled copies, mirrors, audits, and bags to leave with.

``Migration`` copies between two providers of an organisation and ``migrate`` between two storages; ``mirror``,
``cut_over``, ``roll_back`` and ``prune`` take a ``Migration``. ``audit`` compares, ``evidence`` signs what it found,
``export_bags`` and ``import_bags`` are for who leaves. ``journal.py`` says what a run is. docs/migration.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audits import AuditPlan as AuditPlan
    from .audits import AuditResult as AuditResult
    from .audits import audit as audit
    from .audits import audit_storages as audit_storages
    from .audits import begin_audit as begin_audit
    from .audits import run_audit as run_audit
    from .bags.exporting import ExportReport as ExportReport
    from .bags.exporting import export_bags as export_bags
    from .bags.importing import ImportReport as ImportReport
    from .bags.importing import import_bags as import_bags
    from .bags.options import ExportOptions as ExportOptions
    from .bags.options import ImportOptions as ImportOptions
    from .cutting_over import CutOverReport as CutOverReport
    from .cutting_over import cut_over as cut_over
    from .evidence_checking import EvidenceReport as EvidenceReport
    from .evidence_checking import check_evidence as check_evidence
    from .evidence_writing import Evidence as Evidence
    from .evidence_writing import evidence as evidence
    from .executors import Executor as Executor
    from .executors import Task as Task
    from .executors import TaskReport as TaskReport
    from .executors import Workers as Workers
    from .journal import Count as Count
    from .journal import Entry as Entry
    from .journal import EntryState as EntryState
    from .journal import Run as Run
    from .journal import RunKind as RunKind
    from .journal import RunState as RunState
    from .migrations import Migration as Migration
    from .migrations import migrate as migrate
    from .mirroring import MirrorOptions as MirrorOptions
    from .mirroring import MirrorReport as MirrorReport
    from .mirroring import end_mirror as end_mirror
    from .mirroring import mirror as mirror
    from .options import CopyOptions as CopyOptions
    from .planning import PlanReport as PlanReport
    from .pools import InProcess as InProcess
    from .pools import ProcessPool as ProcessPool
    from .progress import RunProgress as RunProgress
    from .prune_values import PruneAsk as PruneAsk
    from .prune_values import PruneOptions as PruneOptions
    from .prune_values import PruneReport as PruneReport
    from .pruning import prune as prune
    from .rates import RateLimits as RateLimits
    from .rates import parse_bandwidth as parse_bandwidth
    from .retention import KeptFor as KeptFor
    from .retention import RetentionRule as RetentionRule
    from .rolling_back import RollBackReport as RollBackReport
    from .rolling_back import roll_back as roll_back
    from .runs import RunReport as RunReport

_HOMES = {
    "audits": ("AuditPlan", "AuditResult", "audit", "audit_storages", "begin_audit", "run_audit"),
    "bags.exporting": ("ExportReport", "export_bags"),
    "bags.importing": ("ImportReport", "import_bags"),
    "bags.options": ("ExportOptions", "ImportOptions"),
    "cutting_over": ("CutOverReport", "cut_over"),
    "evidence_checking": ("EvidenceReport", "check_evidence"),
    "evidence_writing": ("Evidence", "evidence"),
    "executors": ("Executor", "Task", "TaskReport", "Workers"),
    "journal": ("Count", "Entry", "EntryState", "Run", "RunKind", "RunState"),
    "migrations": ("Migration", "migrate"),
    "mirroring": ("MirrorOptions", "MirrorReport", "end_mirror", "mirror"),
    "options": ("CopyOptions",),
    "planning": ("PlanReport",),
    "pools": ("InProcess", "ProcessPool"),
    "progress": ("RunProgress",),
    "prune_values": ("PruneAsk", "PruneOptions", "PruneReport"),
    "pruning": ("prune",),
    "rates": ("RateLimits", "parse_bandwidth"),
    "retention": ("KeptFor", "RetentionRule"),
    "rolling_back": ("RollBackReport", "roll_back"),
    "runs": ("RunReport",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
