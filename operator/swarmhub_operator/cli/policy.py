"""`swarmhub policy`: is a policy file right, what does it mean, and whom would it refuse."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Store

from swarmhub_operator import policyfile
from swarmhub_operator.cli import output
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.options import StateUrl, opened
from swarmhub_operator.cli.output import Document
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.admission import refusals
from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.decide.owners import owners
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.quota import excess, of_spec
from swarmhub_operator.settings import DEFAULT_STATE_URL, PREFIX, Settings, SettingsError, read

app = typer.Typer(
    name="policy",
    help="The operator's policy: what notebooks may ask for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The policy file; - is standard input.", allow_dash=True),
]
Form = Annotated[
    Document | None,
    typer.Option("-o", "--output", help="Print the whole policy that the file means."),
]
FormOfOwn = Annotated[Document | None, typer.Option("-o", "--output", help="In which form.")]
Everyone = Annotated[
    bool, typer.Option("--all", help="Also name each record that it would refuse.")
]
_AS_IT_IS = "\b"  # tells click not to re-flow the paragraph


@app.command(
    epilog=f"{_AS_IT_IS}\nExamples:\n"
    "  swarmhub policy check - < policy.toml\n"
    "  swarmhub policy check - --all < policy.toml\n"
    "  swarmhub policy check /dev/null -o yaml"
)
def check(
    file: File,
    form: Form = None,
    everyone: Everyone = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Say what is wrong with a policy file. Exit code 1: something is, or somebody is refused."""
    policy = _loaded(file)
    if form is not None:
        _print(policy, form)
    if everyone:
        with opened(state_url) as store:
            refused = _refused(store, policy)
        for line in refused:
            (output.write if form is None else output.warn)(line)
        if refused:
            raise typer.Exit(TROUBLE)
    if form is None:
        output.warn("The policy is right.")


@app.command(
    epilog=f"{_AS_IT_IS}\nExamples:\n"
    "  swarmhub policy show\n"
    "  swarmhub policy show > policy.yaml && swarmhub policy check - < policy.yaml"
)
def show(form: FormOfOwn = Document.YAML) -> None:
    """Print the whole policy that this operator's settings name."""
    try:
        settings = read()
    except SettingsError as error:
        output.warn(safe(str(error)))
        raise typer.Exit(TROUBLE) from error
    _print(settings.effective_policy, form or Document.YAML)


def _loaded(file: Path) -> Policy:
    try:
        if str(file) == "-":
            return policyfile.parse(sys.stdin.read(), "standard input")
        return policyfile.load(file)
    except policyfile.PolicyFileError as error:
        for problem in error.problems:
            output.warn(safe(problem))
        raise typer.Exit(TROUBLE) from error


def _print(policy: Policy, form: Document) -> None:
    output.write(output.document(policy.model_dump(mode="json"), form))


def _refused(store: Store, policy: Policy) -> list[str]:
    """Return a line for each record that should run, or could be started, and why not.

    What should run is counted in the order of names, as if all of it were started now.
    """
    network = os.environ.get(f"{PREFIX}NETWORK") or Settings().network
    homes = {h.metadata.name: h for h in store.list_homes() if isinstance(h, Home)}
    inventories = store.list_inventories()
    lines = []
    taken: list[Claim] = []
    for record in store.list_notebooks():
        if not isinstance(record, Notebook):
            continue
        spec, runs = record.spec, record.spec.desired is Desired.RUNNING
        mounted = {m.volume: homes[m.volume] for m in spec.mounts if m.volume in homes}
        owned = owners(spec, mounted, inventories, ())
        why = list(refusals(spec, policy, network, owned))
        claim = of_spec(spec, policy)
        beyond = excess(claim, taken if runs else (), policy.quotas)
        if beyond:
            why.append(beyond)
        elif runs:
            taken.append(claim)
        state = "" if runs else " (stopped)"
        lines += [f"{record.metadata.name}{state}: {safe(sentence)}" for sentence in why]
    return lines
