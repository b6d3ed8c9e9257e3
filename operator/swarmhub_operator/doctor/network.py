"""The notebooks' network: addresses that are left, virtual ones, and names that are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_network
from typing import Final

from swarmhub_operator.decide.probes import Probe
from swarmhub_operator.doctor.facts import Facts, Missing
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, named, ok, unknown
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service, Task, TaskState
from swarmhub_operator.engine.surroundings import Network

PROBE_STEP: Final = "`swarmhub doctor --probe-nodes` asks the nodes, by an errand to each."
_NARROW: Final = 0.25  # share of the addresses that is left: worth a look
_GONE: Final = 0.1  # nearly none
_FEW: Final = 4  # addresses that are too few, whatever their share
_RESERVED: Final = 3  # the first, the last, and the gateway's
_STUCK: Final = timedelta(seconds=60)
_STACK: Final = "com.docker.stack.namespace"


def network_of(facts: Facts) -> Network | Missing:
    """Return the notebooks' network."""
    networks = facts.swarm.networks
    if isinstance(networks, Missing):
        return networks
    found = next((n for n in networks if n.name == facts.network), None)
    return found or Missing(f"there is no network {facts.network}", "none")


def attached(services: Iterable[Service], network: Network) -> list[Service]:
    """Return the services on a network, which their specs name by id or by name."""
    wanted = {network.id, network.name}
    return [s for s in services if wanted.intersection(_targets(s))]


def _targets(service: Service) -> set[str]:
    template = service.spec.get("TaskTemplate", {})
    given = (*(template.get("Networks") or ()), *(service.spec.get("Networks") or ()))
    return {str(one.get("Target", "")) for one in given}


def is_virtual(service: Service) -> bool:
    """Whether a service has a virtual address, which is also what no mode means."""
    return bool((service.spec.get("EndpointSpec") or {}).get("Mode", "vip") == "vip")


def addresses(facts: Facts) -> tuple[Finding, ...]:
    """Judge how many addresses are left.

    Each task takes one, each virtual address and each node too (libnetwork's load balancer). A task
    that gets none stays New, and the reason is in the daemon's log alone (moby#43052).
    """
    network, services, tasks = network_of(facts), facts.swarm.services, facts.swarm.tasks
    if isinstance(network, Missing) and network.kind == "none":
        return (_no_network(facts.network),)
    if isinstance(network, Missing):
        return unknown(Check.ADDRESSES, f"Not known: {network.clause}.")
    if isinstance(services, Missing) or isinstance(tasks, Missing):
        return unknown(Check.ADDRESSES, "Not known, since services or tasks cannot be listed.")
    if not network.subnets:
        return unknown(Check.ADDRESSES, f"Not known: the network {network.name} tells no block.")
    return _counted(facts, network, attached(services, network), tasks)


def _no_network(name: str) -> Finding:
    return Finding(
        Check.ADDRESSES,
        Verdict.FAILED,
        f"There is no network {name}.",
        "No server can be started without it.",
        "`make up` makes it.",
    )


def _counted(
    facts: Facts, network: Network, on_it: Sequence[Service], tasks: Sequence[Task]
) -> tuple[Finding, ...]:
    total = sum(
        max(ip_network(s, strict=False).num_addresses - _RESERVED, 0) for s in network.subnets
    )
    holders = [t for t in tasks if network.name in t.addresses and not t.ended]
    nodes = {t.node_id for t in holders if t.node_id}
    used = len(holders) + len(nodes) + sum(map(is_virtual, on_it))
    left = max(total - used, 0)
    own = {s.id for s in on_it}
    stuck = [
        t for t in tasks if t.service_id in own and _waits(t) and facts.now - t.created_at > _STUCK
    ]
    what = f"{left} of {total} addresses of the network {network.name} are left"
    if stuck:
        what += f", and servers wait for one ({len(stuck)})"
    verdict = _judged(left, total, stuck=bool(stuck))
    if verdict is Verdict.OK:
        return ok(Check.ADDRESSES, f"{what}.")
    why = "Each running server takes one; a start without one waits until another server stops."
    remedy = "Stop servers, or make the network anew with a larger block (SWARMHUB_SUBNET)."
    return (Finding(Check.ADDRESSES, verdict, f"{what}.", why, remedy, network.name),)


def _waits(task: Task) -> bool:
    return task.state is TaskState.NEW and task.desired_state == "running"


