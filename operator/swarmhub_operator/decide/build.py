"""From a record to a Swarm service spec: pure, and the only place that knows its shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmhub_crds import names, secretenv
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Mount, Notebook, NotebookSpec, Resources

from swarmhub_operator.decide import containers, recorded, terms
from swarmhub_operator.decide.containers import literal
from swarmhub_operator.decide.terms import NONE, Terms
from swarmhub_operator.engine import labels

# A pin that no node has: nothing begins anywhere until it is known that nothing has begun before.
NO_NODE = "none"

# Reads the secret environment and becomes the real command, so that any image with `sh` works.
SHIM = f'set -a; . {secretenv.PATH}; set +a; exec "$@"'


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record with the homes that it mounts and the uid of the store that owns it."""

    notebook: Notebook
    store: str
    homes: Mapping[str, Home] = field(default_factory=dict)  # by volume name

    @property
    def name(self) -> str:
        """Name of the record."""
        return self.notebook.metadata.name

    @property
    def spec(self) -> NotebookSpec:
        """What should be."""
        return self.notebook.spec


@dataclass(frozen=True, slots=True)
class Placement:
    """What has been decided about a service outside its record."""

    image: str  # by digest when a registry knows it
    pin: str | None = None  # id of the node that holds the home, or is to hold it
    force_update: int = 0
    supersedes: str = ""  # id of the ended task in whose stead a new one is asked for
    terms: Terms = NONE  # what the policy adds


