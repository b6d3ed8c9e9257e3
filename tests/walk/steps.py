"""The steps of a walk. Each tells in one sentence what it did; chance is all that chooses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from random import Random

from support import homes, look, swarm_nodes, told
from support.hub import HubError, StartFailedError
from support.node import Node
from support.shell import CommandError
from support.waiting import wait_for
from walk.site import NOTE, Person, Site, ready

PATIENCE = 180.0  # seconds for a server that nothing keeps from running
NAMES = (
    *("start", "start", "start", "stop", "stop", "write", "write", "write", "move", "move"),
    *("kill", "power", "power", "cut", "heal", "heal", "drain", "uncordon", "uncordon"),
    *("kill_operator", "leave", "prune", "pause", "pause"),
)


@dataclass(frozen=True)
class Chance:
    """What a step may need; all is drawn for each step, so that the seed alone decides."""

    person: Person
    worker: Node
    target: Node
    seconds: float


class Steps:
    """What can happen; a step that makes no sense now does nothing and says so."""

    def __init__(self, site: Site, random: Random) -> None:
        self._site = site
        self._random = random
        self._count = 0

    def take(self) -> str:
        """Take a step, and return what it was and what came of it."""
        self._count += 1
        draw, nodes = self._random, self._site.nodes
        name = draw.choice(NAMES)
        chance = Chance(
            draw.choice(self._site.people),
            draw.choice(nodes.workers),
            draw.choice(nodes.all),
            draw.uniform(1, 12),
        )
        about = {
            **dict.fromkeys(("start", "stop", "write"), chance.person.name),
            **dict.fromkeys(
                ("kill", "power", "cut", "heal", "drain", "uncordon"), chance.worker.name
            ),
            "move": f"{chance.person.home} to {chance.target.name}",
        }
        outcome = getattr(self, f"_{name}")(chance)
        return f"{name} {about.get(name, '')}: {outcome}"

    def _pause(self, chance: Chance) -> str:
        time.sleep(chance.seconds)
        return f"{chance.seconds:.0f} s"

    # People

    def _start(self, chance: Chance) -> str:
        person = chance.person
        if person.user.server_model() is not None:
            return "runs or starts already"
        if not self._site.serves(person):
            person.user.request_start()
            return "asked for"
        try:
            person.user.start(timeout=PATIENCE)
        except (StartFailedError, HubError) as failed:
            raise AssertionError(f"{person.name} could not start: {failed}") from failed
        check_note(person)
        return "runs"

    def _stop(self, chance: Chance) -> str:
        person = chance.person
        if not ready(person):
            return "does not run"
        person.user.stop(timeout=PATIENCE)
        return "stopped"

    def _write(self, chance: Chance) -> str:
        person = chance.person
        if person.floats or not (ready(person) and self._site.serves(person)):
            return "not now"
        answers(person)
        check_note(person)
        text = f"{person.name} {self._count}"
        person.written.add(text)
        person.user.put_file(NOTE, text)
        person.written = {text}
        return text

    def _leave(self, _chance: Chance) -> str:
        """Have somebody else come, leave a file on whichever node, and be deleted in the hub."""
        if not all(map(self._site.is_well, self._site.nodes.all)):
            return "not now"
        name, stack = f"leaver-{self._count}", self._site.nodes.stack
        user = stack.login(name)
        user.start(timeout=PATIENCE)
        user.put_file(NOTE, name)
        user.stop(timeout=PATIENCE)
        stack.login("admin").delete_user(name)
        self._site.leavers.append(homes.of(name))
        return name

    # What an administrator does

    def _move(self, chance: Chance) -> str:
        person, target = chance.person, chance.target
        if person.floats or self._site.record("home", person.home) is None:
            return "there is no home yet"
        try:
            return self._site.swarmhub(
                "homes", "move", person.home, target.name, "--yes", "--no-wait"
            ).strip()
        except CommandError as refused:
            if refused.returncode != 1:
                raise
            return refused.stderr.strip()

    def _prune(self, _chance: Chance) -> str:
        self._site.swarmhub("homes", "prune", "--released", "--older-than", "0s", "--yes")
        return ", ".join(self._site.leavers) or "nobody has left"

    def _drain(self, chance: Chance) -> str:
        worker = chance.worker
        if not worker.running or worker.name in self._site.cut:
            return "it is away"
        self._site.drained.add(worker.name)
        try:
            self._site.swarmhub(
                *("drain", worker.name, "--yes", "--force", "--timeout", "60s"), timeout=90
            )
        except CommandError as left:
            if left.returncode != 1:
                raise
            return f"not all left: {(left.stdout + left.stderr).strip()}"
        return "empty"

    def _uncordon(self, chance: Chance) -> str:
        worker = chance.worker
        self._site.swarmhub("uncordon", worker.name)
        self._site.drained.discard(worker.name)
        return "takes servers"

    def _kill_operator(self, _chance: Chance) -> str:
        manager = self._site.nodes.manager
        look.kill_container(manager, look.stack_container(manager, "operator"))
        return "killed"

    # Machines

    def _kill(self, chance: Chance) -> str:
        worker = chance.worker
        if not worker.running:
            return "is off already"
        worker.kill()
        self._site.cut.discard(worker.name)
        return "off"

    def _power(self, chance: Chance) -> str:
        worker = chance.worker
        if worker.running:
            return "is on already"
        worker.start()
        swarm_nodes.wait_ready(self._site.nodes.manager, worker.name, PATIENCE)
        return "on"

    def _cut(self, chance: Chance) -> str:
        worker = chance.worker
        if not worker.running:
            return "is off"
        worker.cut_off()
        self._site.cut.add(worker.name)
        return "cut off"

    def _heal(self, chance: Chance) -> str:
        worker = chance.worker
        if worker.name not in self._site.cut:
            return "is connected"
        worker.heal()
        self._site.cut.discard(worker.name)
        swarm_nodes.wait_ready(self._site.nodes.manager, worker.name, PATIENCE)
        return "connected"


def answers(person: Person) -> None:
    """Wait until a person's server answers.

    Raises:
        TimeoutError: it did not.
    """
    wait_for(f"{person.name}'s server to answer", partial(told.serves, person.user), PATIENCE)


def check_note(person: Person) -> None:
    """Check that a person whose server answers finds what they have written."""
    if person.written:
        text = person.user.get_file(NOTE)
        assert text in person.written, f"{person.name} reads {text!r}, not {person.written}."


def mend(site: Site) -> str:
    """Undo all that was done to nodes, and check that everybody can start and finds their file."""
    for name in sorted(site.drained):
        site.swarmhub("uncordon", name)
    site.cut.clear()
    site.drained.clear()
    site.nodes.restore()
    for person in site.people:
        if not person.user.wait_settled(timeout=PATIENCE):
            person.user.start(timeout=PATIENCE)
        answers(person)
        check_note(person)
    return "all is mended, and everybody is at work"
