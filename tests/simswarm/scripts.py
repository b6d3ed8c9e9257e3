"""What is played on the simulated and on the real engine, and has to bring the same.

The machines are named "engine" (the manager) and "peer".
"""

from __future__ import annotations

from typing import Any

from simswarm.programs import Program
from simswarm.script import Call, Do, Events, Pause, Step, Tasks, Until, Update

IMAGE = "127.0.0.1:5000/test/tiny:latest"
UNKNOWN_IMAGE = "127.0.0.1:5000/no/such:image"
SECOND = 10**9

STAYS = ("sleep", "600")
POLITE = ("sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait")
FAILS = ("sh", "-c", "echo out; sleep 1; exit 7")
ENDS = ("sh", "-c", "sleep 1")
NOT_THERE = ("/nonexistent",)
NOT_STARTED = (
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start "
    'container process: exec: "/nonexistent": stat /nonexistent: no such file or directory: unknown'
)
PROGRAMS = {
    STAYS: Program(stops_in=None),  # the first process of a container heeds no SIGTERM by itself
    POLITE: Program(stop_code=0),
    FAILS: Program(runs_for=1.0, exit_code=7),
    ENDS: Program(runs_for=1.0),
    NOT_THERE: Program(start_error=NOT_STARTED),
}


def spec(name: str, command: tuple[str, ...] = STAYS, **container: Any) -> dict[str, Any]:
    """Return a service as the operator makes them, on the manager's node."""
    return {
        "Name": name,
        "Labels": {"part": name},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": IMAGE,
                "Args": list(command),
                "StopGracePeriod": SECOND,
                **container,
            },
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": ["node.hostname==engine"]},
            "Networks": [{"Target": "net", "Aliases": [f"{name}-alias"]}],
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def template(made: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a service with other parts in its task template."""
    return {**made, "TaskTemplate": {**made["TaskTemplate"], **parts}}


def create(made: dict[str, Any], keep: str) -> Call:
    """Return the call that makes a service."""
    return Call("POST", "/services/create", made, keep=keep)


def read(keep: str) -> Call:
    """Return the call that reads a service."""
    return Call("GET", f"/services/{{{keep}}}")


def remove(keep: str) -> tuple[Step, ...]:
    """Return the steps that remove a service and wait for its last task."""
    return Call("DELETE", f"/services/{{{keep}}}"), Until(keep, ())


def labelled(label: str) -> Call:
    """Return the call that lists tasks by a label of their service."""
    return Call("GET", "/tasks", query={"filters": {"label": [label]}})


RUNS = (("running", "running"),)
FAILED = (("failed", "shutdown"),)
FORCE = "TaskTemplate.ForceUpdate"
NETWORK = {"Name": "net", "Driver": "overlay", "Attachable": True}
REPLICAS = "Mode.Replicated.Replicas"
SECRET = {"Name": "sec", "Data": "eA==", "Labels": {"a": "b"}}
MOUNTED: dict[str, Any] = {
    "Labels": {"c": "d"},
    "Env": ["A=1"],
    "Dir": "/tmp",
    "User": "0:0",
    "Secrets": [
        {
            "File": {"Name": "f", "UID": "0", "GID": "0", "Mode": 0o444},
            "SecretID": "{sec}",
            "SecretName": "sec",
        }
    ],
    "Mounts": [
        {
            "Type": "volume",
            "Source": "vol",
            "Target": "/data",
            "VolumeOptions": {"DriverConfig": {"Name": "local"}, "Labels": {"v": "1"}},
        }
    ],
}
RESOURCES = {
    "Limits": {"NanoCPUs": SECOND, "MemoryBytes": 2**27},
    "Reservations": {"NanoCPUs": SECOND // 10},
}

SCRIPTS: dict[str, tuple[Step, ...]] = {
    "secrets": (
        Call("POST", "/secrets/create", SECRET, keep="sec"),
        Call("POST", "/secrets/create", SECRET),
        Call("POST", "/secrets/create", {**SECRET, "Name": ""}),
        Call("POST", "/secrets/create", {**SECRET, "Name": "-no-"}),
        Call("POST", "/secrets/create", {**SECRET, "Name": "empty", "Data": ""}),
        Call("GET", "/secrets", query={"filters": {"name": ["se"]}}),
        Call("GET", "/secrets", query={"filters": {"label": ["a=b"]}}),
        Call("GET", "/secrets", query={"filters": {"label": ["a=c"]}}),
        Call("GET", "/secrets", query={"filters": {"bogus": ["a"]}}),
        Call("GET", "/secrets/sec"),
        Call("GET", "/secrets/{sec}"),
        Call("GET", "/secrets/none"),
        Call("DELETE", "/secrets/none"),
        Call("DELETE", "/secrets/{sec}"),
        Call("DELETE", "/secrets/{sec}"),
        Events(("secret",)),
    ),
    "networks": (
        Call("POST", "/networks/create", {**NETWORK, "Name": "own"}),
        Call("POST", "/networks/create", {**NETWORK, "Name": "own"}),
        Pause(0.5),  # a real one is without address range until the managers have got round to it
        Call("GET", "/networks/own"),
        Call("GET", "/networks", query={"filters": {"name": ["own"]}}),
        Call("DELETE", "/networks/own"),
        Call("DELETE", "/networks/own"),
    ),
    "what a spec becomes": (
        Call("POST", "/secrets/create", SECRET, keep="sec"),
        create(template(spec("full", **MOUNTED), Resources=RESOURCES), "full"),
        read("full"),
        Until("full", RUNS),
        Tasks("full"),
        read("full"),
        Call("GET", "/services/full"),
        Call("GET", "/services/ful"),
        Call("GET", "/services", query={"filters": {"name": ["ful"]}, "status": "true"}),
        Call("GET", "/services", query={"filters": {"label": ["part=full"]}}),
        Call("GET", "/volumes/vol"),
        Call("DELETE", "/secrets/sec"),
        Call("DELETE", "/networks/net"),
        Call("DELETE", "/volumes/vol"),
        *remove("full"),
        Call("DELETE", "/secrets/sec"),
        Pause(4),
        Call("DELETE", "/volumes/vol"),
        Call("DELETE", "/volumes/vol"),
        create({"Name": "least", "TaskTemplate": {"ContainerSpec": {"Image": IMAGE}}}, "least"),
        read("least"),
        *remove("least"),
        Events(("service",)),
    ),
    "refusals": (
        create(spec("one"), "one"),
        create(spec("two"), "two"),
        Call("POST", "/services/create", spec("one")),
        Call("POST", "/services/create", spec("not a name")),
        Call("POST", "/services/create", spec("x" * 64)),
        Call("POST", "/services/create", spec("none", Image="")),
        Call(
            "POST",
            "/services/create",
            template(spec("none"), Networks=[{"Target": "nonet"}]),
        ),
        Call(
            "POST",
            "/services/create",
            template(spec("none"), Placement={"Constraints": ["nonsense"]}),
        ),
        Call("POST", "/services/{one}/update", spec("one"), query={"version": "1"}),
        Call("POST", "/services/{one}/update", spec("one")),
        Call("POST", "/services/none/update", spec("one"), query={"version": "1"}),
        Update("one", {"Name": "other"}),
        Update("one", {"Mode": {"Global": {}}}),
        Call("DELETE", "/services/none"),
        Call("GET", "/tasks/none"),
        Call("GET", "/nodes/none"),
        Call("GET", "/volumes/none"),
        Call("GET", "/tasks", query={"filters": {"service": ["none"]}}),
        Call("GET", "/tasks", query={"filters": {"bogus": ["none"]}}),
        Call("GET", "/services", query={"filters": {"bogus": ["none"]}}),
        Call("GET", "/distribution/127.0.0.1:5000/no/such:image/json"),
        Call("GET", "/bogus"),
        *remove("one"),
        *remove("two"),
        Call("DELETE", "/services/{one}"),
    ),
    "tasks that end": (
        create(spec("fails", FAILS), "fails"),
        create(spec("ends", ENDS), "ends"),
        create(spec("no-file", NOT_THERE), "no-file".replace("-", "")),
        create(spec("no-image", Image=UNKNOWN_IMAGE), "noimage"),
        Until("fails", FAILED),
        Tasks("fails"),
        Until("ends", (("complete", "shutdown"),)),
        Tasks("ends"),
        Until("nofile", FAILED),
        Tasks("nofile"),
        Until("noimage", (("rejected", "shutdown"),)),
        Tasks("noimage"),
        Pause(1),
        Tasks("fails"),  # and nothing follows
        *remove("fails"),
        *remove("ends"),
        *remove("nofile"),
        *remove("noimage"),
    ),
    "a failed task is followed by another": (
        create(spec("again", FAILS), "again"),
        Until("again", FAILED),
        Update("again", {"Labels": {"part": "later"}}),
        Pause(1),
        Tasks("again"),  # other labels make no other task
        Update("again", {FORCE: 1}),
        Until("again", (*FAILED, *RUNS)),
        read("again"),
        labelled("part=again"),
        labelled("part=later"),
        Until("again", FAILED * 2),
        Tasks("again"),
        Pause(0.5),
        read("again"),
        *(
            step
            for n in range(2, 8)
            for step in (
                Update("again", {FORCE: n}),
                Until("again", (*FAILED * min(n, 4), *RUNS)),
                Until("again", FAILED * min(n + 1, 5)),
            )
        ),
        Pause(1),
        Tasks("again"),
        Events(("service",)),
        *remove("again"),
    ),
    "a running task is replaced": (
        create(spec("live"), "live"),
        Until("live", RUNS),
        Update("live", {FORCE: 1}),
        Until("live", (("running", "shutdown"), ("ready", "ready"))),
        Tasks("live"),
        Until("live", (("shutdown", "shutdown"), *RUNS)),
        Tasks("live"),
        Pause(7),
        read("live"),
        Events(("service",)),
        *remove("live"),
    ),
    "killed": (
        create(spec("victim"), "victim"),
        Until("victim", RUNS),
        Do("kill", "victim"),
        Until("victim", FAILED),
        Tasks("victim"),
        *remove("victim"),
    ),
    "scaled": (
        create(spec("scaled", POLITE), "scaled"),
        Until("scaled", RUNS),
        Update("scaled", {REPLICAS: 0}),
        Until("scaled", (("running", "remove"),)),
        Until("scaled", ()),
        Update("scaled", {REPLICAS: 1}),
        Until("scaled", RUNS),
        Update("scaled", {REPLICAS: 0}),
        Pause(0.2),
        Update("scaled", {REPLICAS: 1}),
        Until("scaled", ()),
        Pause(3),
        Tasks("scaled"),  # none: the slot had a task that was not to be started again
        Update("scaled", {FORCE: 1}),
        Until("scaled", RUNS),
        Events(("service",)),
        *remove("scaled"),
    ),
}
