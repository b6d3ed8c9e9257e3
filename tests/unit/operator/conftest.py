"""What tests of the operator share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from swarmhub_crds.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a store of this test's own."""
    made = Store.open(f"sqlite:///{tmp_path}/state.db")
    yield made
    made.close()
