"""The whole life of a move between two services: SharePoint mirrored on S3, cut over, pruned, audited, and back."""

from __future__ import annotations

from pathlib import Path

from kazinex_storage import IntegrityState
from kazinex_storage.migration.audits import AuditPlan, audit
from kazinex_storage.migration.cutting_over import cut_over
from kazinex_storage.migration.evidence_checking import check_evidence
from kazinex_storage.migration.evidence_writing import evidence
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.mirroring import mirror
from kazinex_storage.migration.pruning import prune
from kazinex_storage.migration.rolling_back import roll_back
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.organisations.signing import evidence_key
from kazinex_storage.testing.servers import S3Server

from ..services import keys_of, tenant
from .worlds import ACME, World, document


def test_documents_of_sharepoint_are_mirrored_moved_proven_and_brought_back(
    tmp_path: Path, seaweedfs_server: S3Server
) -> None:
    with tenant() as site:
        catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
        world = World(tmp_path, catalogue)
        world.add_kind("sharepoint", "library", dict(site.options))
        settings = {**keys_of(seaweedfs_server), "bucket": seaweedfs_server.make_bucket()}
        world.add_kind("s3", "bucket", settings)
        receipts = [world.upload(number) for number in range(4)]
        migration = Migration(world.resolver, ACME, "library", "bucket")

        mirrored = mirror(migration)
        receipts.append(world.upload(4))
        world.documents.remove(document(0), reason="a test")
        again = mirror(migration)
        cut = cut_over(migration)
        audited = audit(world.resolver, ACME, AuditPlan(source="library", target="bucket"))
        pruned = prune(migration, True)
        recorded = audit(world.resolver, ACME, AuditPlan(target="bucket", level="checksum"))
        report = evidence(world.resolver, ACME, recorded.run.id, tmp_path / "audit.jsonl")

        assert (4, 4) == (mirrored.counts[EntryState.COPIED].objects, again.counts[EntryState.COPIED].objects)
        assert (True, True, 0) == (again.complete, cut.default, cut.left)
        assert {EntryState.MATCHED: 4} == {state: count.objects for state, count in audited.counts.items()}
        assert (4, True) == (pruned.pruned.objects, pruned.recycled)
        assert recorded.ok
        assert check_evidence(report.path, evidence_key(catalogue, ACME).pem).entries == 4
        assert {IntegrityState.INTACT} == {world.documents.check(receipt) for receipt in receipts[1:]}
        assert [] == list(world.storage("library").list())

        back = roll_back(migration, copy_back=True)

        assert (True, 0) == (back.default, back.stragglers)
        assert {IntegrityState.INTACT} == {world.documents.check(receipt) for receipt in receipts[1:]}
        assert 4 == len(list(world.storage("library").list()))
        world.close()
