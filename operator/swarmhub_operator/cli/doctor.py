"""`swarmhub doctor`: looks at everything around the notebooks, explains, and names the remedy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from swarmhub_crds.base import API_VERSION

from swarmhub_operator.cli import output
from swarmhub_operator.cli.doctor_gather import gather
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.options import DockerHost, ForPrograms, StateUrl, clock, engine_at
from swarmhub_operator.cli.text import safe
from swarmhub_operator.doctor.examine import examine
from swarmhub_operator.doctor.finding import Finding, Verdict
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL, PREFIX

_INDENT = "    "
_SECTIONS = (
    (Verdict.FAILED, "What is wrong, and what to do"),
    (Verdict.WARNING, "What is worth a change"),
    (Verdict.UNKNOWN, "What could not be looked at"),
    (Verdict.OK, "What is well"),
)

ProbeNodes = Annotated[
    bool,
    typer.Option(
        "--probe-nodes",
        help="Send an errand without any privilege to each node, which tells of its clock, disk, "
        "names and registries.",
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Also name what is well.")]


def doctor(
    probe: ProbeNodes = False,
    everything: Everything = False,
    form: ForPrograms = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
) -> None:
    """Look for faults around the notebooks, explain them, and say what to do.

    Works with operator, engine or store away, and says what could not be looked at for that.
    The exit code is 0 when all is well and 1 when something needs a person.
    """
    now = clock()
    logins = os.environ.get(f"{PREFIX}REGISTRY_AUTH_FILE", "")
    engine = engine_at(docker_host, reads_only=not probe, logins=logins)
    found = examine(gather(engine, state_url, now, probe=probe))
    failed = any(f.verdict is Verdict.FAILED for f in found)
    if form is None:
        for line in _lines(found, everything=everything):
            output.write(line)
    else:
        output.write(output.document(_document(found, now, healthy=not failed), form))
    if failed:
        raise typer.Exit(TROUBLE)


def _document(found: Sequence[Finding], now: datetime, *, healthy: bool) -> dict[str, Any]:
    counted = Counter(f.verdict for f in found)
    return {
        "apiVersion": API_VERSION,
        "kind": "Diagnosis",
        "healthy": healthy,
        "takenAt": now.isoformat().replace("+00:00", "Z"),
        "verdicts": {verdict.value: counted[verdict] for verdict in Verdict},
        "findings": [
            {
                "check": finding.check.value,
                "subject": finding.subject,
                "verdict": finding.verdict.value,
                "message": finding.what,
                "why": finding.why,
                "nextStep": finding.remedy,
            }
            for finding in found
        ],
    }


def _lines(found: Sequence[Finding], *, everything: bool) -> list[str]:
    counted = Counter(f.verdict for f in found)
    told = ", ".join(f"{counted[v]} {output.paint(v, v)}" for v in Verdict if counted[v])
    lines = [f"Findings:   {told}"]
    for verdict, title in _SECTIONS:
        some = [f for f in found if f.verdict is verdict]
        if some and (verdict is not Verdict.OK or everything):
            lines += ["", f"{title} ({len(some)}):"]
            lines += _unknown(some) if verdict is Verdict.UNKNOWN else _told(some)
    if counted[Verdict.OK] == len(found):
        lines += ["", "Nothing is wrong."]
    return lines


def _unknown(found: Sequence[Finding]) -> list[str]:
    """A line each, since the reason of many is the same; what helps is said once."""
    texts = (safe(f"{f.check} {f.subject}".strip() + f": {f.what}") for f in found)
    lines = [f"  {line}" for text in texts for line in output.wrapped(text, _INDENT)]
    steps = dict.fromkeys(f.remedy for f in found if f.remedy)
    return lines + [
        _INDENT + line for s in steps for line in output.wrapped(safe(f"Next: {s}"), _INDENT)
    ]


def _told(found: Sequence[Finding]) -> list[str]:
    return [line for finding in found for line in _finding(finding)]


def _finding(finding: Finding) -> list[str]:
    what = safe(f"{finding.check} {finding.subject}".strip())
    texts = [finding.what, finding.why, finding.remedy and f"Next: {finding.remedy}"]
    lines = [line for text in texts if text for line in output.wrapped(safe(text), _INDENT)]
    head = f"  {what}: {output.paint(finding.verdict, finding.verdict)}"
    return [head, *(_INDENT + line for line in lines)]
