"""What the spawner raises; each message is one sentence with the next step."""

from __future__ import annotations

from html import escape

from tornado import web

from swarmhub_spawner.messages import Text


class OptionError(ValueError):
    """An option of the spawner has a value that cannot be carried out in a Swarm."""


class OptionConflict(OptionError):  # noqa: N818 - a conflict, as one says it
    """Two options do not go together, though each could be carried out."""


class SpawnError(web.HTTPError):
    """A start or stop that ended badly.

    JupyterHub shows `jupyterhub_message` (API) and `jupyterhub_html_message` (pages). It is an
    HTTPError because the hub's spawn page hides the message of everything else that is raised
    within the first second.
    """

    def __init__(self, message: str, *, html: str = "", status_code: int = 500) -> None:
        super().__init__(status_code, message.replace("%", "%%"))
        self.jupyterhub_message = message
        self.jupyterhub_html_message = html or escape(message)

    def __str__(self) -> str:
        return self.jupyterhub_message


def spawn_error(text: Text, status_code: int = 500) -> SpawnError:
    """Return the error that shows a text, plain and as HTML."""
    return SpawnError(text.plain, html=text.html, status_code=status_code)
