"""What the policy adds to a service, and that it stays so until the next start."""

from __future__ import annotations

from typing import Any

from support.records import context, notebook, observed, running, service, spec, wanted
from swarmhub_crds.container import Bind, Container, Dns, Tmpfs
from swarmhub_crds.notebook import Resources
from swarmhub_operator.decide import actions, terms
from swarmhub_operator.decide.build import Placement, service_spec
from swarmhub_operator.decide.drift import drift
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.terms import NONE, Terms

GIB = 2**30


def built(agreed: Terms = NONE, **asked: Any) -> dict[str, Any]:
    """Return the task template of a service."""
    record = wanted(notebook(**asked))
    template: dict[str, Any] = service_spec(record, Placement("lab", terms=agreed), None)[
        "TaskTemplate"
    ]
    return template


def test_a_notebook_is_hardened_by_default() -> None:
    """No capability, no new privileges, init, a bound on processes."""
    template = built(terms.of(spec(), Policy()))
    container = template["ContainerSpec"]
    assert container["CapabilityDrop"] == ["ALL"]
    assert "CapabilityAdd" not in container
    assert container["Privileges"] == {"NoNewPrivileges": True}
    assert container["Init"] is True
    assert "TINI_SUBREAPER=1" in container["Env"]
    assert template["Resources"] == {"Limits": {"Pids": 4096}}


def test_hardening_can_be_loosened() -> None:
    """As it was before."""
    policy = Policy.model_validate(
        {
            "hardening": {"drop_capabilities": False, "no_new_privileges": False, "init": False},
            "notebook": {"processes": {"default": 0}},
        }
    )
    assert terms.of(spec(), policy) == NONE
    assert built(terms.of(spec(), policy)) == built()


def test_limits_fill_in_what_the_record_leaves_open() -> None:
    """A maximum is a default too, and no limit is below its guarantee."""
    policy = Policy.model_validate(
        {"notebook": {"memory": {"default": "1G", "max": "4G"}, "cpus": {"max": 2}}}
    )
    assert built(terms.of(spec(), policy))["Resources"]["Limits"] == {
        "NanoCPUs": 2 * 10**9,
        "MemoryBytes": GIB,
        "Pids": 4096,
    }
    own = Resources(mem_limit=2 * GIB, cpu_limit=0.5)
    asked = built(terms.of(spec(resources=own), policy), resources=own)
    assert asked["Resources"]["Limits"]["MemoryBytes"] == 2 * GIB
    eager = Resources(mem_guarantee=3 * GIB)
    asked = built(terms.of(spec(resources=eager), policy), resources=eager)
    assert asked["Resources"]["Limits"]["MemoryBytes"] == 3 * GIB


def test_what_runs_goes_on_under_the_terms_of_its_start() -> None:
    """Neither a newer operator nor another policy touches it."""
    for made_with in (NONE, Terms(mem_limit=GIB), terms.of(spec(), Policy())):
        found = service(placement=Placement("registry/lab:1", terms=made_with))
        look = running(service=found)
        verdict = plan(wanted(), look, context(notebook={"memory": {"default": "7G"}}))
        assert verdict.actions == ()
        assert terms.read(found) == made_with


def test_a_restart_keeps_them_too() -> None:
    """It repairs what somebody else changed, and nothing else."""
    made_with = Terms(drop_capabilities=True, pids_limit=7)
    found = service(placement=Placement("registry/lab:1", terms=made_with))
    spoilt = {**found.spec, "Mode": {"Replicated": {"Replicas": 0}}}
    verdict = plan(wanted(), running(service=service(spec=spoilt)), context())
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert update.placement.terms == made_with


def test_a_start_takes_the_policy_of_the_day() -> None:
    """From then on they stand on the service."""
    verdict = plan(wanted(), observed(), context(notebook={"memory": {"default": "7G"}}))
    create = verdict.actions[-1]
    assert isinstance(create, actions.CreateService)
    assert create.placement.terms.mem_limit == 7 * GIB


def test_all_that_a_record_says_of_its_container_is_built() -> None:
    """In the engine's own words, and nothing of it is a template."""
    container = built(
        container=Container(
            hostname="lab-{{x}}",
            hosts={"db": "10.0.0.9"},
            dns=Dns(nameservers=("1.1.1.1",), search=("x.y",), options=("ndots:1",)),
            groups=("100",),
            init=False,
            read_only=True,
            tty=True,
            stop_signal="SIGINT",
            stop_grace=1.5,
            cap_add=("CHOWN", "CAP_CHOWN"),
            cap_drop=("NET_RAW",),
            sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
            binds=(
                Bind(source="/srv/a", target="/a"),
                Bind(source="/b", target="/b", read_only=True),
            ),
            tmpfs=(Tmpfs(target="/t", size=5), Tmpfs(target="/u")),
        ),
        mounts=(),
    )["ContainerSpec"]
    assert container["Hostname"] == 'lab-{{"{{"}}x}}'
    assert container["Hosts"] == ["10.0.0.9 db"]
    assert container["DNSConfig"]["Nameservers"] == ["1.1.1.1"]
    assert container["Groups"] == ["100"]
    assert container["ReadOnly"] is True
    assert container["TTY"] is True
    assert (container["StopSignal"], container["StopGracePeriod"]) == ("SIGINT", 1_500_000_000)
    assert container["CapabilityAdd"] == ["CAP_CHOWN"]
    assert container["CapabilityDrop"] == ["CAP_NET_RAW"]
    assert container["Sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "0"}
    at_once = built(container=Container(stop_grace=0), mounts=())["ContainerSpec"]
    assert at_once["StopGracePeriod"] == 0, "left out, the engine would take ten seconds"
    assert container["Mounts"] == [
        {"Type": "bind", "Source": "/srv/a", "Target": "/a"},
        {"Type": "bind", "Source": "/b", "Target": "/b", "ReadOnly": True},
        {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 5}},
        {"Type": "tmpfs", "Target": "/u"},
    ]


def test_an_old_engine_that_knows_no_such_privilege_is_no_drift() -> None:
    """But on one that knows it, somebody took it away."""
    ours = service_spec(wanted(), Placement("lab", terms=Terms(no_new_privileges=True)), None)
    path = "TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges"
    for answer, expected in (
        ({"CredentialSpec": None, "SELinuxContext": None}, ()),
        ({"NoNewPrivileges": True}, ()),
        ({"NoNewPrivileges": False}, (path,)),
        (None, (path,)),
    ):
        container = {**ours["TaskTemplate"]["ContainerSpec"], "Privileges": answer}
        found = {**ours, "TaskTemplate": {**ours["TaskTemplate"], "ContainerSpec": container}}
        assert drift(ours, found) == expected
