"""What of a cluster still exists on this machine: nothing, once it has been closed."""

from pathlib import Path

from support import cgroups, processes
from support.shell import run


def leftovers(bridge: str, place: Path) -> list[str]:
    """Name everything that is left of a cluster, but for the files in its folder.

    Args:
        bridge: its network's interface, after which its other things are called.
        place: its folder.
    """
    found = _interfaces(bridge) + _rules(bridge)
    found += [f"process {pid}" for pid in processes.mentioning(f"{place}/")]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"mount {line.split()[4]}" for line in mounts if f" {place}/" in line]
    found += [f"control group {path}" for path in cgroups.places(f"{bridge}-*")]
    return found


def _interfaces(bridge: str) -> list[str]:
    links = Path("/sys/class/net").iterdir()
    return [f"interface {link.name}" for link in links if link.name.startswith(bridge)]


def _rules(bridge: str) -> list[str]:
    found = []
    for table in ("nat", "filter"):
        rules = run("iptables", "--wait", "10", "--table", table, "--list-rules").splitlines()
        found += [f"iptables rule {rule}" for rule in rules if bridge in rule]
    return found
