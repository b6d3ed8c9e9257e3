"""Our single-user image beside the same packages installed naively: a start of the engine alone."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

from bench.alternate import turns
from bench.results import Figure, figures_of
from bench.say import say
from bench.site.site import Site

NAME: Final = "image"
_DOCKERFILE = Path(__file__).parents[1] / "naive" / "Dockerfile"
_NAIVE = "bench-naive:latest"
_BUILDER = "swarmhub-build:latest"
_BUILT_WITHIN = 900.0  # seconds
_WARM_UP = 1  # rounds, not counted


def run(site: Site, rounds: int) -> list[Figure]:
    """Start a server of each image in turn.

    Raises:
        Exception: one did not answer.
    """
    say("building the naive image")
    images = {"swarmhub": site.images["singleuser"], "naive": _build(site)}
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn, image in enumerate(turns(list(images), rounds + _WARM_UP)):
        site.calm()
        bare = site.floor.start(f"{image}-{turn}", image=images[image])
        site.floor.stop(bare)
        taken = bare.answering - bare.running
        say(f"start {turn + 1} of the image, {image}: {taken:.2f} s")
        if turn >= _WARM_UP * len(images):
            samples[image, "answering"].append(taken)
    site.calm()
    return figures_of(NAME, samples)


def _build(site: Site) -> str:
    listed = site.node.docker(
        "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "swarmhub-base"
    )
    bases = listed.split()
    if not bases:
        raise RuntimeError("The images do not stand on the Debian base, so there is no like of it.")
    given = {"BASE": bases[0], "BUILD": _BUILDER, "OURS": site.images["singleuser"]}
    options = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    site.node.docker(
        *("build", "--tag", _NAIVE, *options, "-"),
        input=_DOCKERFILE.read_text(),
        timeout=_BUILT_WITHIN,
    )
    return _NAIVE