def spec_hash(notebook: Notebook) -> str:
    """Return the hash that tells whether a service was built from this generation of the record.

    Defaults are left out, so that a field which a later version adds changes no hash.
    """
    canonical = json.dumps(
        [
            notebook.metadata.generation,
            notebook.spec.model_dump(mode="json", exclude_defaults=True),
        ],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def secret_file(environment: Mapping[str, str]) -> bytes:
    """Write secret environment as a file that `sh` can read, and whoever reads PEM too.

    Values are single-quoted, so nothing expands. Names are to be checked before (`environment`).
    The TLS part is what a command that does nothing is given; no value can pass for a piece of it.
    """
    variables = {key: value for key, value in environment.items() if key != secretenv.TLS}
    lines = [f"{key}={_unlike_pem(_quote(value))}\n" for key, value in sorted(variables.items())]
    if secretenv.TLS in environment:
        pem = _quote(f"\n{environment[secretenv.TLS]}")
        lines.append(f": {pem}\n")
    return "".join(lines).encode()


def _quote(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _unlike_pem(quoted: str) -> str:
    """Let no line begin as one of a PEM does; to `sh` the empty quotes are nothing."""
    return quoted.replace("\n-----", "\n''-----")


def secret_name(notebook: Notebook) -> str | None:
    """Return the name of the Swarm secret that this generation needs, or None."""
    digest = notebook.spec.secret_digest
    return names.secret_name(notebook.metadata.name, digest) if digest else None


def ownership(wanted: Wanted) -> dict[str, str]:
    """Return the labels that every resource of this record carries."""
    return {
        labels.STORE: wanted.store,
        labels.NOTEBOOK: wanted.name,
        labels.UID: wanted.notebook.metadata.uid,
    }


def service_spec(wanted: Wanted, placement: Placement, secret_id: str | None) -> dict[str, Any]:
    """Build the service spec of a notebook, in the engine API's own form.

    Every value that is set here is compared with what the engine has (see `drift`), so nothing
    is set that the engine would rewrite.
    """
    return {
        "Name": names.service_name(wanted.name),
        "Labels": {
            **wanted.spec.labels,
            **ownership(wanted),
            labels.GENERATION: str(wanted.notebook.metadata.generation),
            labels.SPEC_HASH: spec_hash(wanted.notebook),
            labels.IMAGE: placement.image,
            labels.USER: wanted.spec.user,
            labels.SERVER: wanted.spec.server,
            **terms.label(placement.terms),
            **recorded.label(wanted.notebook, wanted.homes.values()),
            **({labels.SUPERSEDES: placement.supersedes} if placement.supersedes else {}),
        },
        "TaskTemplate": {
            "ContainerSpec": _container(wanted, placement, secret_id),
            "Resources": resources(wanted.spec, placement.terms),
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": _constraints(wanted.spec, placement)},
            "Networks": _networks(wanted.notebook),
            "ForceUpdate": placement.force_update,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def _container(wanted: Wanted, placement: Placement, secret_id: str | None) -> dict[str, Any]:
    spec = wanted.spec
    container: dict[str, Any] = {
        "Image": placement.image,
        "Labels": ownership(wanted),
        "Args": list(spec.command),
        "Env": containers.environment(spec.environment, placement.terms),
        "Mounts": [
            *(_mount(mount, wanted) for mount in spec.mounts),
            *containers.mounts(spec.container),
        ],
        **containers.settings(spec.container, placement.terms),
    }
    if spec.entrypoint is not None:
        container["Command"] = list(spec.entrypoint)
    if spec.working_dir:
        container["Dir"] = spec.working_dir
    if spec.container_user:
        container["User"] = spec.container_user
    name = secret_name(wanted.notebook)
    if name and secret_id:
        container["Args"] = ["sh", "-c", SHIM, "sh", *spec.command]
        container["Secrets"] = [_secret_reference(name, secret_id)]
    return container


def _secret_reference(name: str, secret_id: str) -> dict[str, Any]:
    # 0444: the container's user is the image's choice and may be any.
    file = {"Name": secretenv.FILE, "UID": "0", "GID": "0", "Mode": 0o444}
    return {"File": file, "SecretID": secret_id, "SecretName": name}


def _mount(mount: Mount, wanted: Wanted) -> dict[str, Any]:
    driver: dict[str, Any] = {"Name": mount.driver}
    if mount.driver_options:
        driver["Options"] = {k: literal(v) for k, v in mount.driver_options.items()}
    options: dict[str, Any] = {"DriverConfig": driver}
    home = wanted.homes.get(mount.volume) if mount.home else None
    if home is not None:
        options["Labels"] = {k: literal(v) for k, v in home_labels(home, wanted.store).items()}
    built = {
        "Type": "volume",
        "Source": mount.volume,
        "Target": literal(mount.target),
        "VolumeOptions": options,
    }
    return {**built, "ReadOnly": True} if mount.read_only else built


def home_labels(home: Home, store: str) -> dict[str, str]:
    """Return the labels that a home's volume is made with; the engine never updates them."""
    return {
        labels.STORE: store,
        labels.HOME: home.metadata.name,
        labels.UID: home.metadata.uid,
        labels.USER: home.spec.user,
    }


def resources(spec: NotebookSpec, agreed: Terms) -> dict[str, Any]:
    """Return limits and reservations of a notebook, in the engine API's own form."""
    built: dict[str, Any] = {}
    asked = spec.resources
    limits = _amounts(asked.cpu_limit or agreed.cpu_limit, asked.mem_limit or agreed.mem_limit)
    processes = spec.container.pids_limit or agreed.pids_limit
    if processes:
        limits["Pids"] = processes
    reserved = reservations(asked)
    if limits:
        built["Limits"] = limits
    if reserved:
        built["Reservations"] = reserved
    return built


def reservations(resources: Resources) -> dict[str, Any]:
    """Return what a node must have left, in the engine API's own form."""
    reserved = _amounts(resources.cpu_guarantee, resources.mem_guarantee)
    if resources.generic:
        reserved["GenericResources"] = [
            {"DiscreteResourceSpec": {"Kind": kind, "Value": amount}}
            for kind, amount in sorted(resources.generic.items())
        ]
    return reserved


def _amounts(cpus: float | None, memory: int | None) -> dict[str, Any]:
    amounts: dict[str, Any] = {}
    if cpus:
        amounts["NanoCPUs"] = round(cpus * 1e9)
    if memory:
        amounts["MemoryBytes"] = memory
    return amounts


def _constraints(spec: NotebookSpec, placement: Placement) -> list[str]:
    """Return each constraint once, and the pin, which `Service.pin` finds again, as the last."""
    pin = [f"node.id=={placement.pin}"] if placement.pin else []
    return [*(c for c in dict.fromkeys(spec.constraints) if c not in pin), *pin]


def _networks(notebook: Notebook) -> list[dict[str, Any]]:
    own = [alias(notebook)]
    return [{"Target": network, "Aliases": own} for network in notebook.spec.networks]


def alias(notebook: Notebook) -> str:
    """Return the name by which hub and proxy reach this start of the notebook.

    It is new at each start, so that a dying container of the last one is never asked.
    """
    name = notebook.metadata.name
    if notebook.spec.certificate:
        return names.certified_alias(name, notebook.spec.certificate)
    return names.network_alias(name, notebook.metadata.generation)


def address(host: str, port: int) -> str:
    """Return the URL of the server at an alias."""
    return f"{'https' if names.is_certified(host) else 'http'}://{host}:{port}"
