"""Stopping servers that nobody uses, by jupyterhub-idle-culler as a service of the hub."""

from __future__ import annotations

import sys

from traitlets.config import Config

from swarmhub_hub.reading import SettingError, Settings

NAME = "idle-culler"
# Servers tell the hub every five minutes what computes in them behind a closed browser.
REPORTED_S = 600


def culler(settings: Settings, certificates: str = "") -> Config:
    """Return the service and its role, or nothing if no server is to be stopped for being idle.

    Args:
        settings: of the hub.
        certificates: the folder of internal_ssl, if that is on.

    Raises:
        SettingError: a number is none, or others are set without a time-out.
    """
    config = Config()
    timeout = settings.whole("SWARMHUB_CULL_TIMEOUT")
    max_age = settings.whole("SWARMHUB_CULL_MAX_AGE")
    if not timeout:
        _refuse_without_timeout(settings)
        return config
    every = settings.whole("SWARMHUB_CULL_EVERY")
    if not every:
        raise SettingError("SWARMHUB_CULL_EVERY=0 would never look: write seconds, such as 600.")
    users = settings.flag("SWARMHUB_CULL_USERS")
    command = [
        *(sys.executable, "-m", "jupyterhub_idle_culler"),
        f"--timeout={timeout}",
        f"--cull-every={min(every, timeout)}",
        f"--max-age={max_age}",
        f"--cull-users={users}",
        f"--cull-admin-users={settings.flag('SWARMHUB_CULL_ADMIN_USERS')}",
        f"--remove-named-servers={settings.flag('SWARMHUB_CULL_REMOVE_NAMED_SERVERS')}",
    ]
    if certificates:
        command += ["--ssl-enabled=True", f"--internal-certs-location={certificates}"]
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    config.JupyterHub.services = [{"name": NAME, "command": command}]
    config.JupyterHub.load_roles = [
        {
            "name": NAME,
            "scopes": [*scopes, "admin:users"] if users else scopes,
            "services": [NAME],
        }
    ]
    return config


def hasty(settings: Settings) -> str | None:
    """Return a warning if servers are stopped before they can tell that something computes."""
    timeout = settings.whole("SWARMHUB_CULL_TIMEOUT")
    if not 0 < timeout < REPORTED_S:
        return None
    return (
        f"SWARMHUB_CULL_TIMEOUT={timeout} is short: what computes behind a closed browser is told "
        f"to the hub every 300 s only, so it may be stopped; {REPORTED_S} or more is safe."
    )


def _refuse_without_timeout(settings: Settings) -> None:
    for name in ("EVERY", "MAX_AGE", "USERS", "ADMIN_USERS", "REMOVE_NAMED_SERVERS"):
        if settings.given(f"SWARMHUB_CULL_{name}"):
            raise SettingError(
                f"SWARMHUB_CULL_{name} has no effect without SWARMHUB_CULL_TIMEOUT: set that, too "
                "(3600 is usual)."
            )
