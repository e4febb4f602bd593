"""What an upload state keeps of the options of its put, and what is refused in its place."""

from __future__ import annotations

import pytest

from kazinex_storage.providers.azure_blob.uploads import options_of
from kazinex_storage.types import PutMode, PutOptions, UploadState


def state_with(text: str) -> UploadState:
    return UploadState(key="a", upload_id="b", size=1, part_bytes=1, mode=PutMode.CREATE, provider_state=text)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"a"',
        "{",
        '{"later": "a"}',
        '{"content_type": 1}',
        '{"metadata": ["a"]}',
        '{"metadata": {"a": 1}}',
    ],
)
def test_options_of_another_release_are_refused_as_a_bad_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"begin the upload again|JSON"):
        options_of(state_with(text))


def test_options_come_back() -> None:
    text = '{"content_type": "text/plain", "metadata": {"a": "b"}}'

    assert PutOptions(mode=PutMode.CREATE, content_type="text/plain", metadata={"a": "b"}) == options_of(
        state_with(text)
    )
    assert PutOptions(mode=PutMode.CREATE) == options_of(state_with(""))
