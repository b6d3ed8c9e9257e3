"""The `swarmhub` command: its verbs, each in a module of its own."""

from __future__ import annotations

from collections.abc import Callable

import typer

from swarmhub_operator.cli.bug_report import bug_report
from swarmhub_operator.cli.cordon import cordon, uncordon
from swarmhub_operator.cli.describe import describe
from swarmhub_operator.cli.doctor import doctor
from swarmhub_operator.cli.drain import drain
from swarmhub_operator.cli.errors import Commands
from swarmhub_operator.cli.events import events
from swarmhub_operator.cli.gc import gc
from swarmhub_operator.cli.get import get
from swarmhub_operator.cli.homes import app as homes
from swarmhub_operator.cli.homes_copy import backup, restore
from swarmhub_operator.cli.homes_orders import forget, move, prune
from swarmhub_operator.cli.images import images
from swarmhub_operator.cli.logs import logs
from swarmhub_operator.cli.migrate import migrate
from swarmhub_operator.cli.nodes import nodes
from swarmhub_operator.cli.plan import plan
from swarmhub_operator.cli.policy import app as policy
from swarmhub_operator.cli.restart import restart
from swarmhub_operator.cli.state import app as state
from swarmhub_operator.cli.state_files import migrate as migrate_store
from swarmhub_operator.cli.state_files import restore as restore_store
from swarmhub_operator.cli.status import status
from swarmhub_operator.cli.stop import stop
from swarmhub_operator.cli.top import top
from swarmhub_operator.cli.version import version

app = typer.Typer(
    name="swarmhub",
    cls=Commands,
    help="Watch the notebooks and homes of a JupyterHub on Docker Swarm.",
    epilog="Begin with `swarmhub status`; `swarmhub COMMAND --help` has examples. "
    "Exit codes: 0 well, 1 not found or something needs a person, 2 wrong usage.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help, as kubectl's; users' text is never taken for markup
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    status: ("status", "status -l course=stats101", "status -o json | jq .problems"),
    doctor: (
        "doctor",
        "doctor --probe-nodes --all",
        "doctor -o json | jq '.findings[] | select(.verdict==\"failed\")'",
    ),
    get: (
        "get notebooks",
        "get notebook alice/lab -o yaml",
        "get nb -o wide --watch",
        "get nb -l 'phase!=Running,node in (worker-1,worker-2)' --sort-by restarts",
        "get homes -o json | jq -r '.items[].metadata.name'",
    ),
    describe: (
        "describe notebook alice",
        "describe notebook alice/lab",
        "describe home jupyterhub-user-alice",
    ),
    events: (
        "events",
        "events --for alice --since 1h",
        "events --for home/jupyterhub-user-alice -o wide",
        "events --follow",
        "events -o json | jq '.items[] | select(.type==\"Warning\")'",
    ),
    logs: ("logs alice", "logs alice/lab -f", "logs alice --previous --tail 50"),
    plan: ("plan", "plan alice", "plan -o json | jq '.notebooks[] | select(.actions != [])'"),
    stop: ("stop alice", "stop alice/lab bob --yes", "stop -l course=stats101 --dry-run"),
    restart: ("restart alice", "restart alice/lab --yes", "restart -l node=worker-1 --dry-run"),
    nodes: (
        "nodes",
        "nodes -o wide --sort-by notebooks",
        "nodes -l rack=2",
        "nodes -o json | jq '.items[] | select(.state==\"down\")'",
    ),
    top: (
        "top notebooks",
        "top notebooks --sort-by memory",
        "top nodes -o wide",
        "top nb -l course=stats101 -o json | jq '.items[].usage'",
    ),
    images: ("images", "images -o wide --sort-by state", "images --watch", "images --wait 300"),
    drain: ("drain worker1 --dry-run", "drain worker1 --yes --idle-after 1h"),
    cordon: ("cordon worker1",),
    uncordon: ("uncordon worker1",),
    gc: ("gc", "gc -o wide", "gc --confirm 7w1x --confirm p0q2 --dry-run"),
    migrate: (
        "migrate --from dockerspawner",
        "migrate --from dockerspawner --escape legacy --users users.txt --confirm",
        "migrate --from swarmspawner --volume-template 'work-{username}' --stop-services",
    ),
    bug_report: (
        "bug-report",
        "bug-report report.tar.gz --anonymize",
        "bug-report - > report.tar.gz",
    ),
    version: ("version",),
}
_OF_HOMES: dict[Callable[..., None], tuple[str, ...]] = {
    backup: ("backup ada > ada.tar", "backup ada/lab lab.tar"),
    move: ("move ada worker2", "move ada/lab worker2 --yes --no-wait"),
    forget: ("forget ada",),
    prune: ("prune --released --older-than 30d --dry-run",),
    restore: ("restore ada --yes < ada.tar", "restore ada ada.tar --replace"),
}
_OF_STATE: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "migrate": (migrate_store, ("migrate --dry-run",)),
    "restore": (restore_store, ("restore state-monday.db", "restore - --yes < state-monday.db")),
}
# What a list of commands says of those whose own first sentence is too long for a line of it.
_SHORT: dict[Callable[..., None], str] = {
    doctor: "Look for faults around the notebooks, and say what to do.",
    events: "List what the operator decided about notebooks and homes.",
    logs: "Print what a user's server writes, from whichever node.",
    plan: "Show what the operator would do now; nothing is touched.",
    nodes: "List the nodes of the Swarm, and what is on each.",
    top: "Show CPU and memory: used, kept for servers, allowed.",
    images: "List the images that the nodes pull ahead of time.",
    drain: "Empty a node without taking away what is in use.",
    gc: "List what has no record; --confirm has it removed.",
    migrate: "Take over the homes of DockerSpawner or SwarmSpawner.",
    bug_report: "Pack what helps to understand a fault, without secrets.",
    backup: "Copy the content of a home into a tar archive.",
    move: "Move a home to another node, or call that off.",
    forget: "Give up a home that does not come back.",
    prune: "Remove homes that have lost their user.",
    restore: "Fill a home from an archive.",
    migrate_store: "Bring an older store up to this version's schema.",
    restore_store: "Put a backup in the place of the store, which is kept.",
}
_AS_IT_IS = "\b"  # tells click not to re-flow the paragraph

for verb, examples in _EXAMPLES.items():
    lines = (_AS_IT_IS, "Examples:", *(f"  swarmhub {example}" for example in examples))
    app.command(epilog="\n".join(lines), short_help=_SHORT.get(verb))(verb)
for verb, examples in _OF_HOMES.items():
    lines = (_AS_IT_IS, "Examples:", *(f"  swarmhub homes {example}" for example in examples))
    homes.command(epilog="\n".join(lines), short_help=_SHORT.get(verb))(verb)
for name, (verb, examples) in _OF_STATE.items():
    lines = (_AS_IT_IS, "Examples:", *(f"  swarmhub state {example}" for example in examples))
    state.command(name, epilog="\n".join(lines), short_help=_SHORT.get(verb))(verb)
app.add_typer(homes, short_help="Where the homes lie; copy, move, restore or prune them.")
app.add_typer(policy)
app.add_typer(state)
