"""`swarmhub homes`: without a verb the list of them; the verbs stand in modules of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from swarmhub_operator.cli import output
from swarmhub_operator.cli.asking import Answers, ask_nodes
from swarmhub_operator.cli.homes_table import show, survey
from swarmhub_operator.cli.options import Form, StateUrl, opened
from swarmhub_operator.cli.text import safe
from swarmhub_operator.settings import DEFAULT_STATE_URL

app = typer.Typer(
    name="homes",
    help="Homes on all nodes: where they lie, copies of them, and those that nobody needs.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

OnNode = Annotated[
    str | None,
    typer.Option(
        "--node", metavar="NODE", help="Only what is on this node: its hostname or id.",
        show_default=False,
    ),
]  # fmt: skip
Cached = Annotated[
    bool, typer.Option("--cached", help="Ask no node; tell what was known when they last told.")
]
Size = Annotated[
    bool, typer.Option("--size", help="Measure the homes, which looks at every file of them.")
]


@app.callback(
    invoke_without_command=True,
    epilog="\b\nExamples:\n  swarmhub homes\n  swarmhub homes --node worker1 -o wide\n"
    "  swarmhub homes --size",
)
def homes(
    context: typer.Context,
    node: OnNode = None,
    cached: Cached = False,
    measured: Size = False,
    form: Form = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """List the homes, compared with the volumes that are on the nodes.

    Missing is a home whose volume is not on its node; Unknown is a volume of ours that is no home's
    by the records; Leftover is what a move has left and the operator still removes.
    """
    if context.invoked_subcommand is not None:
        return
    with opened(state_url) as store:
        found = survey(store, Answers() if cached else ask_nodes(store, measured=measured))
    show(found, node, form)
    for hostname, why in sorted(found.silent.items()):
        if node in (None, hostname):
            output.warn(safe(f"{hostname}: {why}"))