def _judged(left: int, total: int, *, stuck: bool) -> Verdict:
    if stuck or left <= max(_GONE * total, _FEW):
        return Verdict.FAILED
    return Verdict.WARNING if left <= _NARROW * total else Verdict.OK


def endpoints(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether what is on the network is reached without virtual addresses.

    IPVS, which carries those, forgets a connection that was silent for 900 s.
    """
    network, services = network_of(facts), facts.swarm.services
    if isinstance(network, Missing):
        return unknown(Check.ENDPOINTS, f"Not known: {network.clause}.")
    if isinstance(services, Missing):
        return unknown(Check.ENDPOINTS, f"Not known: {services.clause}.")
    virtual = [s for s in attached(services, network) if is_virtual(s)]
    own = [s.name for s in virtual if _is_ours(s)]
    others = [s.name for s in virtual if not _is_ours(s)]
    found = []
    if own:
        what = f"Services have a virtual address (endpoint mode vip): {named(own)}."
        why = (
            "A websocket that was silent for 15 minutes is cut there: a notebook loses its kernel."
        )
        remedy = (
            f"`docker service update --endpoint-mode dnsrr {own[0]}`; `make up` does it of its own."
        )
        found.append(Finding(Check.ENDPOINTS, Verdict.FAILED, what, why, remedy))
    if others:
        what = f"Others' services on {network.name} have a virtual address: {named(others)}."
        why = "Each takes one more address of the network, and cuts what was silent for 15 minutes."
        remedy = f"`docker service update --endpoint-mode dnsrr {others[0]}`."
        found.append(Finding(Check.ENDPOINTS, Verdict.WARNING, what, why, remedy))
    return tuple(found) or ok(Check.ENDPOINTS, "No service on the network has a virtual address.")


def _is_ours(service: Service) -> bool:
    known = service.labels
    return labels.STORE in known or known.get(_STACK) == "swarmhub"


def names_to_ask(
    services: Iterable[Service], tasks: Iterable[Task], network: Network
) -> tuple[str, ...]:
    """Return names that every node should find: of a few parts that run, notebooks last."""
    running = {t.service_id for t in tasks if t.state is TaskState.RUNNING}
    there = [
        s
        for s in attached(services, network)
        if s.id in running and labels.ERRAND not in s.labels  # which would be gone by then
    ]
    there.sort(key=lambda s: (labels.STORE in s.labels, s.name))
    return tuple(s.name for s in there)[:3]


def names(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether each node finds the names of what runs on the notebooks' network."""
    probes = facts.probes
    if isinstance(probes, Missing):
        return unknown(Check.NAMES, f"Not known: {probes.clause}.", PROBE_STEP)
    told = {i: p for i, p in probes.items() if isinstance(p, Probe)}
    if not any(p.sight.names for p in told.values()):
        return unknown(Check.NAMES, "Not known: no node told of a name that it looked up.")
    found = [
        f for ident, p in told.items() for f in _of_node(hostname(facts, ident), p.sight.names)
    ]
    silent = silent_nodes(facts, probes)
    if silent:
        found += unknown(Check.NAMES, f"Not known of {silent}.")
    return tuple(found) or ok(
        Check.NAMES, f"All nodes that were asked find the names ({len(told)})."
    )


def _of_node(node: str, tried: dict[str, str]) -> list[Finding]:
    lost = {name: why for name, why in tried.items() if why}
    if not lost:
        return []
    reasons = named(lost.values())
    what = f"{node} does not find {named(lost)} on the notebooks' network ({reasons})."
    why = "Servers there do not find what they look for by name; by its address it may be reached."
    service = min(lost)
    remedy = (
        f"`docker service update --force {service}` tells its name anew; if that is of no help, "
    )
    remedy += f"restart the engine on {node}, and see that 7946/tcp and 7946/udp are open."
    return [Finding(Check.NAMES, Verdict.FAILED, what, why, remedy, node)]


def hostname(facts: Facts, ident: str) -> str:
    """Return what a node is called."""
    nodes = facts.swarm.nodes
    found = () if isinstance(nodes, Missing) else nodes
    return next((n.hostname for n in found if n.id == ident), ident)


def silent_nodes(facts: Facts, probes: Mapping[str, Probe | Missing]) -> str:
    """Return the nodes that told nothing, each group with its reason; "" if all have told."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for ident, found in probes.items():
        if isinstance(found, Missing):
            by_reason[found.clause].append(hostname(facts, ident))
    return "; ".join(f"{named(hosts)} ({why})" for why, hosts in sorted(by_reason.items()))
