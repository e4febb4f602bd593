"""The artifacts of MLflow below a URL of ours.

An ``artifact_location`` is ``kazinexr2://bucket/folder`` or ``kazinex://acme/models/folder``; settings come from the
environment. ``r2://`` is MLflow's own there, so R2 is ``kazinexr2://``. Every artifact is whole or absent.
"""

from __future__ import annotations

import os
import posixpath

from fsspec.core import url_to_fs
from mlflow.entities import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.artifact_repo import ArtifactRepository, verify_artifact_path


class StorageArtifactRepository(ArtifactRepository):
    """The artifacts below one URL; see the base class, whose names these are."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        """Use *artifact_uri*; no request.

        Raises:
            SettingsError: the environment does not say how to reach it.
        """
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        self._fs, root = url_to_fs(artifact_uri)
        self._root = str(root).rstrip("/")

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Store one file, in the folder *artifact_path*."""
        verify_artifact_path(artifact_path)  # type: ignore[no-untyped-call]
        self._fs.put_file(local_file, self._path(artifact_path, os.path.basename(local_file)))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Store the files below *local_dir*, several at once."""
        verify_artifact_path(artifact_path)  # type: ignore[no-untyped-call]
        found = [
            (folder, name) for folder, _, names in os.walk(os.path.abspath(local_dir)) for name in names
        ]  # of empty folders nothing is kept
        sources = [os.path.join(folder, name) for folder, name in found]
        below = [os.path.relpath(source, local_dir).replace(os.sep, "/") for source in sources]
        if sources:
            self._fs.put(sources, [self._path(artifact_path, name) for name in below])

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """Return what is directly in the folder *path*; nothing when it is a file, or nowhere."""
        folder = self._path(path)
        if not self._fs.isdir(folder):
            return []
        return sorted(
            (
                FileInfo(
                    posixpath.relpath(entry["name"], self._root),
                    entry["type"] == "directory",
                    None if entry["type"] == "directory" else entry["size"],
                )
                for entry in self._fs.ls(folder, detail=True)
            ),
            key=lambda info: str(info.path),
        )

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Remove a file, or all below a folder.

        Raises:
            MlflowException: there is neither.
        """
        path = self._path(artifact_path)
        if not self._fs.exists(path):
            raise MlflowException(f"there is no artifact {artifact_path!r}", error_code=RESOURCE_DOES_NOT_EXIST)
        self._fs.rm(path, recursive=True)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self._fs.get_file(self._path(remote_file_path), local_path)

    def _path(self, *parts: str | None) -> str:
        return "/".join([self._root, *(part.strip("/") for part in parts if part and part.strip("/"))])
