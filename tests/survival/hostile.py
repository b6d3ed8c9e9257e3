"""Ten thousand rows that no spawner would write, put into the database behind the store's back."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

_MOMENT = "2026-03-01T12:00:00.000000Z"
Row = dict[str, Any]


def rows(count: int, spec: dict[str, Any], victim: Row, seed: int = 1) -> Iterator[Row]:
    """Yield rows of all kinds in turn.

    Args:
        count: how many.
        spec: a legal spec, to be spoiled.
        victim: the row of a notebook that runs, to be imitated.
        seed: of the randomness.
    """
    chance = random.Random(seed)
    for number in range(count):
        row: Row = {
            "name": f"h{number:05}",
            "uid": str(UUID(int=chance.getrandbits(128), version=4)),
            "generation": 1,
            "resource_version": 1,
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
            "spec": json.dumps(spec | {"user": f"h{number:05}", "desired": "Stopped"}),
            "status": "{}",
        }
        yield row | _KINDS[number % len(_KINDS)](number, spec, victim, chance)


def _spec(spec: dict[str, Any], **changes: Any) -> Row:
    return {"spec": json.dumps(spec | changes)}


_KINDS = (
    lambda n, spec, victim, chance: {"spec": chance.randbytes(200)},
    lambda n, spec, victim, chance: {"spec": chance.randbytes(200).decode("utf-8", "replace")},
    lambda n, spec, victim, chance: {"status": chance.randbytes(50)},
    lambda n, spec, victim, chance: _spec(spec, user=5, command="not a list"),
    lambda n, spec, victim, chance: {"spec": "[" * 5000},
    lambda n, spec, victim, chance: {"spec": '{"a":' * 3000 + "1" + "}" * 3000},
    lambda n, spec, victim, chance: _spec(spec, environment={"BIG": "x" * 20_000}, port=0),
    lambda n, spec, victim, chance: _spec(spec, user="\ud800", desired="Stopped"),
    lambda n, spec, victim, chance: {"uid": victim["uid"]},
    lambda n, spec, victim, chance: {"uid": f"{victim['uid'][:8]}"},
    lambda n, spec, victim, chance: {"uid": "x' OR '1'='1"},
    lambda n, spec, victim, chance: {"name": f"../../{n}/etc/passwd"},
    lambda n, spec, victim, chance: {"name": f"-rf {n} {{{{.Node.ID}}}}"},
    lambda n, spec, victim, chance: {"name": f"{victim['name']}\u0000{n}"},
    lambda n, spec, victim, chance: _spec(spec, environment={"T": "{{.Node.ID"}, desired="Stopped"),
    lambda n, spec, victim, chance: {"generation": -n},
    lambda n, spec, victim, chance: {"generation": 2**63 - 1, "resource_version": -1},
    lambda n, spec, victim, chance: {"generation": "many", "resource_version": "none"},
    lambda n, spec, victim, chance: {"created_at": "9999-99-99", "updated_at": b"\xff"},
    lambda n, spec, victim, chance: {"deletion_requested_at": "yesterday"},
    lambda n, spec, victim, chance: {"deletion_requested_at": _MOMENT, "spec": "{}"},
    lambda n, spec, victim, chance: {"status": '{"observedGeneration": -1, "phase": "Happy"}'},
    lambda n, spec, victim, chance: {"status": json.dumps({"serviceId": victim["service"]})},
    lambda n, spec, victim, chance: {"name": victim["service"][: 3 + n % 20] + f"-{n}"},
    lambda n, spec, victim, chance: _spec(spec, image="evil/miner:latest", user=f"h{n:05}"),
)


def write(database: Path, written: Iterator[Row]) -> None:
    """Write rows, as whoever holds the database may."""
    with closing(sqlite3.connect(database)) as other, other:
        for row in written:
            columns = ", ".join(row)
            values = ", ".join("?" * len(row))
            other.execute(
                f"INSERT OR IGNORE INTO notebooks ({columns}) VALUES ({values})",
                tuple(row.values()),
            )
