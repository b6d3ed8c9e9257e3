"""The seal at the end of an archive: a checksum of all before it, in a block that tar ignores.

tar itself protects names and sizes, and no content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from swarmhub_operator.errand.failure import CopyError

BLOCK = 512
_MAGIC = b"swarmhub-seal/1 sha256="


def seal(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an archive, and after it its seal."""
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    yield _block(digest.hexdigest())


def _block(digest: str) -> bytes:
    return (_MAGIC + digest.encode() + b"\n").ljust(BLOCK, b"\0")


def unseal(chunks: Iterable[bytes], found: Callable[[], None]) -> Iterator[bytes]:
    """Yield an archive without its seal; `found` is called at the end if it has a right one.

    Raises:
        CopyError: the seal is that of something else.
    """
    digest, held = sha256(), b""
    for chunk in chunks:
        held += chunk
        passed, held = held[:-BLOCK], held[-BLOCK:]
        if passed:
            digest.update(passed)
            yield passed
    if not held.startswith(_MAGIC):
        yield held
    elif held == _block(digest.hexdigest()):
        found()
    else:
        raise CopyError("The archive was damaged: its checksum is another; take a good copy.")
