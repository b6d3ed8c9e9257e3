"""A process that plays the operator for a store: it says of notebooks that they answer.

    python -m bench.size.teller FOLDER COUNT

Waits for a line of its standard input, then writes the statuses of the first COUNT notebooks as
fast as it can, and at the end when each was committed, as one JSON object by name.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

from swarmhub_crds.base import Condition, ConditionStatus
from swarmhub_crds.notebook import ConditionType, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Store

from bench.size.crowd import named

_LEASE_FOR = 600.0  # seconds


def main(folder: str, count: str) -> None:
    """Tell.

    Raises:
        RuntimeError: another operator works with the store.
    """
    store = Store.open(f"sqlite:///{folder}/state.db")
    lease = store.acquire_lease("bench", _LEASE_FOR)
    if lease is None:
        raise RuntimeError("Somebody else holds the lease of the store.")
    told: dict[str, float] = {}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(int(count)):
        name = named(number)
        record = store.get_notebook(name)
        assert isinstance(record, Notebook)
        meta = record.metadata
        status = _answering(meta.generation)
        store.put_notebook_status(name, meta.uid, meta.resource_version, status, fence=lease.token)
        told[name] = time.time()
    sys.stdout.write(json.dumps(told) + "\n")
    store.close()


def _answering(generation: int) -> NotebookStatus:
    now = datetime.now(UTC)
    ready = Condition(
        type=ConditionType.READY,
        status=ConditionStatus.TRUE,
        reason="Answering",
        message="",
        last_transition_time=now,
    )
    return NotebookStatus(
        observed_generation=generation,
        phase=Phase.RUNNING,
        address="http://notebook:8888",
        conditions=(ready,),
        ready_at=now,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
