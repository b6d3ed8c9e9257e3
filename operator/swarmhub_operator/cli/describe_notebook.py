"""What `describe notebook` says."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import join

from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Mount, Notebook, NotebookSpec, NotebookStatus, Resources
from swarmhub_crds.readable import NONE
from swarmhub_crds.store import Broken

from swarmhub_operator.cli.records import phase_of
from swarmhub_operator.cli.rows import generation, ready
from swarmhub_operator.cli.sections import Page
from swarmhub_operator.cli.text import until

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def describe_notebook(
    page: Page, notebook: Notebook, homes: Sequence[Home | Broken], newer: str = ""
) -> None:
    """Add a notebook to `page`; `homes` are the records of the homes that it mounts.

    `newer` is the image that a start would take in place of what runs, "" if it is the same.
    """
    page.field("Name", notebook.metadata.name)
    page.field("User", notebook.spec.user)
    page.field("Server", notebook.spec.server)
    page.phase(phase_of(notebook))
    page.sentence("Message", notebook.status.message)
    page.field("Generation", generation(notebook))
    page.field("Request", notebook.metadata.request)
    page.metadata(notebook.metadata)
    if newer:
        page.sentence("Next start takes", newer)
    _spec(page, notebook.spec)
    notebook_status(page, notebook.status)
    _homes(page, notebook.spec, homes)


def notebook_status(page: Page, status: NotebookStatus) -> None:
    """Add what the operator has observed."""
    page.section("Status")
    page.field("Ready", ready(status))
    page.field("Node", status.node)
    page.field("Address", status.address)
    page.field("Image", status.image)
    page.field("Service", status.service_id)
    page.field("Task", status.task_id)
    page.time("Started", status.started_at)
    page.time("Answered", status.ready_at)
    page.field("Restarts", status.restarts)
    page.field("Failures in a row", status.failures)
    page.field("Exit code", status.exit_code)
    again = status.next_restart_at
    page.field("Next restart", NONE if again is None else until(again, page.now))
    page.conditions(status.conditions)
    page.text("Last log lines", status.last_log)


def _spec(page: Page, spec: NotebookSpec) -> None:
    page.section("Spec")
    page.field("Desired", spec.desired)
    page.field("Image", spec.image)
    page.field(
        "Entrypoint", "the image's own" if spec.entrypoint is None else _shell(spec.entrypoint)
    )
    page.field("Command", _shell(spec.command))
    page.field("Working folder", spec.working_dir or "the image's own")
    page.field("Container user", spec.container_user or "the image's own")
    page.field("Port", spec.port)
    page.field("Probe path", spec.probe_path)
    _resources(page, spec.resources)
    page.items("Constraints", spec.constraints)
    page.items("Volumes", [_mount(mount) for mount in spec.mounts])
    page.items("Networks", spec.networks)
    page.mapping("Labels", spec.labels)
    page.mapping("Environment", spec.environment)
    digest = f"kept apart (SHA-256 {spec.secret_digest[:12]}…)" if spec.secret_digest else "none"
    page.field("Secret values", digest)


def _shell(words: Sequence[str]) -> str:
    return join(words)


def _resources(page: Page, resources: Resources) -> None:
    cpus = (_cpus(resources.cpu_guarantee), _cpus(resources.cpu_limit))
    memory = (_bytes(resources.mem_guarantee), _bytes(resources.mem_limit))
    for label, (guarantee, limit) in (("CPUs", cpus), ("Memory", memory)):
        page.field(label, f"guarantee {guarantee}, limit {limit}")
    page.mapping("Generic resources", {kind: str(n) for kind, n in resources.generic.items()})


def _cpus(cpus: float | None) -> str:
    return "none" if cpus is None else f"{cpus:g}"


def _bytes(size: int | None) -> str:
    """Return a size in the largest unit that holds it in whole numbers."""
    if size is None:
        return "none"
    fitting = [(unit, name) for unit, name in _UNITS if size and size % unit == 0]
    return f"{size // fitting[0][0]} {fitting[0][1]}" if fitting else f"{size} bytes"


def _mount(mount: Mount) -> str:
    mode = "read-only" if mount.read_only else "read-write"
    home = ", home" if mount.home else ""
    options = "".join(f", {name}={value}" for name, value in sorted(mount.driver_options.items()))
    return f"{mount.volume} at {mount.target} ({mode}{home}, driver {mount.driver}{options})"


def _homes(page: Page, spec: NotebookSpec, homes: Sequence[Home | Broken]) -> None:
    known = {h.name if isinstance(h, Broken) else h.metadata.name: h for h in homes}
    rows = [_home(mount.volume, known.get(mount.volume)) for mount in spec.mounts if mount.home]
    page.table("Homes", ("NAME", "PHASE", "DRIVER", "NODE", "RECLAIM", "MESSAGE"), rows)


def _home(name: str, home: Home | Broken | None) -> Sequence[str]:
    if home is None:
        return (name, NONE, NONE, NONE, NONE, "There is no record of this home.")
    if isinstance(home, Broken):
        return (name, phase_of(home), NONE, NONE, NONE, home.message)
    spec, status = home.spec, home.status
    return (name, phase_of(home), spec.driver, status.node or NONE, spec.reclaim, status.message)
