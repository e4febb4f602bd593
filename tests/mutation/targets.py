"""Which modules are broken, how often, and which tests must see it: those that are quick first."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True, kw_only=True)
class Target:
    """A part of the package and its tests."""

    name: str
    modules: tuple[str, ...]
    """Patterns of paths below ``src/kazinex_storage``, as of ``fnmatch``."""
    mutants: int
    """How many are made by the operators, besides the promises."""
    stages: tuple[tuple[str, ...], ...]
    """Arguments of pytest; a stage is run when those before it have seen nothing."""

    def covers(self, module: str) -> bool:
        """Say whether *module*, a path below the package, is one of them."""
        return any(fnmatch(module, pattern) for pattern in self.modules)


_CONDITIONS = "create or replac or condition or version or etag or if_match or sha256 or checksum or metadata or list"

TARGETS = (
    Target(
        name="transport",
        modules=("transport/*.py",),
        mutants=8,
        stages=(
            (
                "tests/unit/test_transport_one.py",
                "tests/unit/test_transport_many.py",
                "tests/unit/test_transport_many_ends.py",
                "tests/unit/test_transport_loop.py",
                "tests/unit/test_transport_loop_cancel.py",
                "tests/unit/test_transport_pool.py",
                "tests/unit/test_sending.py",
            ),
            ("tests/transport", "-k", "not silence"),
        ),
    ),
    Target(
        name="s3",
        modules=("providers/s3/*.py",),
        mutants=6,
        stages=(
            ("tests/s3/test_answers.py", "tests/s3/test_settings_s3.py", "tests/s3/test_names.py"),
            ("tests/s3/test_faults_writes.py", "tests/s3/test_presign.py", "tests/s3/test_orphans.py"),
            ("tests/s3/test_export.py", "tests/s3/test_verify.py"),
            ("tests/s3/test_contract.py", "-k", f"SeaweedFs and ({_CONDITIONS})"),
        ),
    ),
    Target(
        name="azure",
        modules=("providers/azure_blob/*.py",),
        mutants=5,
        stages=(
            ("tests/azure/test_protocol.py", "tests/azure/test_names.py", "tests/azure/test_settings.py"),
            ("tests/azure/test_faults.py", "tests/azure/test_checksums.py"),
            ("tests/azure/test_identities.py", "tests/azure/test_export_tools.py", "tests/azure/test_verify.py"),
            ("tests/azure/test_contract.py", "-k", f"{_CONDITIONS} or others_sent"),
        ),
    ),
    Target(
        name="sharepoint",
        modules=("providers/sharepoint/*.py",),
        mutants=5,
        stages=(
            (
                "tests/sharepoint/test_requests.py",
                "tests/sharepoint/test_names.py",
                "tests/sharepoint/test_settings.py",
            ),
            ("tests/sharepoint/test_faults.py", "tests/sharepoint/test_resuming.py"),
            ("tests/sharepoint/test_sessions_left.py", "tests/sharepoint/test_unkeyed.py"),
            ("tests/sharepoint/test_contract.py", "-k", f"{_CONDITIONS} or resum"),
        ),
    ),
    Target(
        name="objectstore",
        modules=("providers/objectstore/*.py",),
        mutants=3,
        stages=(
            ("tests/unit/test_xml_text.py", "tests/unit/test_hostile_texts.py"),
            ("tests/s3/test_answers.py", "tests/azure/test_protocol.py"),
            ("tests/s3/test_listed_names.py", "tests/s3/test_names.py", "tests/azure/test_names.py"),
            ("tests/s3/test_contract.py", "-k", f"SeaweedFs and ({_CONDITIONS})"),
        ),
    ),
    Target(
        name="local",
        modules=("providers/local/*.py",),
        mutants=4,
        stages=(
            (
                "tests/contract/test_local_foreign.py",
                "tests/contract/test_local_tree.py",
                "tests/contract/test_local_access.py",
            ),
            ("tests/contract/test_local.py", "-k", f"bare and ({_CONDITIONS})"),
            ("tests/contract", "-k", "local_"),
        ),
    ),
    Target(
        name="memory",
        modules=("providers/memory/*.py",),
        mutants=2,
        stages=(("tests/contract/test_memory.py", "-k", "bare"),),
    ),
    Target(
        name="bodies",
        modules=("bodies/*.py",),
        mutants=2,
        stages=(
            ("tests/unit", "-k", "source or download or parts or checksum or content_type or special"),
            ("tests/contract/test_memory.py", "-k", "bare"),
        ),
    ),
    Target(
        name="rules",
        modules=("policy.py", "keys.py", "storage/*.py"),
        mutants=8,
        stages=(
            (
                "src/kazinex_storage/policy.py",
                "src/kazinex_storage/keys.py",
                "tests/unit/test_policy.py",
                "tests/unit/test_keys.py",
                "tests/unit/test_keys_values.py",
                "tests/unit/test_storage_rules.py",
                "tests/unit/test_states.py",
                "tests/unit/test_sweeping.py",
                "tests/unit/test_upload_state.py",
                "tests/unit/test_files.py",
            ),
            ("tests/contract/test_memory.py",),
            ("tests/s3/test_tickets.py", "tests/s3/test_presign.py"),
            ("tests/s3/test_unkeyed.py", "tests/s3/test_folder_markers.py"),
            ("tests/s3/test_contract.py", "-k", "SeaweedFs and (sign or confirm or url or arriv)"),
            ("tests/journeys",),
        ),
    ),
    Target(
        name="organisations",
        modules=("organisations/*.py",),
        mutants=3,
        stages=(("tests/organisations", "-k", "not postgres and not servers"),),
    ),
    Target(
        name="documents",
        modules=("documents/*.py",),
        mutants=3,
        stages=(("tests/unit/test_integrity.py", "tests/sharepoint/test_journeys.py"), ("tests/journeys",)),
    ),
)
"""Each mutant belongs to the first target that covers its module."""
