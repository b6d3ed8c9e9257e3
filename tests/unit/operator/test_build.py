"""From a record to a service spec, by whole-value equality."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.records import (
    DIGEST,
    IMAGE,
    NETWORK,
    STORE,
    home,
    home_mount,
    notebook,
    service,
    wanted,
)
from support.signing import Authority
from swarmhub_crds import secretenv
from swarmhub_crds.notebook import Mount, Resources
from swarmhub_operator.decide import recorded
from swarmhub_operator.decide.build import (
    SHIM,
    Placement,
    address,
    alias,
    secret_file,
    secret_name,
    service_spec,
    spec_hash,
)
from swarmhub_operator.decide.containers import literal
from swarmhub_operator.engine.amounts import Amounts

HASH_BEFORE = "7aab526716f14eee"  # of `notebook()`, before records had constraints
OWN = {"swarmhub.store": STORE, "swarmhub.notebook": "ada--lab", "swarmhub.uid": "uid-ada--lab"}


def container(placement: Placement | None = None, secret_id: str | None = None, **spec: Any) -> Any:
    """Return the container part of a notebook's service."""
    built = service_spec(wanted(notebook(**spec)), placement or Placement(IMAGE), secret_id)
    return built["TaskTemplate"]["ContainerSpec"]


def test_a_full_record_becomes_exactly_this_spec() -> None:
    """Everything that a record can ask for, and nothing else."""
    record = notebook(
        "ada--lab",
        generation=3,
        server="lab",
        entrypoint=("tini", "--"),
        command=("jupyterhub-singleuser", "--debug"),
        environment={"B": "2", "A": "1=1"},
        working_dir="/work",
        container_user="1000:100",
        resources=Resources(
            cpu_limit=1.5,
            cpu_guarantee=0.1,
            mem_limit=2**30,
            mem_guarantee=2**20,
            generic={"SSD": 2, "GPU": 1},
        ),
        constraints=("node.role!=manager", "node.labels.disk==ssd"),
        mounts=(
            home_mount(),
            Mount(volume="course", target="/course", read_only=True, driver_options={"o": "ro"}),
        ),
        networks=(NETWORK, "gpu"),
        labels={"team": "x"},
    )
    placement = Placement("lab@sha256:aa", pin="n1", force_update=2, supersedes="t0")
    assert service_spec(wanted(record, home(node="n1")), placement, "secret-9") == {
        "Name": "jupyter-ada--lab",
        "Labels": {
            "team": "x",
            **OWN,
            "swarmhub.generation": "3",
            "swarmhub.spec-hash": spec_hash(record),
            "swarmhub.image": "lab@sha256:aa",
            "swarmhub.user": "ada",
            "swarmhub.server": "lab",
            **recorded.label(record, (home(node="n1"),)),
            "swarmhub.supersedes": "t0",
        },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "lab@sha256:aa",
                "Labels": OWN,
                "Command": ["tini", "--"],
                "Args": ["sh", "-c", SHIM, "sh", "jupyterhub-singleuser", "--debug"],
                "Env": ["A=1=1", "B=2"],
                "Dir": "/work",
                "User": "1000:100",
                "Mounts": [
                    {
                        "Type": "volume",
                        "Source": "home-ada",
                        "Target": "/home/jovyan",
                        "VolumeOptions": {
                            "DriverConfig": {"Name": "local"},
                            "Labels": {
                                "swarmhub.store": STORE,
                                "swarmhub.home": "home-ada",
                                "swarmhub.uid": "uid-home-ada",
                                "swarmhub.user": "ada",
                            },
                        },
                    },
                    {
                        "Type": "volume",
                        "Source": "course",
                        "Target": "/course",
                        "ReadOnly": True,
                        "VolumeOptions": {
                            "DriverConfig": {"Name": "local", "Options": {"o": "ro"}}
                        },
                    },
                ],
                "StopGracePeriod": 10_000_000_000,
                "Secrets": [
                    {
                        "SecretID": "secret-9",
                        "SecretName": f"jupyter-ada--lab-{DIGEST[:12]}",
                        "File": {"Name": "swarmhub-env", "UID": "0", "GID": "0", "Mode": 0o444},
                    }
                ],
            },
            "Resources": {
                "Limits": {"NanoCPUs": 1_500_000_000, "MemoryBytes": 2**30},
                "Reservations": {
                    "NanoCPUs": 100_000_000,
                    "MemoryBytes": 2**20,
                    "GenericResources": [
                        {"DiscreteResourceSpec": {"Kind": "GPU", "Value": 1}},
                        {"DiscreteResourceSpec": {"Kind": "SSD", "Value": 2}},
                    ],
                },
            },
            "RestartPolicy": {"Condition": "none"},
            "Placement": {
                "Constraints": ["node.role!=manager", "node.labels.disk==ssd", "node.id==n1"]
            },
            "Networks": [
                {"Target": NETWORK, "Aliases": ["jupyter-ada--lab---g3"]},
                {"Target": "gpu", "Aliases": ["jupyter-ada--lab---g3"]},
            ],
            "ForceUpdate": 2,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def test_without_a_secret_the_command_runs_as_it_is() -> None:
    """No shim where nothing is to be read."""
    built = container(secret_digest="")
    assert built["Args"] == ["start", "--flag"]
    assert "Secrets" not in built
    assert "Command" not in built


