"""`swarmhub status`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

from datetime import datetime

import typer
from swarmhub_crds.readable import age

from swarmhub_operator.cli import output
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.health import examine as examine_store
from swarmhub_operator.cli.options import ForPrograms, Labels, StateUrl, clock, opened
from swarmhub_operator.cli.report import Count, OperatorReport, OperatorState, Problem, Report
from swarmhub_operator.cli.text import safe, when
from swarmhub_operator.settings import DEFAULT_STATE_URL

_INDENT = "    "


def status(
    form: ForPrograms = None, selector: Labels = None, state_url: StateUrl = DEFAULT_STATE_URL
) -> None:
    """Show whether all is well and, if not, what to do.

    A selector leaves out other notebooks and homes; all else is shown and judged as ever.
    The exit code is 0 when all is well and 1 when something needs a person.
    """
    now = clock()
    with opened(state_url) as store:
        report = examine_store(store, now, selector)
    if form is None:
        for line in _lines(report, now):
            output.write(line)
    else:
        content = report.model_dump(mode="json", by_alias=True)
        output.write(output.document(content, form))
    if not report.healthy:
        raise typer.Exit(TROUBLE)


def _lines(report: Report, now: datetime) -> list[str]:
    store = report.store
    good = output.paint("ok", "ok")
    schema = f"schema {store.schema_version} ({good})"
    return [
        f"Store:      {safe(store.path)}",
        f"            uid {safe(store.uid)}, revision {store.revision}, {schema}",
        f"Operator:   {_operator(report.operator, now)}",
        f"Nodes:      {_counts(report.nodes)}",
        f"Notebooks:  {_counts(report.notebooks)}",
        f"Homes:      {_counts(report.homes)}",
        f"Images:     {_counts(report.images)}",
        *_problems(report.problems),
    ]


def _operator(operator: OperatorReport, now: datetime) -> str:
    if operator.state is OperatorState.LEADING:
        seen = age(operator.last_seen_at, now)
        return f"{safe(operator.holder or '')}, seen {seen} ago ({output.paint('ok', 'ok')})"
    if operator.state is OperatorState.NEVER_SEEN:
        return output.paint("never seen", "Failed")
    return output.paint(f"not seen since {when(operator.last_seen_at, now)}", "Failed")


def _counts(count: Count) -> str:
    parts = [f"{n} {output.paint(safe(phase), phase)}" for phase, n in count.phases.items() if n]
    return f"{count.total}: {', '.join(parts)}" if parts else "none"


def _problems(problems: tuple[Problem, ...]) -> list[str]:
    if not problems:
        return ["", "Nothing is wrong."]
    lines = ["", f"What is wrong, and what to do ({len(problems)}):"]
    for problem in problems:
        lines += _problem(problem)
    return lines


def _problem(problem: Problem) -> list[str]:
    what = safe(f"{problem.kind.lower()} {problem.name}".strip())
    phase = output.paint(problem.phase, problem.phase)
    texts = (safe(problem.message), f"Next: {safe(problem.next_step)}")
    return [
        f"  {what}: {phase}",
        *(_INDENT + line for text in texts for line in output.wrapped(text, _INDENT)),
    ]
