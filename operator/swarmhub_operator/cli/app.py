"""The `swarmhub` command: its verbs, each in a module of its own."""

from __future__ import annotations

from collections.abc import Callable

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
_EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    status: ("status", "status -o json | jq .problems"),
    get: (
        "get notebooks",
        "get notebook alice/lab -o yaml",
        "get nb -o wide --watch",
        "get homes -o json | jq -r '.items[].metadata.name'",
    ),
    describe: (
        "describe notebook alice",
        "describe notebook alice/lab",
        "describe home jupyterhub-user-alice",
    ),
    version: ("version",),
}
_AS_IT_IS = "\b"  # tells click not to re-flow the paragraph

for verb, examples in _EXAMPLES.items():
    lines = (_AS_IT_IS, "Examples:", *(f"  swarmhub {example}" for example in examples))
    app.command(epilog="\n".join(lines))(verb)
