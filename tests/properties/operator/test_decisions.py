"""Something good always happens, something bad never: the plan, driven in a loop on a small model.

The simulator of a whole operator is another thing; here only the decisions are run.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from properties.operator.model import Swarm
from properties.operator.starts import SETTLED, swarms
from support.records import NOW, home, later, truth
from swarmhub_crds.home import HomePhase, HomeStatus, Reclaim
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, Phase
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.homes import HomeStep, released, step
from swarmhub_operator.decide.policy import SweepPolicy
from swarmhub_operator.decide.sweep import Known, sweep
from swarmhub_operator.engine import labels

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def services_of(swarm: Swarm, name: str) -> list[str]:
    """Return the ids of a notebook's services."""
    return [i for i, s in swarm.services.items() if s.labels.get(labels.NOTEBOOK) == name]


def secrets_of(swarm: Swarm, name: str) -> list[str]:
    """Return the ids of a notebook's secrets."""
    return [i for i, s in swarm.secrets.items() if s.labels.get(labels.NOTEBOOK) == name]


def is_settled(record: Notebook) -> bool:
    """Return whether this generation has been given up or has ended by itself."""
    seen = record.status.observed_generation == record.metadata.generation
    return seen and record.status.phase in SETTLED


def has_arrived(swarm: Swarm, name: str, was: Notebook) -> bool:
    """Return whether the Swarm is as the record wants it."""
    found = services_of(swarm, name)
    if was.metadata.deletion_requested_at:
        return name not in swarm.records and not found and not secrets_of(swarm, name)
    record = swarm.records[name]
    if record.spec.desired is Desired.STOPPED:
        return is_settled(record) and not found and not secrets_of(swarm, name)
    if is_settled(record):
        return True
    ready = truth(record.status, ConditionType.READY) == "True"
    return ready and record.status.phase is Phase.RUNNING and len(found) == 1


def steps(swarm: Swarm, rounds: int = 40) -> Iterator[str]:
    """Run the loop, and yield after each single reconciliation the notebook that it was about."""
    for _ in range(rounds):
        for name in sorted(swarm.records):
            swarm.step(name)
            yield name
        swarm.advance()


@quick
@given(swarms())
def test_whatever_it_starts_from_it_arrives_and_stays(swarm: Swarm) -> None:
    """It reaches the desired state, and then plans nothing more and changes no status."""
    swarm.crashing = False
    before = dict(swarm.records)
    swarm.settle()
    for name, was in before.items():
        assert has_arrived(swarm, name, was), (name, swarm.records.get(name))
    for name, record in swarm.records.items():
        verdict = swarm.decide(name)
        assert (verdict.actions, verdict.status) == ((), record.status)


@quick
@given(swarms())
def test_one_that_always_crashes_is_given_up_in_the_end(swarm: Swarm) -> None:
    """Not restarted for ever, and the number of restarts is bounded by the budget."""
    swarm.crashing = True
    before = dict(swarm.records)
    swarm.settle()
    for name, was in before.items():
        assert has_arrived(swarm, name, was)
        if was.spec.desired is Desired.RUNNING and not is_settled(was):
            assert swarm.records[name].status.phase in SETTLED
    restarts = [a for _, a in swarm.log if isinstance(a, actions.UpdateService)]
    assert len([a for a in restarts if a.why == "restart"]) <= 2 * 4


@quick
@given(swarms())
def test_there_is_at_most_one_service_a_notebook(swarm: Swarm) -> None:
    """None is made while one is there, and those in excess go."""
    before = {n: max(1, len(services_of(swarm, n))) for n in swarm.records}
    for name in steps(swarm):
        now = len(services_of(swarm, name))
        assert now <= before[name]
        before[name] = max(1, now)
    for name, record in swarm.records.items():
        assert len(services_of(swarm, name)) <= 1 or is_settled(record)


@quick
@given(swarms())
def test_no_action_touches_what_belongs_to_another_record(swarm: Swarm) -> None:
    """Two notebooks side by side: each one's ids are its own."""
    for _ in range(20):
        for name in sorted(swarm.records):
            own = {*services_of(swarm, name), *secrets_of(swarm, name)}
            for action in swarm.decide(name).actions:
                match action:
                    case actions.RemoveService(ident) | actions.UpdateService(ident):
                        assert ident in own
                    case actions.RemoveSecret(ident):
                        assert ident in own
        swarm.settle(1)


@quick
@given(swarms())
def test_the_observed_generation_never_goes_back(swarm: Swarm) -> None:
    """Desired state only moves forward."""
    last = {n: r.status.observed_generation for n, r in swarm.records.items()}
    for name in steps(swarm):
        if name in swarm.records:
            record = swarm.records[name]
            assert last[name] <= record.status.observed_generation <= record.metadata.generation
            last[name] = record.status.observed_generation


