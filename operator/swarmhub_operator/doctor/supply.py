"""Where images come from: registries that do not answer, and images that nobody has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from swarmhub_crds.image import OnNode, Pull, SeenImage

from swarmhub_operator.decide.probes import Probe
from swarmhub_operator.doctor.facts import Answer, Facts, Missing, container_of
from swarmhub_operator.doctor.finding import Check, Finding, Verdict, named, ok, unknown
from swarmhub_operator.doctor.network import PROBE_STEP, hostname
from swarmhub_operator.doctor.storage import of_kinds, told
from swarmhub_operator.engine.errors import Kind
from swarmhub_operator.engine.observed import TaskState
from swarmhub_operator.engine.registries import HUB, registry_of

_LOOPBACK: Final = ("127.", "localhost", "[::1]")
_HUB_ADDRESS: Final = "registry-1.docker.io"
_PORT: Final = "443"


def is_loopback(registry: str) -> bool:
    """Whether each node has a relay of its own to a registry (docs/nodes.md)."""
    return registry.startswith(_LOOPBACK)


def place_of(registry: str) -> str:
    """Return host and port of a registry; "" for one that only the node itself reaches."""
    if is_loopback(registry):
        return ""
    host = _HUB_ADDRESS if registry == HUB else registry
    return host if ":" in host else f"{host}:{_PORT}"


def registry(facts: Facts) -> tuple[Finding, ...]:
    """Judge which registries answer this manager, and from which nodes they are reached."""
    found = [*_from_here(facts), *_from_nodes(facts), *_by_pulls(facts)]
    if found:
        return tuple(found)
    if isinstance(facts.answers, Missing):
        return unknown(Check.REGISTRY, f"Not known: {facts.answers.clause}.")
    asked = {a.registry for a in facts.answers}
    if not asked:
        return unknown(Check.REGISTRY, "Not known: no image is wanted, so none was asked.")
    return _unseen(facts, asked) or ok(Check.REGISTRY, f"The registries answer: {named(asked)}.")


def _unseen(facts: Facts, asked: Iterable[str]) -> tuple[Finding, ...]:
    """Tell of which nodes nothing shows that they reach a registry."""
    nodes, about = facts.swarm.nodes, facts.swarm.about
    if isinstance(nodes, Missing) or isinstance(about, Missing):
        return ()
    probes = {} if isinstance(facts.probes, Missing) else facts.probes
    found: list[Finding] = []
    for name in sorted(asked):
        apart = [
            node.hostname
            for node in nodes
            if node.id != about.node_id  # whose engine has just asked
            and not has_pulled(facts, node.id, name)
            and not _runs(facts, node.id, name)
            and not _connected(facts, probes.get(node.id), name)
        ]
        if apart:
            what = (
                f"{name} answers here; not known from {named(apart)}, which pulled nothing of it."
            )
            found += unknown(Check.REGISTRY, what, "" if is_loopback(name) else PROBE_STEP)
    return tuple(found)


def has_pulled(facts: Facts, node: str, registry: str) -> bool:
    """Whether a node has an image of a registry that it was told to pull."""
    images = () if isinstance(facts.store, Missing) else facts.store.images
    return any(
        one.node_id == node and one.state is Pull.PRESENT
        for image in images
        if registry_of(image.image) == registry
        for one in image.nodes
    )


def _runs(facts: Facts, node: str, registry: str) -> bool:
    """Whether something runs on a node whose image is of a registry."""
    services, tasks = facts.swarm.services, facts.swarm.tasks
    if isinstance(services, Missing) or isinstance(tasks, Missing):
        return False
    theirs = {s.id for s in services if registry_of(container_of(s).get("Image", "")) == registry}
    here = (t for t in tasks if t.node_id == node and t.state is TaskState.RUNNING)
    return any(t.service_id in theirs for t in here)


def _connected(facts: Facts, probe: Probe | Missing | None, registry: str) -> bool:
    """Whether a probe reached a registry, or is itself an image of it that came to the node."""
    if not isinstance(probe, Probe):
        return False
    own = facts.errand_image and registry_of(facts.errand_image) == registry
    return bool(own) or probe.sight.connections.get(place_of(registry)) == ""


def _from_here(facts: Facts) -> list[Finding]:
    if isinstance(facts.answers, Missing):
        return []
    silent: dict[str, Answer] = {}
    for answer in facts.answers:
        if answer.kind is Kind.UNAVAILABLE:
            silent.setdefault(answer.registry, answer)
    return [_unreachable(name, answer.sentence) for name, answer in silent.items()]


def _unreachable(name: str, sentence: str) -> Finding:
    why = "Nodes that do not have an image yet cannot start servers of it."
    remedy = "See whether the registry runs and this manager may reach it."
    if is_loopback(name):
        remedy = "`docker service ps swarmhub_registry` shows whether it runs and, if not, why."
    return Finding(Check.REGISTRY, Verdict.FAILED, sentence, why, remedy, name)


def _from_nodes(facts: Facts) -> list[Finding]:
    """Tell what probes could not connect to."""
    probes = {} if isinstance(facts.probes, Missing) else facts.probes
    found = []
    for ident, probe in probes.items():
        tried = probe.sight.connections if isinstance(probe, Probe) else {}
        for place, reason in tried.items():
            if reason and not _pulls_by_a_proxy(facts, ident, place):
                node = hostname(facts, ident)
                found.append(
                    _apart(node, f"{node} cannot connect to the registry {place} ({reason}).")
                )
    return found


def _pulls_by_a_proxy(facts: Facts, node: str, place: str) -> bool:
    """Whether a node gets what it pulls although it cannot connect itself."""
    images = () if isinstance(facts.store, Missing) else facts.store.images
    registries = {registry_of(image.image) for image in images}
    return any(has_pulled(facts, node, r) for r in registries if place_of(r) == place)


def _apart(node: str, what: str, relay: str = "") -> Finding:
    why = f"Servers of images that {node} does not have yet cannot start there."
    remedy = (
        f"On {node}, try `docker pull`; a firewall, a proxy or its name server may be in the way."
    )
    if relay:
        remedy = (
            f"On {node}, `systemctl status swarmhub-registry.socket` shows its relay to {relay}."
        )
    return Finding(Check.REGISTRY, Verdict.FAILED, what, why, remedy, node)


def _by_pulls(facts: Facts) -> list[Finding]:
    """Tell on which nodes pulls fail of what the registry gives to others."""
    if isinstance(facts.store, Missing):
        return []
    failing: dict[tuple[str, str], list[tuple[SeenImage, OnNode]]] = defaultdict(list)
    for image in facts.store.images:
        if any(one.state is Pull.PRESENT for one in image.nodes) or _answered(facts, image.image):
            for one in image.nodes:
                if one.state is Pull.FAILED:
                    failing[one.node, registry_of(image.image)].append((image, one))
    found = []
    for (node, name), pulls in sorted(failing.items()):
        image, one = pulls[0]
        said = f" ({one.message.rstrip('.')})" if one.message else ""
        what = f"{node} could not pull {image.image}{said}, which its registry has."
        found.append(_apart(node, what, relay=name if is_loopback(name) else ""))
    return found


def _answered(facts: Facts, image: str) -> bool:
    answers = () if isinstance(facts.answers, Missing) else facts.answers
    return any(a.image == image and a.kind is None for a in answers)


def images(facts: Facts) -> tuple[Finding, ...]:
    """Judge whether images are to be had: what registries said, and what `status` says."""
    found: list[Finding] = []
    absent = set()
    if not isinstance(facts.answers, Missing):
        for answer in facts.answers:
            if answer.kind in (Kind.GONE, Kind.REFUSED) and not _is_present(facts, answer):
                absent.add(answer.image)
                found.append(_absent(answer))
    if not isinstance(facts.store, Missing):
        wrong = of_kinds(facts.store.troubles, "Image")
        found += [told(Check.IMAGES, t) for t in wrong if t.name not in absent]
    return tuple(found) or _unheard(facts) or ok(Check.IMAGES, "Registries have what is wanted.")


def _unheard(facts: Facts) -> tuple[Finding, ...]:
    """Tell of which images nobody has said anything."""
    what = step = ""
    if isinstance(facts.store, Missing):
        what = "Not known, since the store cannot be read."
    elif isinstance(facts.answers, Missing):
        what = f"Not known: {facts.answers.clause}."
    elif not facts.answers:
        what = "Not known: no image is wanted."
    elif silent := {a.registry for a in facts.answers if a.kind is Kind.UNAVAILABLE}:
        what = f"Not known of the images of registries that do not answer: {named(silent)}."
    elif facts.unasked:
        asked = len(facts.answers)
        what = f"Not known of {facts.unasked} images: registries are asked for {asked}."
        step = "`swarmhub images` tells which nodes have them."
    return unknown(Check.IMAGES, what, step) if what else ()


def _is_present(facts: Facts, answer: Answer) -> bool:
    """Whether nodes have what this command has no login for: the operator may have one."""
    if answer.kind is not Kind.REFUSED or isinstance(facts.store, Missing):
        return False
    own = (i for i in facts.store.images if i.image == answer.image)
    return any(one.state is Pull.PRESENT for image in own for one in image.nodes)


def _absent(answer: Answer) -> Finding:
    why = "Servers of it start only where a node still has it."
    remedy = "Correct its name where the hub offers it, or push it to the registry again."
    if answer.kind is Kind.REFUSED:
        remedy = "Hand a login to the operator: `make up REGISTRY_AUTH=FILE` (docs/images.md)."
    return Finding(Check.IMAGES, Verdict.FAILED, answer.sentence, why, remedy, answer.image)
