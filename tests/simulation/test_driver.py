"""The operator's own loop over a simulated Swarm: started, failed, restarted, stopped, crashed."""

from __future__ import annotations

from pathlib import Path

import pytest
from simswarm.programs import Program, always
from simswarm.world import Durations, World
from simulation import driver
from simulation.driver import NETWORK, Simulation
from simulation.seam import Failure, Moment
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec, NotebookStatus, Phase
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine.errors import classify

SPEC = NotebookSpec(
    user="ada",
    image="registry/lab:1",
    command=("start",),
    networks=(NETWORK,),
    desired=Desired.RUNNING,
)


def status(sim: Simulation) -> NotebookStatus:
    """Return what the operator says of the notebook."""
    record = sim.store.get_notebook("ada")
    assert isinstance(record, Notebook)
    return record.status


def begin(sim: Simulation) -> None:
    """Start the notebook and wait until it runs."""
    sim.store.apply_notebook(SPEC, secrets={"TOKEN": "x"})
    assert sim.run(30, until=lambda: status(sim).phase is Phase.RUNNING)


@pytest.mark.parametrize("seed", range(3))
def test_start_fail_restart_stop(tmp_path: Path, seed: int) -> None:
    """A notebook starts, is killed, comes back under the same service, and stops."""
    with Simulation(tmp_path, seed) as sim:
        begin(sim)
        service = status(sim).service_id
        (task,) = sim.swarm.tasks_of("jupyter-ada")
        sim.swarm.kill(task["ID"])
        assert sim.run(30, until=lambda: status(sim).restarts == 1)
        assert sim.run(30, until=lambda: status(sim).phase is Phase.RUNNING)
        assert (status(sim).service_id, status(sim).exit_code) == (service, 137)
        sim.store.set_desired("ada", Desired.STOPPED)
        assert sim.run(30, until=lambda: status(sim).phase is Phase.STOPPED)
        sim.run(10)
        assert driver.names(sim.swarm.world.services) == []
        assert driver.names(sim.swarm.world.secrets) == []
        assert sim.swarm.world.tasks == {}


@pytest.mark.parametrize("seed", range(3))
def test_who_starts_again_at_once_waits_for_the_end_of_the_old_server(
    tmp_path: Path, seed: int
) -> None:
    """It takes its time to end, and has the same home: nobody else writes there meanwhile."""
    world = World(behaviour=always(Program(stops_in=5.0)))
    with Simulation(tmp_path, seed, world=world) as sim:
        begin(sim)
        sim.store.set_desired("ada", Desired.STOPPED)
        assert sim.run(30, until=lambda: status(sim).phase is Phase.STOPPED)
        assert len(sim.swarm.stock.containers) == 1
        sim.store.apply_notebook(SPEC, secrets={"TOKEN": "y"})
        assert not sim.run(4, until=lambda: len(sim.swarm.stock.containers) > 1)
        assert status(sim).message == "Waiting for the server before it to end."
        assert sim.run(10, until=lambda: status(sim).phase is Phase.RUNNING)
        assert len(sim.swarm.stock.containers) == 1


def test_slow_managers_cost_no_second_restart(tmp_path: Path) -> None:
    """While Swarm takes ten seconds to make the new task, it is not asked for once more."""
    world = World(durations=Durations(decide=10.0))
    with Simulation(tmp_path, world=world) as sim:
        begin(sim)
        sim.swarm.kill(sim.swarm.tasks_of("jupyter-ada")[-1]["ID"])
        sim.run(60)
        assert (status(sim).phase, status(sim).restarts) == (Phase.RUNNING, 1)


def test_a_jump_of_the_clock_costs_no_second_restart(tmp_path: Path) -> None:
    """How long Swarm has had to make the new task is no matter of the time of day."""
    world = World(durations=Durations(decide=10.0))
    with Simulation(tmp_path, world=world) as sim:
        begin(sim)
        sim.swarm.kill(sim.swarm.tasks_of("jupyter-ada")[-1]["ID"])
        assert sim.run(30, until=lambda: status(sim).phase is Phase.PENDING)
        sim.clock.jump(3600.0)
        sim.run(60)
        assert (status(sim).phase, status(sim).restarts) == (Phase.RUNNING, 1)


def test_a_secret_that_was_made_unheard_and_unseen_is_used(tmp_path: Path) -> None:
    """The answer to its making was lost, and lists do not show it yet: its name is ours."""
    with Simulation(tmp_path) as sim:
        sim.past.note()
        sim.run(10)
        (operator,) = sim.operators
        operator.engine.stale = lambda: 5.0
        lost = Failure(classify(None, "Connection reset by peer"), Moment.LOST)
        made = "POST /secrets/create"
        sim.seam.plan = lambda c: None if c.verb != made or sim.seam.landed else lost
        begin(sim)
        assert [n for what, n in sim.seam.landed.items() if what.startswith(made)] == [1]


