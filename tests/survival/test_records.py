"""Ten thousand records that no spawner would write stand beside those of people."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.shell import run
from support.waiting import wait_for
from survival import hostile
from survival.site import Site
from swarmhub_crds.notebook import Mount, Phase, Resources

COUNT = 10_000
MIB = 2**20
GROWTH = 12 * MIB  # that the operator's memory may grow in `SWEEPS` sweeps, once it knows them all
SWEEPS = 6
EVERY = 3.0  # seconds between two sweeps, by this folder's policy
log = logging.getLogger(__name__)


@pytest.fixture
def state_folder() -> Iterator[Path]:
    """Yield a folder in memory: how long a disk takes for ten thousand commits is not asked."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="swarmhub-") as folder:
        yield Path(folder)


def _answer(site: Site) -> float:
    """Start and stop a notebook, and return the seconds that this took."""
    began = time.monotonic()
    site.start("nia")
    site.wait(Phase.RUNNING, "nia", timeout=30)
    site.stop("nia")
    site.wait(Phase.STOPPED, "nia", timeout=30)
    return time.monotonic() - began


def _wait_calm(site: Site) -> None:
    """Wait until the operator writes nothing any more: it has said of each what it has to say."""
    seen: list[tuple[int, float]] = [(-1, time.monotonic())]

    def calm() -> bool:
        revision = site.store.revision()
        if revision != seen[-1][0]:
            seen.append((revision, time.monotonic()))
        return time.monotonic() - seen[-1][1] > 2 * EVERY

    wait_for("the operator to have looked at each record", calm, timeout=180)


def test_ten_thousand_hostile_records(site: Site) -> None:
    """The others are served all the while, memory stays flat, and the command shows them."""
    site.run("mia")
    record = site.record("mia")
    victim = {
        "name": "mia",
        "uid": record.metadata.uid,
        "service": record.status.service_id,
    }
    spec = json.loads(site.spec("nobody").model_dump_json())
    hostile.write(site.database, hostile.rows(COUNT, spec, victim))
    slowest = max(_answer(site) for _ in range(5))
    _wait_calm(site)
    memory, cpu, began = site.operator.memory(), site.operator.cpu(), time.monotonic()
    time.sleep(SWEEPS * EVERY)
    growth = site.operator.memory() - memory
    share = (site.operator.cpu() - cpu) / (time.monotonic() - began)
    log.info(
        "slowest start and stop %.1f s; memory %d MiB, %+.1f MiB in %d sweeps; %.0f %% of a core",
        slowest,
        memory / MIB,
        growth / MIB,
        SWEEPS,
        100 * share,
    )
    assert growth < GROWTH
    assert slowest < 15  # behind each sweep over all records it would be more
    _answer(site)
    assert site.running() == ["mia"]
    assert site.starts("mia") == 1
    assert site.services() == site.secrets() == ["mia"]
    assert site.restarts("mia") == {"mia": (0, 0)}
    assert site.marked("mia")
    listed = _swarmhub(site, "get", "notebooks").splitlines()
    assert len([line for line in listed if " Invalid " in line]) > COUNT / 2
    assert any(line.split()[:1] == ["mia"] and " Running " in line for line in listed)


def _swarmhub(site: Site, *arguments: str) -> str:
    state = {"SWARMHUB_STATE_URL": site.store.url, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = (sys.executable, "-m", "swarmhub_operator.cli.main", *arguments)
    return run(*command, timeout=60, env=state)


FORBIDDEN: tuple[tuple[dict[str, Any], str], ...] = (
    ({"image": "evil/miner:latest"}, "The image evil/miner:latest is not allowed here"),
    ({"networks": ("host",)}, "The network host is not allowed for notebooks"),
    (
        {"mounts": (Mount(volume="portainer_data", target="/data"),)},
        "The volume portainer_data is not allowed for notebooks",
    ),
    (
        {
            "mounts": (
                Mount(
                    volume="jupyterhub-x",
                    target="/data",
                    driver_options={"type": "none", "o": "bind", "device": "/etc"},
                ),
            )
        },
        "reach the node's own files (/etc)",
    ),
    ({"labels": {"swarmhub.store": "mine"}}, "The label swarmhub.store is reserved"),
    ({"resources": Resources(mem_guarantee=2**50)}, "No node is large enough"),
)


def test_what_policy_forbids_is_refused_with_its_sentence(site: Site) -> None:
    """Nothing is made, and the reason stands in the record."""
    refused = {f"eve-{number}": case for number, case in enumerate(FORBIDDEN)}
    for user, (values, _) in refused.items():
        site.start(user, **values)
    site.wait(Phase.FAILED, *refused)
    for user, (_, sentence) in refused.items():
        assert sentence in site.record(user).status.message
    assert site.services() == site.secrets() == []
