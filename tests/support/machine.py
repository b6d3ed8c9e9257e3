"""A computer for one engine: network, mount, uts and pid namespaces, a cable and a power switch.

Nothing of a machine outlives the first process of its pid namespace: processes, mounts, interfaces
and the network namespace go with it, as they do when a machine loses power. Switching it on again
makes its namespaces anew, with the same address and the same files.
"""

import contextlib
import subprocess
import time
from ipaddress import IPv4Address
from pathlib import Path

from support import links
from support.janitor import Janitor
from support.network import Network
from support.processes import ProcessId, children
from support.shell import run

_BOOT = Path(__file__).with_name("boot.sh")
_UNSHARE = "unshare --net --mount --uts --pid --fork --kill-child --mount-proc"


class Machine:
    """A machine that can be cut off, and can lose its power.

    Attributes:
        name: the host name inside.
        address: its address in the cluster's network, reachable from this machine.
        folder: holds what is on its disk, and the log of what it does.
        cgroup: the control group in which its containers run.
        registry: HOST:PORT to which its own 127.0.0.1:5000 is relayed, or None.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        network: Network,
        janitor: Janitor,
        registry: str | None = None,
    ) -> None:
        self.name = name
        self.registry = registry
        self.folder = folder
        self.address: IPv4Address = network.next_address()
        self.cgroup = f"{network.bridge}-{name}"
        self._network = network
        self._janitor = janitor
        self._link = f"{network.bridge}-{self.address.packed[-1]}"
        self._outer: subprocess.Popen[bytes] | None = None
        self._first: ProcessId | None = None

    @property
    def log(self) -> Path:
        """File with the output of all its starts."""
        return self.folder / "dockerd.log"

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of its log."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            return "It has written no log."
        return "\n".join(text.splitlines()[-lines:])

    @property
    def running(self) -> bool:
        """Whether its engine's process exists."""
        return self._outer is not None and self._outer.poll() is None

    def _switch_on(self) -> None:
        """Run boot.sh in new namespaces; it expects daemon.json and resolv.conf in the folder."""
        network = self._network
        address = f"{self.address}/{network.subnet.prefixlen}"
        boot = [str(_BOOT), str(self.folder), self.name, address, str(network.gateway)]
        boot += [str(network.path_mtu), self.registry or ""]
        with self.log.open("ab") as log:
            # An engine as first process of its namespace would not reap orphans; docker-init does.
            self._outer = subprocess.Popen(
                [*_UNSHARE.split(), "docker-init", "--", "sh", *boot],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._janitor.remember(f"{self.name}'s cgroup", "rmcgroup", self.cgroup)
        self._remember("engine", ProcessId.of(self._outer.pid))
        self._first = self._first_process(self._outer)
        self._remember("init", self._first)
        self._connect(self._first.pid)
        assert self._outer.stdin is not None
        with self._outer.stdin as go:
            go.write(b"\n")

    def _remember(self, part: str, process: ProcessId) -> None:
        number, started = str(process.pid), str(process.started)
        self._janitor.remember(f"{self.name}'s {part}", "end", number, started)

    def _first_process(self, outer: subprocess.Popen[bytes], timeout: float = 10) -> ProcessId:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and outer.poll() is None:
            for pid in children(outer.pid):
                with contextlib.suppress(ProcessLookupError):
                    return ProcessId.of(pid)
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} got no namespaces of its own.\n{self.log_tail()}")

    def _connect(self, pid: int) -> None:
        """Lay a cable from the bridge to the node; a fixed MAC spares the others' ARP caches."""
        mac = "02:73:" + ":".join(f"{byte:02x}" for byte in self.address.packed)
        self._janitor.remember(f"{self.name}'s link", "rmlink", self._link)
        peer = ("peer", "name", "eth0", "address", mac, "netns", str(pid))
        run("ip", "link", "add", self._link, "type", "veth", *peer)
        run("ip", "link", "set", self._link, "master", self._network.bridge, "up")

    def kill(self) -> None:
        """Take its power away: engine, containers, mounts and network end at once."""
        if self._outer is None:
            return
        if self._first is not None:
            self._first.end()
        self._outer.kill()
        self._outer.wait(20)
        links.remove(self._link)
        for part in ("engine", "init", "link"):
            self._janitor.forget(f"{self.name}'s {part}")
        self._outer = self._first = None

    def bury(self) -> None:
        """Take notice of an engine that the janitor has ended."""
        if self._outer is not None:
            self._outer.wait(20)
        self._outer = self._first = None

    def cut_off(self) -> None:
        """Pull its network cable; the engine's socket still answers on this machine."""
        run("ip", "link", "set", self._link, "down")

    def heal(self) -> None:
        """Plug the network cable in again."""
        run("ip", "link", "set", self._link, "up")

    def run_inside(self, *argv: str, timeout: float = 30) -> str:
        """Run a program of this machine inside the node's namespaces and return what it printed.

        Raises:
            CommandError: it failed, or did not end within `timeout` seconds.
        """
        if self._first is None:
            raise RuntimeError(f"{self.name} does not run.")
        enter = ("nsenter", "--target", str(self._first.pid), "--net", "--mount", "--uts", "--pid")
        return run(*enter, *argv, timeout=timeout)

    def pid_seen_here(self, inside: int) -> int:
        """Translate a pid of the machine into one that this process may signal.

        Raises:
            ProcessLookupError: there is no such process.
        """
        if self._first is not None:
            with contextlib.suppress(OSError):
                root = Path(f"/proc/{self._first.pid}/root/proc/{inside}")
                namespace = (root / "ns/pid").readlink()
                for entry in Path("/proc").glob("[0-9]*"):
                    if _is(entry, inside, namespace):
                        return int(entry.name)
        raise ProcessLookupError(f"{self.name} has no process {inside}.")


def _is(entry: Path, inside: int, namespace: Path) -> bool:
    """Tell whether a process is the one of a pid namespace that a machine knows as `inside`."""
    with contextlib.suppress(OSError):
        if (entry / "ns/pid").readlink() == namespace:
            for line in (entry / "status").read_text().splitlines():
                if line.startswith("NSpid:"):
                    # Its number here, on its machine, and, for a container, in the container.
                    return line.split()[2:3] == [str(inside)]
    return False
