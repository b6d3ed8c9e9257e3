"""The `swarmhub` command: its verbs, each in a module of its own."""

from __future__ import annotations

import typer

from swarmhub_operator.cli.describe import describe
from swarmhub_operator.cli.errors import Commands
from swarmhub_operator.cli.get import get
from swarmhub_operator.cli.status import status
from swarmhub_operator.cli.version import version

app = typer.Typer(
    name="swarmhub",
    cls=Commands,
    help="Watch the notebooks and homes of a JupyterHub on Docker Swarm.",
    epilog="Exit codes: 0 well, 1 not found or something needs a person, 2 wrong usage.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help, as kubectl's; users' text is never taken for markup
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (status, get, describe, version):
    app.command()(verb)
