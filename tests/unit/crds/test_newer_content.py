"""Whether a start would give a notebook another content of its image."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from swarmhub_crds.base import Metadata
from swarmhub_crds.image import SeenImage, newer_content
from swarmhub_crds.notebook import Notebook, NotebookSpec, NotebookStatus, PullPolicy

OLD, NEW = "reg/x:1@sha256:aa", "reg/x:1@sha256:bb"


@pytest.mark.parametrize(
    ("running", "reference", "policy", "newer"),
    [
        (OLD, NEW, PullPolicy.IF_NOT_PRESENT, NEW),
        (OLD, NEW, PullPolicy.ALWAYS, NEW),
        (OLD, NEW, PullPolicy.NEVER, ""),
        (OLD, OLD, PullPolicy.IF_NOT_PRESENT, ""),
        ("reg/x:1", NEW, PullPolicy.IF_NOT_PRESENT, ""),  # no registry told at the start
        (None, NEW, PullPolicy.IF_NOT_PRESENT, ""),
        (OLD, "", PullPolicy.IF_NOT_PRESENT, ""),
    ],
)
def test_newer_content(running: str | None, reference: str, policy: PullPolicy, newer: str) -> None:
    """Told when starts get another digest; another image's says nothing."""
    now = datetime.now(UTC)
    notebook = Notebook(
        metadata=Metadata(
            name="ada", uid="u", generation=1, resource_version=1, created_at=now, updated_at=now
        ),
        spec=NotebookSpec(
            user="ada", image="reg/x:1", pull_policy=policy, command=("x",), networks=("nb",)
        ),
        status=NotebookStatus(image=running),
    )
    seen = [
        SeenImage(image="reg/x:1", reference=reference, coming="reg/x:1@sha256:dd"),
        SeenImage(image="reg/x:2", reference="reg/x:2@sha256:cc"),
    ]
    assert newer_content(notebook, seen) == newer
