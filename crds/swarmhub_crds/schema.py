"""The records for people and other programs: JSON Schema and one example of each kind.

`python -m swarmhub_crds.schema` writes them into the folder `crds/` of the repository.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from swarmhub_crds import secretenv
from swarmhub_crds.base import Condition, ConditionStatus, Metadata
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus, Reclaim
from swarmhub_crds.names import notebook_name, service_name
from swarmhub_crds.notebook import (
    ConditionType,
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    NotebookStatus,
    Phase,
    Resources,
)

_USER: Final = "ada"
_HOME: Final = "swarmhub-home-ada"
_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_GIB: Final = 2**30


def documents() -> dict[str, str]:
    """Return the text of every generated file by its path below `crds/`."""
    files: dict[str, object] = {
        "schema/notebook.json": {"$schema": _DIALECT, **Notebook.model_json_schema()},
        "schema/home.json": {"$schema": _DIALECT, **Home.model_json_schema()},
        "examples/notebook.json": example_notebook().model_dump(mode="json"),
        "examples/home.json": example_home().model_dump(mode="json"),
    }
    return {path: json.dumps(content, indent=2) + "\n" for path, content in files.items()}


def write(folder: Path) -> None:
    """Write every generated file below `folder`."""
    for path, text in documents().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def example_notebook() -> Notebook:
    """Return a notebook as it looks a while after its start."""
    name = notebook_name(_USER)
    return Notebook(
        metadata=_metadata(name, "6f1c0c55-5d0e-4f6f-9a36-0a3c1f0f5d11", version=17),
        spec=NotebookSpec(
            user=_USER,
            desired=Desired.RUNNING,
            image="127.0.0.1:5000/swarmhub/singleuser:latest",
            command=("jupyterhub-singleuser",),
            environment={"JUPYTERHUB_USER": _USER},
            secret_digest=secretenv.digest({"JUPYTERHUB_API_TOKEN": "an example"}),
            probe_path=f"/user/{_USER}/api",
            resources=Resources(cpu_limit=2.0, cpu_guarantee=0.5, mem_limit=2 * _GIB),
            mounts=(Mount(volume=_HOME, target="/home/jovyan", home=True),),
            networks=("swarmhub_notebooks",),
        ),
        status=NotebookStatus(
            observed_generation=1,
            phase=Phase.RUNNING,
            message="The notebook answers.",
            conditions=_conditions(),
            service_id="w3v1k0qz8m5c7x2n4b6l9j1hg",
            task_id="q8r2t4y6u1i3o5p7a9s0d2f4g",
            node_id="z1x3c5v7b9n2m4k6j8h0g2f4d",
            node="worker-1",
            address=f"http://{service_name(name)}:8888",
            started_at=_START + timedelta(seconds=2),
            ready_at=_START + timedelta(seconds=4),
        ),
    )


def example_home() -> Home:
    """Return a home whose volume lives on one node."""
    return Home(
        metadata=_metadata(_HOME, "0d4b2c0e-27d8-4c70-8a1b-3c1f4e0b7a52", version=12),
        spec=HomeSpec(user=_USER, reclaim=Reclaim.RETAIN),
        status=HomeStatus(
            observed_generation=1,
            phase=HomePhase.BOUND,
            message="The volume is on worker-1.",
            node_id="z1x3c5v7b9n2m4k6j8h0g2f4d",
            node="worker-1",
            last_used_at=_START + timedelta(seconds=2),
        ),
    )


def _metadata(name: str, uid: str, version: int) -> Metadata:
    return Metadata(
        name=name,
        uid=uid,
        generation=1,
        resource_version=version,
        created_at=_START,
        updated_at=_START + timedelta(seconds=4),
        spec_written_at=_START,
    )


def _conditions() -> tuple[Condition, ...]:
    facts = {
        ConditionType.ACCEPTED: ("Allowed", "The policy allows this notebook."),
        ConditionType.HOME_READY: ("NodeReady", "The home's node can be used."),
        ConditionType.SCHEDULED: ("Placed", "The notebook is placed on worker-1."),
        ConditionType.READY: ("Answering", "The notebook answers at its address."),
    }
    return tuple(
        Condition(
            type=kind,
            status=ConditionStatus.TRUE,
            reason=reason,
            message=message,
            last_transition_time=_START + timedelta(seconds=second),
        )
        for second, (kind, (reason, message)) in enumerate(facts.items(), start=1)
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1])
