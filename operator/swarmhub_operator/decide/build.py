"""From a record to a Swarm service spec: pure, and the only place that knows its shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmhub_crds import names
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Mount, Notebook, NotebookSpec, Resources

from swarmhub_operator.engine import labels

SECRET_FILE = "swarmhub-env"  # noqa: S105 - a file name
# Reads the secret environment and becomes the real command, so that any image with `sh` works.
SHIM = f'set -a; . /run/secrets/{SECRET_FILE}; set +a; exec "$@"'
STOP_GRACE_NS = 10 * 10**9  # the engine's own default, said so that a daemon's setting is no drift


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
    pin: str | None = None  # id of the node that holds the home
    force_update: int = 0
    supersedes: str = ""  # id of the ended task in whose stead a new one is asked for


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
    """Write secret environment as a file that `sh` can read.

    Values are single-quoted, so nothing expands. Names are the spawner's to check: what it lets
    through runs in the notebook alone, as the command does, which the hub chooses anyway.
    """
    lines = (f"{key}={_quote(value)}\n" for key, value in sorted(environment.items()))
    return "".join(lines).encode()


def _quote(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def literal(text: str) -> str:
    """Write `text` so that Swarm's templates leave it as it is.

    Swarm expands `{{…}}` in environment values and in a mount's target, labels and options, where
    a user's name may stand; one that is no template would be refused.
    """
    return text.replace("{{", '{{"{{"}}')


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
            **({labels.SUPERSEDES: placement.supersedes} if placement.supersedes else {}),
        },
        "TaskTemplate": {
            "ContainerSpec": _container(wanted, placement.image, secret_id),
            "Resources": _resources(wanted.spec.resources),
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": _constraints(placement)},
            "Networks": _networks(wanted.notebook),
            "ForceUpdate": placement.force_update,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def _container(wanted: Wanted, image: str, secret_id: str | None) -> dict[str, Any]:
    spec = wanted.spec
    container: dict[str, Any] = {
        "Image": image,
        "Labels": ownership(wanted),
        "Args": list(spec.command),
        "Env": [f"{key}={literal(value)}" for key, value in sorted(spec.environment.items())],
        "Mounts": [_mount(mount, wanted) for mount in spec.mounts],
        "StopGracePeriod": STOP_GRACE_NS,
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
    file = {"Name": SECRET_FILE, "UID": "0", "GID": "0", "Mode": 0o444}
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


def _resources(resources: Resources) -> dict[str, Any]:
    built: dict[str, Any] = {}
    limits = _amounts(resources.cpu_limit, resources.mem_limit)
    reservations = _amounts(resources.cpu_guarantee, resources.mem_guarantee)
    if limits:
        built["Limits"] = limits
    if reservations:
        built["Reservations"] = reservations
    return built


def _amounts(cpus: float | None, memory: int | None) -> dict[str, int]:
    amounts: dict[str, int] = {}
    if cpus:
        amounts["NanoCPUs"] = round(cpus * 1e9)
    if memory:
        amounts["MemoryBytes"] = memory
    return amounts


def _constraints(placement: Placement) -> list[str]:
    return [f"node.id=={placement.pin}"] if placement.pin else []


def _networks(notebook: Notebook) -> list[dict[str, Any]]:
    alias = names.network_alias(notebook.metadata.name, notebook.metadata.generation)
    return [{"Target": network, "Aliases": [alias]} for network in notebook.spec.networks]


def address(spec: NotebookSpec, notebook: str, generation: int) -> str:
    """Return the URL by which hub and proxy reach this start of the notebook.

    The alias is new at each start, so that a dying container of the last one is never asked.
    """
    return f"http://{names.network_alias(notebook, generation)}:{spec.port}"
