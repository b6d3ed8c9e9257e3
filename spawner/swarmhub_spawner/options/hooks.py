"""The options about what an administrator's own code does, and what the page of a start tells."""

from __future__ import annotations

from jupyterhub.traitlets import Callable
from traitlets import Bool, HasTraits, Integer, Unicode


class HookOptions(HasTraits):
    """Hooks around the record, and how a start tells of itself."""

    modify_record_hook = Callable(
        None,
        allow_none=True,
        help="""
        A callable, maybe async, that is given the spawner and the NotebookSpec of
        swarmhub_crds.notebook that is about to be written, and returns the one to write.
        """,
    ).tag(config=True)

    after_record_written_hook = Callable(
        None,
        allow_none=True,
        help="""
        A callable, maybe async, that is given the spawner and the Notebook of
        swarmhub_crds.notebook that has been written; the operator may not have seen it yet.
        """,
    ).tag(config=True)

    events_enabled = Bool(
        True, help="Whether the page of a start tells how it goes on and what it waits for."
    ).tag(config=True)

    slow_spawn_message = Unicode(
        help="""
        What the page of a start tells besides when it takes long; {seconds} is how long. Empty:
        nothing but what the start waits for.
        """
    ).tag(config=True)

    slow_spawn_message_threshold = Integer(
        60, min=0, help="Seconds until `slow_spawn_message` is told; 0 is never."
    ).tag(config=True)

    slow_spawn_message_frequency = Integer(
        5, min=1, help="Seconds until `slow_spawn_message` is told again."
    ).tag(config=True)
