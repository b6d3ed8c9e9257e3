"""Which tasks a service should have: replicas, restarts, updates, and the history of it all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from simswarm import states
from simswarm.raw import Raw
from simswarm.world import World

HISTORY = 5  # tasks of one slot, those that run included
OLD_TASK_WITHIN = 60.0  # seconds that an update waits for the task that it replaces
RESTART_DELAY = 5 * 10**9  # nanoseconds, unless the service says otherwise


class Orchestrator:
    """Makes, ends and clears away tasks.

    Args:
        world: the managers' memory.
        born: called with each new task.
        changed: called with each task that is meant to become something else now.
        forgotten: called with each task that was cleared away.
    """

    def __init__(
        self,
        world: World,
        born: Callable[[Raw], None],
        changed: Callable[[Raw], None],
        forgotten: Callable[[Raw], None],
    ) -> None:
        self._world = world
        self._born = born
        self._changed = changed
        self._forgotten = forgotten
        self._successor: dict[str, str] = {}  # old task -> the one that waits for its end
        self._reaped: dict[str, None] = {}  # services of which a task may be cleared away; a set
        self._reaping = False
        self._updating: dict[str, str] = {}  # service -> new task that its update watches

    def wake(self, service_id: str) -> None:
        """Look at a service soon, since it has changed."""
        delay = self._world.took(self._world.durations.decide)
        self._world.clock.after(delay, lambda: self._reconcile(service_id))

    def _slots(self, service_id: str) -> dict[int, list[Raw]]:
        slots: dict[int, list[Raw]] = {}
        for task in self._world.tasks.by("service", service_id):
            slots.setdefault(states.slot(task), []).append(task)
        for tasks in slots.values():
            tasks.sort(key=lambda t: (t["CreatedAt"], t["ID"]))
        return slots

    def _reconcile(self, service_id: str) -> None:
        service = self._world.services.get(service_id)
        if service is None:
            return
        updatable: dict[int, list[Raw]] = {}
        for number, tasks in self._slots(service_id).items():
            live = [t for t in tasks if states.wanted(t)]
            # A slot that is to stay empty is no gap to fill; an update turns to it all the same.
            if live or not _restarts(service, tasks[-1]):
                updatable[number] = live or tasks[-1:]
        wanted = service["Spec"]["Mode"]["Replicated"]["Replicas"]
        excess = sorted(updatable, reverse=True)[: max(0, len(updatable) - wanted)]
        for number in excess:
            for task in updatable.pop(number):
                self._desire(task, "remove")
        for tasks in updatable.values():
            self._update(service, tasks)
        free = (n for n in count(1) if n not in updatable)
        for _ in range(wanted - len(updatable)):
            self._make(service, next(free), "running")

    def _make(self, service: Raw, slot: int, desired: str) -> Raw:
        world, ident = self._world, self._world.new_id()
        template = service["Spec"]["TaskTemplate"]
        world.task_labels[ident] = service["Spec"].get("Labels") or {}
        task = world.put(
            world.tasks,
            {
                "ID": ident,
                "Labels": {},
                "Spec": {k: v for k, v in template.items() if k != "Runtime"},
                "ServiceID": service["ID"],
                "Slot": slot,
                "Status": {
                    "Timestamp": world.stamp(),
                    "State": "new",
                    "Message": "created",
                    "PortStatus": {},
                },
                "DesiredState": desired,
            },
        )
        self._born(task)
        self._reap_later(task)
        return task

    def _desire(self, task: Raw, wish: str) -> None:
        if states.RANK[task["DesiredState"]] < states.RANK[wish]:
            task = states.desire(self._world, task, wish)
        self._changed(task)
        self._reap_later(task)

    def _update(self, service: Raw, tasks: list[Raw]) -> None:
        template = {k: v for k, v in service["Spec"]["TaskTemplate"].items() if k != "Runtime"}
        if all(t["Spec"] == template for t in tasks):
            return
        self._tell_update(service, "updating", "update in progress")
        service = self._world.services[service["ID"]]
        old = tasks[-1]
        for task in tasks:
            self._desire(task, "shutdown")
        new = self._make(service, states.slot(old), "ready")
        self._updating[service["ID"]] = new["ID"]
        node = self._world.nodes.get(old.get("NodeID", ""))
        if states.ended(old) or (node is not None and node["Status"]["State"] == "down"):
            self._release(new["ID"])
            return
        self._successor[old["ID"]] = new["ID"]
        self._world.clock.after(OLD_TASK_WITHIN, lambda: self._release(new["ID"]))

    def _release(self, ident: str) -> None:
        """Let a task run that was only made ready."""
        task = self._world.tasks.get(ident)
        if task is not None and task["DesiredState"] == "ready":
            self._changed(states.desire(self._world, task, "running"))

    def _tell_update(self, service: Raw, state: str, message: str) -> None:
        world, name = self._world, service["Spec"]["Name"]
        old = service.get("UpdateStatus") or {}
        started = old.get("StartedAt", world.stamp())
        status = {"State": state, "StartedAt": started, "Message": message}
        if state == "completed":
            status = {**status, "CompletedAt": world.stamp()}
        world.put(world.services, {**service, "UpdateStatus": status})
        about = {"name": name, "updatestate.new": state}
        if old:
            about["updatestate.old"] = old["State"]
        world.journal.tell("service", "update", service["ID"], about)

    def running(self, task: Raw) -> None:
        """Take notice of a task that runs: an update is complete if it goes on so for a while."""
        service_id, ident = task["ServiceID"], task["ID"]
        if self._updating.get(service_id) != ident:
            return

        def complete() -> None:
            service = self._world.services.get(service_id)
            if service is not None and self._updating.get(service_id) == ident:
                del self._updating[service_id]
                self._tell_update(service, "completed", "update completed")

        self._world.clock.after(self._world.durations.monitor, complete)

    def ended(self, task: Raw) -> None:
        """Decide soon what follows a task that has ended."""
        ident = task["ID"]
        successor = self._successor.pop(ident, None)
        if successor is not None:
            self._release(successor)
        service = self._world.services.get(task["ServiceID"])
        if service is not None and self._updating.get(service["ID"]) == ident:
            del self._updating[service["ID"]]
            text = f"update paused due to failure or early termination of task {ident}"
            self._tell_update(service, "paused", text)
        self._reap_later(task)
        delay = self._world.took(self._world.durations.decide)
        self._world.clock.after(delay, lambda: self.replace(ident))

    def lose_node(self, node_id: str) -> None:
        """Wait no longer for the tasks of a node that is down."""
        for task in [t for t in self._world.tasks.values() if t.get("NodeID") == node_id]:
            self.replace(task["ID"])
            successor = self._successor.pop(task["ID"], None)
            if successor is not None:
                self._release(successor)

    def replace(self, ident: str) -> None:
        """Give up a task that is still meant to run, and start another one if the service asks."""
        task = self._world.tasks.get(ident)
        if task is None or not states.wanted(task):
            return
        self._desire(task, "shutdown")
        service = self._world.services.get(task["ServiceID"])
        if service is None or not _restarts(service, task):
            return
        policy = service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}
        new = self._make(service, states.slot(task), "ready")["ID"]
        delay = policy.get("Delay", RESTART_DELAY) / 10**9
        self._world.clock.after(delay, lambda: self._release(new))

    def remove_service(self, service_id: str) -> None:
        """End all tasks of a service that was removed."""
        self._updating.pop(service_id, None)
        for task in self._world.tasks.by("service", service_id):
            self._desire(task, "remove")

    def _reap_later(self, task: Raw) -> None:
        self._reaped[task["ServiceID"]] = None
        if not self._reaping:
            self._reaping = True
            delay = self._world.took(self._world.durations.reap)
            self._world.clock.after(delay, self._reap)

    def _reap(self) -> None:
        """Clear away what was to be removed, and the oldest of what is too much history."""
        self._reaping = False
        looked_at, self._reaped = self._reaped, {}
        for service_id in looked_at:
            self._reap_of(service_id)

    def _reap_of(self, service_id: str) -> None:
        for task in self._world.tasks.by("service", service_id):
            if task["DesiredState"] == "remove" and _is_over(task):
                self._forget(task)
        for tasks in self._slots(service_id).values():
            over = [t for t in tasks if _is_over(t)]
            for task in over[: max(0, len(tasks) - HISTORY)]:
                self._forget(task)
            if any(task["DesiredState"] == "remove" for task in tasks):
                self._reaped[service_id] = None  # as it has not ended yet

    def _forget(self, task: Raw) -> None:
        del self._world.tasks[task["ID"]]
        del self._world.task_labels[task["ID"]]
        self._successor.pop(task["ID"], None)
        self._forgotten(task)


def _is_over(task: Raw) -> bool:
    """Return whether a task has ended, or was never placed and never will be."""
    unplaced = states.RANK[states.state(task)] < states.RANK["assigned"]
    return states.ended(task) or (unplaced and not states.wanted(task))


def _restarts(service: Raw, task: Raw) -> bool:
    policy = service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}
    condition = policy.get("Condition", "any")
    if condition == "none":
        return False
    return bool(condition == "any" or states.state(task) != "complete")
