"""The public conformance kit: a third party proves its provider with a harness of a few lines.

Needs ``pip install 'kazinex-storage[testing]'`` (pytest, hypothesis). Subclass one class in a test module::

    class MyHarness(Harness):
        def make(self) -> AnyProvider: ...         # fresh and empty
        def peek(self, key: str) -> bytes | None: ...  # read the medium without the provider
        def poke(self, key: str, data: bytes) -> None: ...  # write it behind the provider's back

    class TestMyProvider(ProviderContract):
        harness = MyHarness

Read next: ``harness.py``, ``contract.py``; ``faults.py`` is useful without pytest too.
"""

from __future__ import annotations

import pkgutil
import sys
from typing import TYPE_CHECKING

from .faults import Corrupt, Fault, FaultyProvider, Misreport, Raise, Stall, Truncate
from .harness import Harness
from .recording import RecordingProvider

if TYPE_CHECKING:
    from .contract import ProviderContract

__all__ = [
    "Corrupt",
    "Fault",
    "FaultyProvider",
    "Harness",
    "Misreport",
    "ProviderContract",
    "Raise",
    "RecordingProvider",
    "Stall",
    "Truncate",
]

# Failed assertions of the kit explain themselves only when pytest hears of the modules before they are imported.
if sys.modules.get("pytest") is not None:
    _themes = [module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("contract_")]
    sys.modules["pytest"].register_assert_rewrite(
        *(f"{__name__}.{module}" for module in ("bench", "model", "uploading", *_themes))
    )


def __getattr__(name: str) -> object:
    """Import ``ProviderContract``, which needs pytest and hypothesis, when it is asked for.

    Raises:
        AttributeError: there is no such name.
    """
    if name == "ProviderContract":
        from .contract import ProviderContract

        return ProviderContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
