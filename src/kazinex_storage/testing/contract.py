"""ProviderContract: the one class that a provider's tests subclass.

Every test runs twice, on the bare provider and below a prefix. Nothing is skipped: a capability that is not declared
is proven to be refused instead. The themes are in ``contract_*.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..keys import Prefix
from ..storage.sync import Storage
from .bench import Bench
from .contract_capabilities import CapabilityContract
from .contract_concurrency import ConcurrencyContract
from .contract_conditional import ConditionalContract
from .contract_copy import CopyContract
from .contract_delete import DeleteContract
from .contract_digests import DigestContract
from .contract_faces import FaceContract
from .contract_faults import FaultContract
from .contract_get import GetContract
from .contract_head import HeadContract
from .contract_labels import LabelContract
from .contract_life import LifeContract
from .contract_list import ListContract
from .contract_metadata import MetadataContract
from .contract_names import NameContract
from .contract_part_faults import PartFaultContract
from .contract_parts import PartContract
from .contract_presign import PresignContract
from .contract_put import PutContract
from .contract_reads import ReadContract
from .contract_resume import ResumeContract
from .contract_retention import RetentionContract
from .contract_scope import ScopeContract
from .contract_sessions import SessionContract
from .contract_streaming import StreamingContract
from .contract_versions import VersionContract
from .contract_write_once import WriteOnceContract
from .harness import Harness
from .model import check_model


class OnBench:
    """The bench that every test of the kit works on. Combine it with single themes for a partial run."""

    harness: Callable[[], Harness]

    @pytest.fixture(params=["", "tenant 1/ü"], ids=["bare", "prefixed"])
    def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
        """Make a fresh provider and a storage over it, below the prefix of this run."""
        harness = self.harness()
        try:
            provider = harness.make()
            prefix = Prefix.folder(request.param)
            bench = Bench(
                harness=harness,
                provider=provider,
                prefix=prefix,
                folder=tmp_path,
                storage=Storage(provider, prefix=prefix),
            )
            try:
                yield bench
            finally:
                bench.close()
        finally:
            harness.close()


class ProviderContract(
    PutContract,
    GetContract,
    ReadContract,
    HeadContract,
    DeleteContract,
    DigestContract,
    ListContract,
    ConditionalContract,
    MetadataContract,
    NameContract,
    ScopeContract,
    CopyContract,
    PresignContract,
    WriteOnceContract,
    VersionContract,
    PartContract,
    PartFaultContract,
    ResumeContract,
    RetentionContract,
    SessionContract,
    StreamingContract,
    CapabilityContract,
    ConcurrencyContract,
    FaultContract,
    LabelContract,
    LifeContract,
    FaceContract,
    OnBench,
):
    """All that a provider owes. Set ``harness`` to a harness class, or define it as a method that returns a harness."""

    def test_any_sequence_of_operations_agrees_with_a_dictionary(self, bench: Bench) -> None:
        check_model(bench.harness, bench.prefix)
