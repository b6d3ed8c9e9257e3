"""What `make up` makes of a network for monitoring: the operator tells its metrics there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

LIB = Path(__file__).parents[2] / "images" / "lib"
DOCKER = """#!/bin/sh
case "$*" in
  "network inspect --format "*" swarmhub_monitoring") ;;
  *) exit 1 ;;
esac
[ -n "${SUBNETS+there}" ] && printf '%b' "$SUBNETS"
"""
SCRIPT = """
set -euo pipefail
ROOT=$0
for part in say settings secrets configs site stack; do . "$ROOT/images/lib/$part.sh"; done
LOG=/dev/null
files=(-c stack.yml)
settle_metrics
echo "${files[@]##*/} from ${SWARMHUB_METRICS_FROM-nobody}"
"""


def settle(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run that part with an engine that knows the network's subnets, if SUBNETS is given."""
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return subprocess.run(
        ["bash", "-c", SCRIPT, str(LIB.parents[1])],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", **given},
        timeout=30,
        check=False,
    )


def test_without_the_network_nothing_is_told(tmp_path: Path) -> None:
    """The operator goes on listening to its own container alone."""
    assert settle(tmp_path).stdout.splitlines() == ["-c stack.yml from nobody"]


@pytest.mark.parametrize(
    ("subnets", "told"),
    [
        ("10.0.5.0/24\\n\\n", "10.0.5.0/24"),
        ("10.0.5.0/24\\nfd00::/64\\n10.0.9.0/24\\n\\n", "10.0.5.0/24,10.0.9.0/24"),
    ],
)
def test_whoever_is_in_the_network_is_told(tmp_path: Path, subnets: str, told: str) -> None:
    """Of each address block, but those of IPv6, where the operator does not listen."""
    last = settle(tmp_path, SUBNETS=subnets).stdout.splitlines()[-1]
    assert last == f"-c stack.yml -c operator.yml from {told}"


@pytest.mark.parametrize("subnets", ["", "\\n", "fd00::/64\\n"])
def test_a_network_without_addresses_opens_nothing(tmp_path: Path, subnets: str) -> None:
    """An empty list would let everybody in."""
    done = settle(tmp_path, SUBNETS=subnets)
    assert done.returncode != 0
    assert "make it as docs/metrics.md says" in done.stderr
