"""An image of two megabytes that needs no registry: busybox, under all its names.

Its `wget -T` crashes (busybox 1.35): bound the time with `timeout 2 wget …` instead.
"""

import io
import tarfile
import tempfile
from pathlib import Path

from support.node import Node
from support.shell import require_programs, run

# The registry of this name refuses at once on a node that runs none, so tasks need not wait for it.
TINY = "127.0.0.1:5000/test/tiny:latest"

_FETCH = """
cd "$0"
apt-get download --quiet busybox-static
dpkg-deb --extract ./*.deb tree
"""
_FILES = {
    "etc/passwd": b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/nsswitch.conf": b"hosts: files dns\n",
}


def load_tiny(node: Node) -> str:
    """Put the image on a node, unless it is there already, and return its name.

    Raises:
        RuntimeError: there is no apt on this machine to get busybox with.
        CommandError: apt could not get it, or the engine did not take the image.
    """
    if not node.docker("images", "--quiet", TINY).strip():
        change = ("--change", 'CMD ["sh"]', "--change", "ENV PATH=/bin")
        node.docker("import", *change, "-", TINY, input=tiny_archive())
    return TINY


def tiny_archive() -> bytes:
    """Return the image's root file system as a tar archive, made from this machine's packages."""
    require_programs("apt-get", "dpkg-deb")
    with tempfile.TemporaryDirectory() as folder:
        run("sh", "-euc", _FETCH, folder, timeout=120)
        tree = Path(folder, "tree")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            _fill(archive, tree)
        return buffer.getvalue()


def _fill(archive: tarfile.TarFile, tree: Path) -> None:
    for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700)):
        archive.addfile(_entry(name, mode, tarfile.DIRTYPE))
    for name, content in _FILES.items():
        entry = _entry(name, 0o644, tarfile.REGTYPE)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    busybox = next(tree.rglob("bin/busybox"))
    archive.add(busybox, "bin/busybox")
    for applet in set(run(str(busybox), "--list").split()) - {"busybox"}:
        link = _entry(f"bin/{applet}", 0o777, tarfile.SYMTYPE)
        link.linkname = "busybox"
        archive.addfile(link)


def _entry(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.type = mode, kind
    return entry
