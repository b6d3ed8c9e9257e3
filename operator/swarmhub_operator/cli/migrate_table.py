"""How `swarmhub migrate` tells what it found."""

from __future__ import annotations

from typing import Any, Final

from swarmhub_crds.base import API_VERSION
from swarmhub_crds.escaping import Escape
from swarmhub_crds.readable import NONE

from swarmhub_operator.cli import output
from swarmhub_operator.cli.output import Document
from swarmhub_operator.cli.table import Table, cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.oldspawner import Finding, Migration, Wish
from swarmhub_operator.engine.workloads import Workload

_TITLES: Final = ("STEP", "VOLUME", "USER", "SERVER", "NODE", "WHY")


def show(found: Migration, form: Document | None, *, done: bool) -> None:
    """Print what is done, or was, about each volume, and which servers run."""
    if form is not None:
        output.write(output.document(_content(found, done=done), form))
        return
    if found.findings:
        rows = [_cells(finding) for finding in found.findings]
        table = Table(_TITLES, output.paint, colored="STEP")
        table.fit(rows)
        for line in (table.header(), *map(table.line, rows)):
            output.write(line)
    else:
        output.warn(
            "Nothing of that spawner was found; if its volumes have names of their own, give "
            "--volume-template."
        )
    for service in found.stops:
        output.write(safe(f"The {service.title} of {service.user} is removed first."))
    for one in found.running:
        output.write(safe(f"The {one.title} of {one.user} runs on, and is not touched."))


def options_line(wish: Wish) -> str:
    """Return what the hub's configuration has to say, so that servers find their homes."""
    legacy = any(template.escape is Escape.LEGACY for template in wish.templates)
    naming = 'escape = "legacy"' if legacy else 'slug_scheme = "escape"'
    names = ", ".join(repr(template.text) for template in wish.templates)
    return (
        f"In the hub, set c.SwarmHubSpawner.{naming} and keep {names} in "
        "c.SwarmHubSpawner.volumes, or its servers get other volumes."
    )


def _cells(finding: Finding) -> list[str]:
    who = (finding.user, finding.server, finding.node)
    cells = (finding.step, finding.name, *map(cut, who), finding.why)
    return [safe(cell) or NONE for cell in cells]


def _content(found: Migration, *, done: bool) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Migration",
        "done": done,
        "items": [_item(finding) for finding in found.findings],
        "removed": [_workload(one) for one in found.stops],
        "running": [_workload(one) for one in found.running],
    }


def _item(finding: Finding) -> dict[str, Any]:
    return {
        "step": str(finding.step),
        "name": finding.name,
        "user": finding.user or None,
        "server": finding.server,
        "node": finding.node or None,
        "nodeId": finding.node_id or None,
        "usedBy": list(finding.used_by),
        "why": finding.why,
    }


def _workload(one: Workload) -> dict[str, Any]:
    return {"kind": str(one.kind), "name": one.name, "user": one.user, "server": one.server}
