"""A Swarm in memory whose content errands are processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.ports import free_port
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service, Task, TaskState, Volume
from unit.operator.fakeswarm import FakeSwarm


class ContentSwarm(FakeSwarm):
    """Runs errands on folders of `root`, one a volume; `url` is where the last one answers."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.port = 0
        self.processes: dict[str, subprocess.Popen[str]] = {}  # by service
        self.specs: list[Mapping[str, Any]] = []
        self._tokens: dict[str, bytes] = {}

    def url(self, _address: str) -> str:
        """Return where the last errand answers, whatever its address in the Swarm."""
        return f"http://127.0.0.1:{self.port}"

    def create_secret(self, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Create a secret, and remember its content."""
        ident = super().create_secret(name, data, labels)
        self._tokens[ident] = data
        return ident

    def create_service(self, spec: Mapping[str, Any]) -> str:
        """Create a service, and run an errand."""
        ident = super().create_service(spec)
        if labels.ERRAND in spec["Labels"]:
            self.specs.append(spec)
            self.processes[ident] = self._run(spec["TaskTemplate"]["ContainerSpec"])
        return ident

    def _run(self, container: Mapping[str, Any]) -> subprocess.Popen[str]:
        self.port = free_port()
        token = self.root / "token"
        token.write_bytes(self._tokens[container["Secrets"][0]["SecretID"]])
        volume = self.root / container["Mounts"][0]["Source"]
        volume.mkdir(exist_ok=True)
        kind, *arguments = container["Command"][3:]
        place = ("--volume", str(volume), "--port", str(self.port), "--token", str(token))
        command = (sys.executable, "-m", "swarmhub_operator.errand", kind, *place, *arguments)
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _at_errand(self, service: Service) -> Task:
        task, code = super()._at_errand(service), self.processes[service.id].poll()
        if code is None:
            return task
        state = TaskState.FAILED if code else TaskState.COMPLETE
        return replace(task, state=state, exit_code=code)

    def task_output(self, task_id: str) -> str:
        """Return what an errand that has ended wrote."""
        at = next(t.service_id for t in self._tasks.values() if t.id == task_id)
        return self.processes[at].communicate(timeout=20)[0]

    def remove_service(self, service_id: str) -> None:
        """Remove a service, and let its errand end."""
        super().remove_service(service_id)
        if service_id in self.processes:
            self.processes[service_id].terminate()

    def own_volumes(self) -> tuple[Volume, ...]:
        """List the folders."""
        now = datetime.now(UTC)
        folders = sorted(folder.name for folder in self.root.iterdir() if folder.is_dir())
        return tuple(Volume(name, {}, "local", {}, now) for name in folders)

    def left(self) -> list[str]:
        """Return the names of services and secrets that are left."""
        services = [service.name for service in self._services.values()]
        return sorted([*services, *(secret.name for secret in self._secrets.values())])

    def end(self) -> None:
        """End what still runs."""
        for process in self.processes.values():
            process.kill()
            process.communicate(timeout=20)