@quick
@given(swarms())
def test_the_same_look_gives_the_same_plan(swarm: Swarm) -> None:
    """The plan is a function; a second operator would decide alike."""
    for _ in range(5):
        for name in sorted(swarm.records):
            assert swarm.decide(name) == swarm.decide(name)
        swarm.settle(1)


@quick
@given(swarms(), st.integers(1, 4))
def test_a_failure_is_counted_once_however_often_it_is_looked_at(swarm: Swarm, looks: int) -> None:
    """The count rises at most by one a task, though each step is repeated."""
    swarm.crashing = True
    counted: dict[tuple[str, str], int] = {}
    for _ in range(20):
        for name in sorted(swarm.records):
            for _ in range(looks):  # decided and recorded, but the operator died before it acted
                verdict = swarm.decide(name)
                swarm.write(name, verdict)
                if verdict.status.failed_task_id:
                    key = (name, verdict.status.failed_task_id)
                    assert counted.setdefault(key, verdict.status.failures) == (
                        verdict.status.failures
                    )
            swarm.step(name)
        swarm.advance()


@quick
@given(swarms())
def test_stopping_never_leaves_a_secret(swarm: Swarm) -> None:
    """Neither in the Swarm nor in the store, once the record says stopped."""
    running = {n for n, r in swarm.records.items() if not is_settled(r)}
    for name in steps(swarm):
        record = swarm.records.get(name)
        stopping = record and record.spec.desired is Desired.STOPPED
        if record and stopping and name in running and is_settled(record):
            assert not secrets_of(swarm, name)
            if record.spec.secret_digest:
                assert record.metadata.uid in swarm.erased
    for name, record in swarm.records.items():
        assert record.spec.desired is Desired.RUNNING or not secrets_of(swarm, name)


@quick
@given(swarms())
def test_no_home_is_released_without_a_deletion(swarm: Swarm) -> None:
    """Stopping, failing and replacing touch no home; a deletion releases the mounted ones."""
    before = dict(swarm.records)
    swarm.settle(40)
    deleted = [r for r in before.values() if r.metadata.deletion_requested_at]
    assert set(swarm.released) == {m.volume for r in deleted for m in r.spec.mounts if m.home}


@given(
    st.sampled_from(HomePhase),
    st.sampled_from(Reclaim),
    st.booleans(),
    st.booleans(),
    st.sampled_from((None, "n1", "n2")),
    st.floats(0, 1e6),
)
def test_only_what_was_released_is_ever_removed(
    phase: HomePhase,
    reclaim: Reclaim,
    was_released: bool,
    mounted: bool,
    where: str | None,
    seconds: float,
) -> None:
    """Whatever else a home's status says."""
    held = home(reclaim=reclaim, status=HomeStatus(phase=phase, node_id=where))
    if was_released:
        held = held.model_copy(update={"status": released(held, NOW)})
    found = step(held, mounted=mounted, own_node="n1", now=later(seconds), grace=60)
    if found is HomeStep.REMOVE:
        assert was_released
        assert reclaim is Reclaim.DELETE
        assert not mounted
        assert seconds >= 60
        assert where != "n2"


@quick
@given(
    swarms(),
    st.sets(st.sampled_from(("ada", "eve", "bob"))),
    st.sets(st.sampled_from(("ada", "eve", "bob"))),
    st.floats(0, 1e6),
)
def test_the_sweep_removes_only_what_is_known_to_be_deleted(
    swarm: Swarm, names: set[str], deleted: set[str], seconds: float
) -> None:
    """Nothing that has a record, however long it has been called unwanted before."""
    assume(names)
    seen = dict.fromkeys((*swarm.services, *swarm.secrets), NOW)
    policy = SweepPolicy(brake_floor=1000)
    records = {n: r.metadata for n, r in swarm.records.items() if n in names}
    removed = {f"uid-{n}" for n in deleted}
    found = sweep(swarm.look(), Known(records, removed), seen, later(seconds), policy)
    wanted = {i for n in records for i in (*services_of(swarm, n), *secrets_of(swarm, n))}
    gone = {o.id for o in found.remove}
    assert not wanted & gone
    uids = {i: s.labels[labels.UID] for i, s in swarm.services.items()}
    uids |= {i: s.labels[labels.UID] for i, s in swarm.secrets.items()}
    assert all(uids[ident] in removed for ident in gone)
    assert not found.remove or seconds >= policy.grace
