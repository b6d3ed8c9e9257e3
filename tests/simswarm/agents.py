"""What the nodes do with the tasks that they are given."""

from __future__ import annotations

from collections.abc import Callable

from simswarm import states
from simswarm.containers import Container, Stock
from simswarm.errands import Errands
from simswarm.programs import KILLED
from simswarm.raw import Raw
from simswarm.world import World

SECOND = 10**9
DEFAULT_GRACE = 10 * SECOND
POWER_LOST = 255  # what a daemon makes of a container that ended while it was off
NOT_STARTED = 127


class Agents:
    """Runs the tasks of all nodes, and reports to the managers as long as the node has power."""

    def __init__(
        self,
        world: World,
        stock: Stock,
        running: Callable[[Raw], None],
        ended: Callable[[Raw], None],
    ) -> None:
        self._world = world
        self._stock = stock
        self._running = running
        self._ended = ended
        self._errands = Errands(world, stock, self.exit)
        self._off: set[str] = set()
        self._working: set[str] = set()  # tasks whose next step is already on its way

    def is_on(self, node_id: str) -> bool:
        """Return whether a node has power."""
        return node_id not in self._off

    def _mine(self, ident: str, *known: str) -> Raw | None:
        """Return a task if its node can do something for it in one of these states."""
        task = self._world.tasks.get(ident)
        if task is None or not self.is_on(task.get("NodeID", "")) or states.ended(task):
            return None
        return task if states.state(task) in known else None

    def _later(self, ident: str, usual: float, step: Callable[[str], None]) -> None:
        self._working.add(ident)

        def go() -> None:
            self._working.discard(ident)
            step(ident)

        self._world.clock.after(self._world.took(usual), go)

    def heed(self, task: Raw) -> None:
        """Do what the managers want with a task now."""
        ident = task["ID"]
        if ident in self._working or not task.get("NodeID") or not self.is_on(task["NodeID"]):
            return
        if states.ended(task):
            return
        if not states.wanted(task):
            self._stop(task)
        elif states.state(task) == "assigned":
            self._later(ident, self._world.durations.accept, self._accept)
        elif states.state(task) == "ready" and task["DesiredState"] == "running":
            self._later(ident, self._world.durations.accept, self._start)

    def _again(self, ident: str) -> bool:
        """Turn to what the managers want meanwhile; True if that is an end."""
        task = self._world.tasks.get(ident)
        if task is not None and not states.wanted(task):
            self.heed(task)
            return True
        return False

    def _accept(self, ident: str) -> None:
        task = self._mine(ident, "assigned")
        if task is None or self._again(ident):
            return
        states.tell(self._world, task, "preparing", "preparing")
        self._later(ident, self._world.durations.prepare, self._prepared)

    def _prepared(self, ident: str) -> None:
        task = self._mine(ident, "preparing")
        if task is None or self._again(ident):
            return
        world, spec = self._world, task["Spec"]["ContainerSpec"]
        image = spec["Image"]
        if not world.images.can_be_had(image):
            nothing = states.container_status("")
            text = f"No such image: {image}"
            self._end(task, "rejected", "preparing", Err=text, ContainerStatus=nothing)
            return
        command = [*(spec.get("Command") or ()), *(spec.get("Args") or ())]
        self._stock.create(task, world.behaviour(image, command))
        if task["DesiredState"] == "ready":
            states.tell(world, task, "ready", "prepared")
        else:
            self._start(ident)

    def _start(self, ident: str) -> None:
        task = self._mine(ident, "preparing", "ready")
        container = self._stock.containers.get(ident)
        if task is None or container is None or self._again(ident):
            return
        about = states.container_status(container.id)
        states.tell(self._world, task, "starting", "starting", ContainerStatus=about)
        self._later(ident, self._world.durations.start, self._started)

    def _started(self, ident: str) -> None:
        task = self._mine(ident, "starting")
        container = self._stock.containers.get(ident)
        if task is None or container is None or self._again(ident):
            return
        program = container.program
        if program.start_error:
            about = states.container_status(container.id, 0, NOT_STARTED)
            text = f"starting container failed: {program.start_error}"
            self._end(task, "failed", "starting", Err=text, ContainerStatus=about)
            return
        container.running_since = self._world.clock.monotonic()
        container.log.extend(program.log)
        self._stock.tell(task, container, "start")
        about = states.container_status(container.id, container.pid)
        self._running(states.tell(self._world, task, "running", "started", ContainerStatus=about))
        if program.runs_for is not None:
            timer = self._world.clock.after(
                program.runs_for, lambda: self.exit(ident, program.exit_code)
            )
            container.timers.append(timer)
        self._errands.begin(task, container)

    def exit(self, ident: str, code: int) -> None:
        """Let a running task's process end by itself, or be killed from outside."""
        task, container = self._mine(ident, "running"), self._stock.containers.get(ident)
        if task is None or container is None or container.ended:
            return
        self._die(task, container, code)
        if not states.wanted(task):
            return  # it was being stopped: the stop reports
        about = states.container_status(container.id, 0, code)
        if code == 0:
            self._end(task, "complete", "finished", ContainerStatus=about)
        else:
            text = f"task: non-zero exit ({code})"
            self._end(task, "failed", "started", Err=text, ContainerStatus=about)

    def _die(self, task: Raw, container: Container, code: int) -> None:
        container.ended = True
        container.cancel_timers()
        self._stock.tell(task, container, "die", exitCode=str(code))

    def _stop(self, task: Raw) -> None:
        ident, container = task["ID"], self._stock.containers.get(task["ID"])
        self._working.add(ident)
        if container is None or container.running_since is None:
            self._later(ident, self._world.durations.accept, lambda i: self._stopped(i, 0))
            return
        self._say_stopping(task, container)
        program, spec = container.program, task["Spec"]["ContainerSpec"]
        wait = self._world.took(self._world.durations.withdraw) if container.address else 0.0
        grace = spec.get("StopGracePeriod", DEFAULT_GRACE) / SECOND
        polite = program.stops_in is not None and program.stops_in <= grace
        rest = program.stops_in if polite and program.stops_in is not None else grace
        code = program.stop_code if polite else KILLED
        for delay, number in ((wait, "15"), (wait + grace, "9")):
            if number == "15" or not polite:
                self._later_kill(task, container, delay, number)
        self._world.clock.after(wait + rest, lambda: self._stopped(ident, code))

    def _say_stopping(self, task: Raw, container: Container) -> None:
        """Report, as nodes do, an exit code of -1 for a process that is only going to end."""

        def say() -> None:
            found = self._mine(task["ID"], "running")
            if found is not None and not container.ended:
                about = states.container_status(container.id, container.pid, -1)
                status = {**found["Status"], "ContainerStatus": about}
                self._world.put(self._world.tasks, {**found, "Status": status})

        delay = self._world.took(self._world.durations.accept)
        container.timers.append(self._world.clock.after(delay, say))

    def _later_kill(self, task: Raw, container: Container, delay: float, number: str) -> None:
        def tell() -> None:
            if not container.ended:
                self._stock.tell(task, container, "kill", signal=number)

        container.timers.append(self._world.clock.after(delay, tell))

    def _stopped(self, ident: str, code: int) -> None:
        self._working.discard(ident)
        task, container = self._world.tasks.get(ident), self._stock.containers.get(ident)
        if task is None or not self.is_on(task["NodeID"]) or states.ended(task):
            return
        about = {}
        if container is not None:
            if container.running_since is not None and not container.ended:
                self._die(task, container, code)
                self._stock.tell(task, container, "stop")
            about = {"ContainerStatus": states.container_status(container.id, 0, code)}
        self._end(task, "shutdown", "shutdown", **about)

    def _end(self, task: Raw, state: str, message: str, **status: object) -> None:
        self._ended(states.tell(self._world, task, state, message, **status))

    def power_off(self, node_id: str) -> None:
        """End all that runs on a node, without a word to the managers."""
        self._off.add(node_id)
        for container in self._stock.containers.values():
            if container.node_id == node_id:
                container.ended = True
                container.cancel_timers()

    def power_on(self, node_id: str) -> None:
        """Let a node report what became of its tasks, and go on with them."""
        self._off.discard(node_id)
        for task in [t for t in self._world.tasks.values() if t.get("NodeID") == node_id]:
            container = self._stock.containers.get(task["ID"])
            self._working.discard(task["ID"])
            if states.ended(task):
                continue
            if container is not None and container.running_since is not None:
                about = states.container_status(container.id, 0, POWER_LOST)
                text = f"task: non-zero exit ({POWER_LOST})"
                self._end(task, "failed", "started", Err=text, ContainerStatus=about)
            elif states.wanted(task):
                self._stock.containers.pop(task["ID"], None)
                self.heed(states.tell(self._world, task, "assigned", task["Status"]["Message"]))
            else:
                self.heed(task)
