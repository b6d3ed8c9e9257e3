"""The page under JupyterHub's `internal_ssl`: it proves who it is with the hub's own certificate.

JupyterHub makes a certificate for a service that it starts, but that is good for this host alone,
and the proxy reaches the page by the hub's name. The hub's own is good for it, and the page runs
where the hub does, as its user: it lets in whom the hub lets in.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from jupyterhub.utils import make_ssl_context


def certificate(folder: str) -> Mapping[str, str]:
    """Return the files of the hub's certificate in the folder of `internal_ssl`, as it names them.

    Args:
        folder: `JupyterHub.internal_certs_location`; "": there is none, and nothing is returned.
    """
    if not folder:
        return {}
    own = Path(folder, "hub-internal", "hub-internal")
    return {
        "keyfile": f"{own}.key",
        "certfile": f"{own}.crt",
        "client_ca": f"{Path(folder, 'hub-ca_trust.crt')}",
    }


def listening(files: Mapping[str, str]) -> ssl.SSLContext | None:
    """Return what lets in only who has a certificate of the hub's authorities; None: everybody."""
    if not files:
        return None
    context: ssl.SSLContext = make_ssl_context(
        files["keyfile"],
        files["certfile"],
        cafile=files["client_ca"],
        purpose=ssl.Purpose.CLIENT_AUTH,
    )
    return context
