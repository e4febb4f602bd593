"""Pages of listings beside what was deleted: nothing of it is shown, and no page is empty because of it."""

from __future__ import annotations

from pathlib import Path

from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings


def test_pages_show_nothing_of_what_was_deleted(tmp_path: Path) -> None:
    settings = LocalSettings(root=tmp_path, durable=False, keep_deleted_days=1)
    with Storage(LocalProvider(settings)) as storage:
        storage.put_many((f"{number}", b"1") for number in range(8))
        for number in range(5):
            storage.delete(f"{number}")
        assert (tmp_path / ".trash").is_dir()

        found, token = [], None
        for _ in range(20):
            page = storage.list_page(token=token, limit=2)
            found.append([info.key for info in page.objects])
            token = page.token
            if token is None:
                break

        assert ["5", "6", "7"] == [key for keys in found for key in keys]
        assert all(found[:-1])
        assert [] == storage.list_page(recursive=False).folders
