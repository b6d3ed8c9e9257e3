"""Print one side of the proxy's part of ``internal_ssl`` as PEM: key, certificate, whom it trusts.

``make up`` runs this in a container of its own, on the hub's volume, and makes a Swarm secret of
what it prints: the keys of the authorities never leave that volume. They are made if there are
none, if they end within three months, and if ``--renew`` asks for it. The argument is ``proxy-api``
or ``proxy-client``.
"""  # noqa: INP001

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from jupyterhub.app import JupyterHub

CONFIG = "/opt/swarmhub/internal_ssl_config.py"
LONGEST = timedelta(days=90)  # before its end an authority is replaced


def files(folder: Path, side: str) -> dict[str, Path]:
    """Return where JupyterHub keeps what one side of the proxy needs."""
    return {
        "key": folder / side / f"{side}.key",
        "certificate": folder / side / f"{side}.crt",
        "authorities": folder / f"{side}-ca_trust.crt",
    }


def is_good(part: dict[str, Path]) -> bool:
    """Return whether all of it is there and lasts."""
    if not all(path.exists() for path in part.values()):
        return False
    certificate = x509.load_pem_x509_certificate(part["certificate"].read_bytes())
    return certificate.not_valid_after_utc - datetime.now(UTC) > LONGEST


async def make(app: JupyterHub) -> None:
    """Have JupyterHub make what is missing; it wants an event loop around it."""
    app.init_internal_ssl()


def main(side: str, *options: str) -> None:
    """Make what is missing and print what the proxy needs."""
    app = JupyterHub(log_level="WARN")
    app.load_config_file(CONFIG)
    folder = Path(app.internal_certs_location)
    part = files(folder, side)
    if "--renew" in options or not is_good(part):
        app.recreate_internal_certs = folder.exists()
        asyncio.run(make(app))
    sys.stdout.writelines(path.read_text() for path in part.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