@pytest.mark.parametrize(
    ("constraints", "pin", "expected"),
    [
        ((), None, []),
        (("node.id==n2",), None, ["node.id==n2"]),
        (("node.id==n2",), "n2", ["node.id==n2"]),
        (("node.id==n2", "node.id==n2"), "n1", ["node.id==n2", "node.id==n1"]),
    ],
)
def test_the_pin_is_found_again_among_the_constraints(
    constraints: tuple[str, ...], pin: str | None, expected: list[str]
) -> None:
    """It is the last one, and nothing is asked twice."""
    record = notebook(constraints=constraints)
    made = service(record, placement=Placement(IMAGE, pin=pin))
    assert made.spec["TaskTemplate"]["Placement"]["Constraints"] == expected
    assert made.pin == (pin or next((c.removeprefix("node.id==") for c in constraints), None))


def test_what_a_service_reserves_is_read_back_from_it() -> None:
    """In the units in which room is counted."""
    resources = Resources(cpu_guarantee=0.3, mem_guarantee=7, mem_limit=9, generic={"GPU": 2})
    assert service(notebook(resources=resources)).reserved == Amounts(3 * 10**8, 7, {"GPU": 2})
    assert service(notebook()).reserved == Amounts()


def test_fields_that_a_later_version_added_change_no_hash() -> None:
    """Else an update of the operator would replace every server."""
    assert spec_hash(notebook()) == spec_hash(notebook(constraints=(), resources=Resources()))
    assert spec_hash(notebook()) == HASH_BEFORE
    assert spec_hash(notebook()) != spec_hash(notebook(constraints=("node.id==n1",)))
    assert spec_hash(notebook()) != spec_hash(notebook(resources=Resources(generic={"gpu": 1})))


def test_labels_of_the_hub_never_replace_ours() -> None:
    """Ownership cannot be forged, even past admission."""
    record = notebook(labels={"swarmhub.uid": "eve", "swarmhub.store": "eve"})
    built = service_spec(wanted(record), Placement(IMAGE), None)["Labels"]
    assert (built["swarmhub.uid"], built["swarmhub.store"]) == ("uid-ada", STORE)


def test_the_alias_is_new_at_each_start() -> None:
    """A dying container of the last start is never asked in place of the new one."""
    aliases = [
        service_spec(wanted(notebook(generation=g)), Placement(IMAGE), None)["TaskTemplate"][
            "Networks"
        ][0]["Aliases"]
        for g in (1, 2)
    ]
    assert aliases[0] != aliases[1]


def test_the_hash_tells_generations_and_specs_apart() -> None:
    """What was built from an earlier start is found by it; the status plays no part."""
    hashes = {
        spec_hash(notebook()),
        spec_hash(notebook(generation=2)),
        spec_hash(notebook(image="other")),
    }
    assert len(hashes) == 3
    assert len({spec_hash(notebook(uid=uid)) for uid in ("a", "b")}) == 1


def test_a_notebook_without_secrets_names_none() -> None:
    """No digest, no secret."""
    assert secret_name(notebook(secret_digest="")) is None


