"""Tells the operator which images the nodes should have before anybody waits for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from swarmhub_crds.errors import StoreError
from swarmhub_crds.store import Store
from tornado.log import app_log
from traitlets.config import Config

from swarmhub_spawner.choices.images import allowed
from swarmhub_spawner.choices.profiles import images_of, read_profiles
from swarmhub_spawner.spawner import SwarmHubSpawner


def announce_images(store: Store, images: Iterable[str]) -> None:
    """Announce these and no others, the most wanted first; what is "" or a template is left out.

    Raises:
        StoreError: the store cannot be written.
    """
    named = (image.strip() for image in images)
    store.announce_images(list(dict.fromkeys(i for i in named if i and "{" not in i)))


def announce_configured(config: Config) -> None:
    """Announce the images of a hub's configuration; call it at the end of that, with `c`.

    They are the spawner's `image` and those of `profile_list` and `allowed_images`, unless these
    are callables, which know no user yet; none, if `pull_policy` says that nothing is pulled. A
    store that cannot be written is logged and nothing else: servers start without it.

    Raises:
        OptionError: `profile_list` or `allowed_images` are not what they should be.
        TraitError: likewise.
    """
    spawner = SwarmHubSpawner(config=config)
    never = spawner.pull_policy.lower() == "never"
    images = [] if never else list(_offered(spawner))
    try:
        with closing(Store.open(spawner.state_url)) as store:
            announce_images(store, images)
    except StoreError as error:
        app_log.warning("No images are pulled ahead: %s", error)


def _offered(spawner: SwarmHubSpawner) -> Iterator[str]:
    """Give the images that servers may have, the most wanted first."""
    if isinstance(spawner.image, str):
        yield spawner.image
    if not callable(spawner.profile_list):
        yield from images_of(read_profiles(spawner.profile_list))
    if not callable(spawner.allowed_images):
        yield from (allowed(spawner.allowed_images) or {}).values()