def test_crash_loop_is_given_up(tmp_path: Path) -> None:
    """The operator's delays pass in no time."""
    broken = Program(runs_for=1.0, exit_code=3, log=((1, "boom"),), answers_after=None)
    world = World(behaviour=always(broken))
    with Simulation(tmp_path, world=world) as sim:
        sim.store.apply_notebook(SPEC, secrets={"TOKEN": "x"})
        assert sim.run(600, until=lambda: status(sim).phase is Phase.FAILED)
        assert (status(sim).exit_code, status(sim).last_log) == (3, ("boom",))


def test_same_seed_same_run(tmp_path: Path) -> None:
    """One seed is one run, to the last turn, event and microsecond."""

    def once(folder: Path, seed: int) -> tuple[int, list[object]]:
        folder.mkdir()
        with Simulation(folder, seed) as sim:
            begin(sim)
            sim.store.set_desired("ada", Desired.STOPPED)
            sim.run(20)
            sim.crash()
            told = sim.swarm.journal.since(0.0)
            return sim.turns, [(e["timeNano"], e["Type"], e["Action"]) for e in told]

    first, again, other = (once(tmp_path / n, s) for n, s in (("a", 1), ("b", 1), ("c", 2)))
    assert first == again
    assert first != other


def test_crashed_operator_is_followed_by_another(tmp_path: Path) -> None:
    """A stop that is written down while nobody leads is done by whoever comes next."""
    with Simulation(tmp_path) as sim:
        begin(sim)
        sim.crash()
        sim.store.set_desired("ada", Desired.STOPPED)
        sim.run(20)
        assert driver.names(sim.swarm.world.services) == ["jupyter-ada"]
        sim.restart()
        assert sim.run(30, until=lambda: status(sim).phase is Phase.STOPPED)


def test_each_operator_measures_for_itself_in_virtual_time(tmp_path: Path) -> None:
    """The one that stands by has done nothing; what its predecessor did is not told as its own."""
    start, recovery = "swarmhub_start_duration_seconds", "swarmhub_recovery_duration_seconds"
    with Simulation(tmp_path, 3) as sim:
        (first,) = sim.operators
        assert sim.run(5, until=lambda: sim.measured(first, "swarmhub_lease_held") == 1)
        second = sim.start()
        begin(sim)
        sim.run(1)
        assert sim.measured(first, f"{start}_count") == 1
        assert 0 < sim.measured(first, f"{start}_sum") < 30
        assert sim.measured(second, "swarmhub_lease_held") == 0
        assert sim.measured(second, "swarmhub_store_up") == 1
        assert sim.measured(second, "swarmhub_reconcile_total", outcome="done") == 0
        sim.crash(first)
        assert sim.run(60, until=lambda: sim.measured(second, "swarmhub_lease_held") == 1)
        (task,) = sim.swarm.tasks_of("jupyter-ada")
        sim.swarm.kill(task["ID"])
        assert sim.run(30, until=lambda: status(sim).restarts == 1)
        assert sim.run(30, until=lambda: status(sim).phase is Phase.RUNNING)
        sim.run(1)
        assert sim.measured(second, f"{start}_count") == 0
        assert sim.measured(second, f"{recovery}_count") == 1
        assert 0 < sim.measured(second, f"{recovery}_sum") < 30


def test_who_waits_for_a_turn_costs_no_looks(tmp_path: Path) -> None:
    """Each reads how many are before; the Swarm is asked for those who start."""
    policy = Policy(allowed_volumes=("*",), starts_per_core=0.01)  # one at a time
    world = World(seed=1, behaviour=always(Program(answers_after=20.0)))
    with Simulation(tmp_path, 1, policy, world=world) as sim:
        for number in range(12):
            sim.store.apply_notebook(SPEC.model_copy(update={"user": f"user{number:02}"}))

        def waiting() -> list[str]:
            records = [r for r in sim.store.list_notebooks() if isinstance(r, Notebook)]
            return [r.status.message for r in records if "in line" in r.status.message]

        assert sim.run(5, until=lambda: len(waiting()) == 11)
        assert min(waiting()) == "10th in line to start."
        before = sim.seam.reads["GET /tasks"]
        sim.run(9)
        assert sim.seam.reads["GET /tasks"] - before < 20  # the loop's own, one a second
        sim.run(300, until=lambda: not waiting())
        assert waiting() == []
