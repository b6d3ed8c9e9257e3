"""Sends errands to nodes and follows them: the same errand is the same service, run once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swarmhub_operator.decide import errands, sentences
from swarmhub_operator.decide.errands import Errand, Means, Order
from swarmhub_operator.decide.pulls import is_pull
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node, Service, Task, TaskState
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.snapshot import newest
from swarmhub_operator.logs import get_logger

PATIENCE = 60.0  # seconds after a failure before the same errand is sent again
log = get_logger()


@dataclass(frozen=True, slots=True)
class Report:
    """How an errand stands.

    Attributes:
        ended: whether it is over.
        message: one sentence: what it waits for, or why it failed; "" if all is well.
        exit_code: of its program; None if that never ran or still does.
        task: its newest task.
    """

    ended: bool
    message: str = ""
    exit_code: int | None = None
    task: Task | None = None


class Errands:
    """The errands of one asker; not thread-safe. Call `look` before each round of `ask`."""

    def __init__(self, engine: Engine, means: Means, clock: Callable[[], float]) -> None:
        self.means = means
        self._engine = engine
        self._clock = clock
        self._services: Mapping[str, Service] = {}
        self._tasks: Mapping[str, Task] = {}
        self._since: dict[str, float] = {}  # name -> when it was first asked for
        self._asked: set[str] = set()
        self._new: Counter[Errand] = Counter()  # sent since the last look
        self._not_before: dict[str, float] = {}  # name -> when it may be sent again

    @property
    def possible(self) -> bool:
        """Whether there is an image to send."""
        return bool(self.means.image)

    @property
    def busy(self) -> bool:
        """Whether an errand is under way, so that it is worth looking again soon."""
        return bool(self._services or self._asked)

    def look(self) -> None:
        """Find out which errands there are: two calls for all of them.

        Raises:
            EngineError: the engine cannot be asked.
        """
        self._asked.clear()
        self._new.clear()
        services = [s for s in self._engine.errands(self.means.store) if not is_pull(s)]
        self._tasks = newest(self._engine.errand_tasks(self.means.store)) if services else {}
        self._services = {service.name: service for service in services}

    def is_sent(self, order: Order) -> bool:
        """Whether an errand is under way, or over and not ended yet, by the last look."""
        return errands.name(order, self.means.store) in self._services

    def use(self, secret_id: str) -> bool:
        """Whether an errand that there is mounts a secret, by the last look."""
        return any(s.mounted_secret == secret_id for s in self._services.values())

    def under_way(self, kind: Errand) -> int:
        """Return how many errands of a kind there are, by the last look and what was sent since."""
        there = sum(s.labels.get(labels.ERRAND) == kind.value for s in self._services.values())
        return there + self._new[kind]

    def is_postponed(self, order: Order) -> bool:
        """Whether it failed a short time ago and is not sent again yet."""
        name = errands.name(order, self.means.store)
        return self._not_before.get(name, float("-inf")) > self._clock()

    def ask(self, order: Order, node: Node | None) -> Report:
        """See to it that an errand is run, and return how it stands.

        Raises:
            EngineError: the engine cannot be asked, or refuses it.
        """
        name = errands.name(order, self.means.store)
        service = self._services.get(name)
        if service is None:
            return self._send(order, node)
        self._asked.add(name)
        task = self._tasks.get(service.id)
        if task is not None and task.ended:
            return _ended(task, node)
        if node is None or not is_up(node):
            return Report(False, _unreachable(node), task=task)
        if self._clock() - self._since.setdefault(name, self._clock()) > order.within:
            return Report(True, f"It was not done within {order.within:g} s.", task=task)
        return Report(False, sentences.step(task, node) if task else "", task=task)

    def _send(self, order: Order, node: Node | None) -> Report:
        if self.is_postponed(order):
            return Report(False, "It has failed, and is tried again in a minute.")
        if node is None or not is_up(node):
            return Report(False, _unreachable(node))
        name = errands.name(order, self.means.store)
        self._asked.add(name)
        self._since[name] = self._clock()
        self._start(order)
        return Report(False, "It has been sent there.")

    def _start(self, order: Order) -> None:
        try:
            self._engine.create_service(errands.spec(order, self.means))
        except EngineError as error:
            if error.kind is not Kind.TAKEN:
                raise
            return  # the next look shows it
        self._new[order.kind] += 1
        log.info("errand", kind=order.kind.value, node=order.node_id, about=order.about)

    def output(self, report: Report) -> str:
        """Return what an errand that is over has written.

        Raises:
            EngineError: it cannot be read.
        """
        return self._engine.task_output(report.task.id) if report.task else ""

    def end(self, order: Order) -> None:
        """Forget an errand, done or not.

        Raises:
            EngineError: the engine cannot be asked.
        """
        self._end(errands.name(order, self.means.store))

    def postpone(self, order: Order, seconds: float = PATIENCE) -> None:
        """End an errand that has failed; it may be sent again in a while. Raises as `end`."""
        name = errands.name(order, self.means.store)
        self._end(name)
        self._not_before[name] = self._clock() + seconds

    def _end(self, name: str) -> None:
        service = self._services.get(name)
        self._since.pop(name, None)
        self._not_before.pop(name, None)
        self._asked.discard(name)
        if service is None:
            return
        try:
            self._engine.remove_service(service.id)
        except EngineError as error:
            if error.kind is not Kind.GONE:
                raise
        self._services = {n: s for n, s in self._services.items() if n != name}

    def clear_away(self) -> None:
        """Remove the errands of this asker that nobody has asked for since the last look.

        Those that a command sent are its own, until they have ended by themselves.

        Raises:
            EngineError: the engine cannot be asked.
        """
        for name, service in list(self._services.items()):
            task = self._tasks.get(service.id)
            own = service.labels.get(labels.ERRAND_OF) == "operator"
            if name not in self._asked and (own or (task is not None and task.ended)):
                self._end(name)


def is_up(node: Node) -> bool:
    """Whether a node runs what it is sent; one that is paused or drained takes no new tasks."""
    return node.usable


def _unreachable(node: Node | None) -> str:
    if node is None:
        return "Its node has left the Swarm."
    name, why = node.hostname, node.hindrance
    return f"Its node {name} {why}; it is done when that node takes tasks again."


def _ended(task: Task, node: Node | None) -> Report:
    if task.state is TaskState.COMPLETE:
        return Report(True, exit_code=0, task=task)
    ran = task.state is TaskState.FAILED and task.exit_code is not None
    where = f" on {node.hostname}" if node else ""
    why = f"exit code {task.exit_code}" if ran else task.error.rstrip(". ") or task.state.value
    code = task.exit_code if ran else None
    return Report(True, f"The errand failed{where} ({why}).", code, task)