@pytest.mark.parametrize(
    "text", ["", "plain", "}}", "{", '{"a": {"b": 1}}', "{{.Node.ID}}", "{{{", "{{{{x", 'a{{"b"}}c']
)
def test_no_value_is_taken_for_a_template(text: str) -> None:
    """Swarm expands each {{...}} that we wrote back into two braces, and finds no other."""
    written = literal(text)
    mark = '{{"{{"}}'
    rest = written.split(mark)
    assert all("{{" not in part for part in rest)
    assert "{{".join(rest) == text


def test_a_users_name_with_braces_reaches_environment_labels_and_targets_as_it_is() -> None:
    """Swarm expands templates in all of these."""
    record = notebook(
        user="{{x}}",
        environment={"JUPYTERHUB_USER": "{{x}}"},
        mounts=(
            home_mount(target="/home/{{x}}").model_copy(update={"driver_options": {"o": "{{x}}"}}),
        ),
    )
    built = service_spec(wanted(record, home(user="{{x}}")), Placement(IMAGE), None)
    inside = built["TaskTemplate"]["ContainerSpec"]
    (mount,) = inside["Mounts"]
    assert inside["Env"] == ['JUPYTERHUB_USER={{"{{"}}x}}']
    assert mount["Target"] == '/home/{{"{{"}}x}}'
    assert mount["VolumeOptions"]["Labels"]["swarmhub.user"] == '{{"{{"}}x}}'
    assert mount["VolumeOptions"]["DriverConfig"]["Options"]["o"] == '{{"{{"}}x}}'
    assert built["Labels"]["swarmhub.user"] == "{{x}}"


@pytest.mark.parametrize(
    "value", ["", "plain", "it's", '$HOME `id` \\ "x"', "two\nlines\n", "ünïcode", "'''", "-n"]
)
def test_a_shell_reads_back_what_was_written(value: str, tmp_path: Any) -> None:
    """Nothing in a secret value expands or ends the file early."""
    file = tmp_path / "env"
    file.write_bytes(secret_file({"FIRST": "1", "VALUE": value}))
    script = f'set -a; . {file}; set +a; exec "$@"'
    read = 'printf "%s" "$VALUE"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", "sh", "-c", read], capture_output=True, check=True
    )
    assert done.stdout.decode() == value


def test_a_start_with_a_certificate_has_the_name_that_it_is_for() -> None:
    """Whatever its generation is; hub and proxy then check that name."""
    record = notebook(generation=7, certificate="0123456789ab")
    built = service_spec(wanted(record), Placement(IMAGE), "secret-1")
    own = "jupyter-ada---s0123456789ab"
    assert built["TaskTemplate"]["Networks"] == [{"Target": NETWORK, "Aliases": [own]}]
    assert address(alias(record), 8888) == f"https://{own}:8888"
    assert service(record).alias == own
    assert address(alias(notebook(generation=7)), 8888) == "http://jupyter-ada---g7:8888"


def test_one_file_serves_the_shell_and_who_reads_certificates(tmp_path: Path) -> None:
    """A certificate in a variable of the user's is neither the server's nor trusted by it."""
    own, other = Authority(tmp_path / "own"), Authority(tmp_path / "other")
    pem = own.sign("server").read_text() + own.certificate.read_text()
    foreign = f"{other.sign('x').read_text()}{other.certificate.read_text()}"
    secrets = {"A_PRIVATE_KEY": f"\n{foreign}", "TOKEN": "t", secretenv.TLS: pem}
    file = tmp_path / "env"
    file.write_bytes(secret_file(secrets))
    script = f'set -a; . {file}; set +a; printf %s "$TOKEN|$A_PRIVATE_KEY"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "t|\n" + foreign.rstrip("\n") + "\n"
    shown = subprocess.run(["sh", "-c", f"set -a; . {file}; env"], capture_output=True, check=True)
    assert pem.splitlines()[1] not in shown.stdout.decode()
    context = ssl.create_default_context(cafile=str(file))
    context.load_cert_chain(file, file)
    trusted = context.get_ca_certs(binary_form=True)
    assert trusted == [ssl.PEM_cert_to_DER_cert(own.certificate.read_text())]
