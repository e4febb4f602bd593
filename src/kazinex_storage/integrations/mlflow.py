"""Our schemes as artifact stores of MLflow, which finds this by its entry points ``mlflow.artifact_repository``.

It is asked for while MLflow itself is being imported, so what needs MLflow stands in ``mlflow_artifacts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .mlflow_artifacts import StorageArtifactRepository


def artifact_repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> StorageArtifactRepository:
    """Return the artifacts below *artifact_uri*, such as ``kazinexr2://bucket/folder``; no request.

    Raises:
        SettingsError: the environment does not say how to reach it.
    """
    from .mlflow_artifacts import StorageArtifactRepository

    return StorageArtifactRepository(artifact_uri, tracking_uri, registry_uri)
