"""Whatever earlier spawners have left: nobody gets a home that may be another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.records import NOW, home
from swarmhub_crds.escaping import Escape
from swarmhub_crds.home import Home
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_operator.decide.migration import plan, record
from swarmhub_operator.decide.oldspawner import Origin, Site, Step, Wish
from swarmhub_operator.decide.volumenames import Template
from swarmhub_operator.engine.workloads import Workload, WorkloadKind

USERS = ("ada", "Ada", "a-2d", "a-", "class-42", "classB", "ö")
TEXTS = ("home-{username}", "{raw_username}.home", "home-{username}-{servername}")
NAMES = [
    *sorted(
        {
            text.format(username=escape.write(user), raw_username=user, servername=server)
            for text in TEXTS
            for escape in Escape
            for user in USERS
            for server in ("", "lab")
        }
    ),
    "postgres",
]

VOLUMES = st.builds(
    FoundVolume,
    name=st.sampled_from(NAMES),
    store=st.sampled_from(("", "", "", "other")),
    shared=st.sampled_from((False, False, False, True)),
)
WORKLOADS = st.builds(
    Workload,
    kind=st.sampled_from(WorkloadKind),
    id=st.sampled_from(("w1", "w2", "w3", "w4")),
    name=st.just("jupyter-x"),
    running=st.booleans(),
    user=st.sampled_from(("", *USERS)),
    volumes=st.frozensets(st.sampled_from(NAMES), max_size=2),
    service=st.sampled_from(("", "", "w1")),
    ours=st.booleans(),
)
SITES = st.builds(
    lambda volumes, workloads, homes: Site(
        tuple(workloads),
        tuple(
            Inventory(node_id=n, node=n, taken_at=NOW, volumes=tuple(found))
            for n, found in volumes.items()
        ),
        {name: home(name, user=user) for name, user in homes.items()},
    ),
    st.dictionaries(
        st.sampled_from(("n1", "n2")), st.lists(VOLUMES, max_size=6, unique_by=lambda v: v.name)
    ),
    st.lists(WORKLOADS, max_size=4, unique_by=lambda w: w.id),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(USERS), max_size=3),
)
WISHES = st.builds(
    lambda origin, texts, users, stop, first, sure: Wish(
        origin=origin,
        templates=tuple(Template.parse(text, first) for text in texts),
        doubts=()
        if sure
        else tuple(Template.parse(text, e) for text in texts for e in Escape if e is not first),
        users=users,
        stop_services=stop,
    ),
    st.sampled_from(Origin),
    st.lists(st.sampled_from(TEXTS), min_size=1, unique=True),
    st.none() | st.frozensets(st.sampled_from(USERS)),
    st.booleans(),
    st.sampled_from(Escape),
    st.booleans(),
)


def written(site: Site, wish: Wish) -> dict[str, Home]:
    """Return the records that are written."""
    adopts = plan(site, wish).adopts
    assert len({finding.name for finding in adopts}) == len(adopts)
    return {finding.name: record(finding, f"uid-{finding.name}", NOW) for finding in adopts}


def mounted_by(site: Site, name: str, kind: WorkloadKind) -> set[str]:
    """Return for whom an old spawner had a volume mounted, by what its servers say."""
    return {
        w.user
        for w in site.workloads
        if name in w.volumes and w.user and not w.ours and not w.service and w.kind is kind
    }


@given(SITES, WISHES)
def test_a_home_is_ones_who_is_known_to_have_it(site: Site, wish: Wish) -> None:
    """A server had it mounted for one user alone, or its name is that of one user alone."""
    for name, made in written(site, wish).items():
        users = mounted_by(site, name, wish.origin.kind)
        readings = {r.user for t in (*wish.templates, *wish.doubts) for r in t.readings(name)}
        known = readings if wish.users is None else readings & wish.users
        assert users == {made.spec.user} or (not users and made.spec.user in known)
        assert made.spec.user in {r.user for t in wish.templates for r in t.readings(name)}
        if not users and wish.users is None:
            assert readings == {made.spec.user}


@given(SITES, WISHES)
def test_records_that_are_there_stay_and_nothing_is_done_twice(site: Site, wish: Wish) -> None:
    """A second run finds all that the first has adopted, and adopts nothing."""
    made = written(site, wish)
    assert not made.keys() & site.homes.keys()
    stopped = {w.id for w in plan(site, wish).stops}
    left = tuple(w for w in site.workloads if w.id not in stopped)
    again = Site(left, site.inventories, {**site.homes, **made})
    found = {f.name: f.step for f in plan(again, wish).findings}
    assert not made.keys() & written(again, wish).keys()
    assert all(found[name] is Step.ADOPTED for name in made)


@given(SITES, WISHES)
def test_what_is_in_use_or_in_two_places_is_left(site: Site, wish: Wish) -> None:
    """Unless what uses it is removed first, which happens only if that is asked for."""
    found = plan(site, wish)
    assert wish.stop_services or not found.stops
    stopped = {w.id for w in found.stops}
    services = {w.id for w in site.workloads if w.kind is WorkloadKind.SERVICE}
    for name, made in written(site, wish).items():
        for workload in site.workloads:
            if workload.running and name in workload.volumes:
                assert workload.id in stopped or workload.service in services
        places = [i.node_id for i in site.inventories for v in i.volumes if v.name == name]
        assert places == [made.status.node_id]


@given(SITES, WISHES)
def test_without_its_leave_no_service_goes(site: Site, wish: Wish) -> None:
    """And never one of ours, or one that no hub has started."""
    found = plan(site, replace(wish, stop_services=True))
    by_id: Mapping[str, Workload] = {w.id: w for w in site.workloads}
    for gone in found.stops:
        assert by_id[gone.id].kind is WorkloadKind.SERVICE
        assert by_id[gone.id].user
        assert not by_id[gone.id].ours
    assert plan(site, replace(wish, stop_services=False)).stops == ()
