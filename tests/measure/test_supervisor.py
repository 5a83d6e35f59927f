"""The supervisor with backends that do no harm, in real processes."""

import gc
import os
import statistics
import sys
import time
from dataclasses import replace

import psutil
import pytest
from faulty_backends import MIB
from measure_requests import program, request_of

from pytest_qbench import Description, Instruction, Program
from pytest_qbench.measure.launch import THREAD_VARIABLES
from pytest_qbench.measure.messages import (
    Measurement,
    MeasureRequest,
    RoundPolicy,
    Unavailable,
    Unsupported,
    WorkerSpec,
)
from pytest_qbench.measure.rounds import round_seed
from pytest_qbench.measure.supervisor import Supervisor


def test_nothing_is_started_before_it_is_needed(supervise, survivors):
    supervise("Good")
    assert survivors() == []


def test_a_point_is_measured(supervise):
    policy = RoundPolicy(max_rounds=4)
    outcome = supervise("Good", threads=2).measure(request_of(shots=10, policy=policy))
    assert isinstance(outcome, Measurement)
    assert outcome.counts == {"000": 10}
    assert len(outcome.rounds_s) == len(outcome.cpu_s) == len(outcome.counts_s) == 4
    assert all(duration > 0 for duration in outcome.rounds_s)
    assert outcome.prepare_s is not None
    assert outcome.first_call_s > 0
    assert outcome.description.threads == 2
    if sys.platform == "linux":
        assert outcome.memory.rss_peak >= outcome.memory.rss_before > MIB


def test_describe_starts_the_worker_and_measure_uses_it(supervise):
    supervisor = supervise("Good")
    description = supervisor.describe()
    assert isinstance(description, Description)
    assert description.version == "1.0"
    assert supervisor.measure(request_of()).description.versions["pid"] == description.versions["pid"]


def test_a_ladder_prepares_its_program_once(supervise):
    supervisor = supervise("Good")
    first, second, third = (supervisor.measure(request_of(shots=shots)) for shots in (1, 10, 100))
    assert first.prepare_s is not None
    assert first.first_call_s is not None
    assert (second.prepare_s, second.first_call_s) == (third.prepare_s, third.first_call_s) == (None, None)
    assert third.counts == {"000": 100}
    assert third.description.versions["prepares"] == "1"
    assert third.description.versions["pid"] == first.description.versions["pid"]


def test_equal_programs_are_one_program_whatever_their_name(supervise):
    supervisor = supervise("Good")
    for name in ("one", "other"):
        outcome = supervisor.measure(MeasureRequest(program(3, name), 10, 7, 20.0))
    assert outcome.prepare_s is None


def test_another_program_is_prepared_anew_and_so_is_the_first_after_it(supervise):
    supervisor = supervise("Good")
    prepared = [supervisor.measure(request_of(n_qubits=n)).prepare_s is not None for n in (2, 3, 3, 2)]
    assert prepared == [True, True, False, True]


def test_every_call_has_a_seed_of_its_own(supervise):
    supervisor = supervise("Good")
    request = request_of(policy=RoundPolicy(max_rounds=5))
    supervisor.measure(request)
    seeds = [int(seed) for seed in supervisor.describe().versions["seeds"].split()]
    assert seeds == [round_seed(7, request.program.hash, 10, index) for index in range(6)]
    assert len(set(seeds)) == 6


def test_the_first_call_may_have_shots_of_its_own(supervise):
    supervisor = supervise("Good")
    request = replace(request_of(shots=1, policy=RoundPolicy(max_rounds=3)), first_shots=1000)
    first, second = supervisor.measure(request), supervisor.measure(replace(request, shots=1000))
    assert (first.counts, second.counts) == ({"000": 1}, {"000": 1000})
    assert first.first_call_s is not None
    assert second.first_call_s is None
    seeds = [int(seed) for seed in supervisor.describe().versions["seeds"].split()]
    calls = [(1000, 0), (1, 1), (1, 2), (1, 3), (1000, 1), (1000, 2), (1000, 3)]
    assert seeds == [round_seed(7, request.program.hash, shots, index) for shots, index in calls]


def test_a_slow_call_gets_a_single_round(supervise):
    policy = RoundPolicy(single_above=0.01)
    assert len(supervise("Lazy").measure(request_of(policy=policy)).rounds_s) == 1


def test_a_first_call_that_compiles_costs_no_rounds(supervise):
    outcome = supervise("Compiles").measure(request_of(policy=RoundPolicy(max_rounds=5, single_above=0.2)))
    assert outcome.first_call_s >= 0.3
    assert len(outcome.rounds_s) == 5
    assert max(outcome.rounds_s) < 0.3


def test_a_very_slow_first_call_is_the_round_too(supervise):
    policy = RoundPolicy(single_above=0.2, first_alone_above=0.25)
    supervisor = supervise("Compiles")
    outcome = supervisor.measure(request_of(policy=policy))
    assert outcome.rounds_s == (outcome.first_call_s,)
    assert len(outcome.cpu_s) == len(outcome.counts_s) == 1
    assert sum(outcome.counts.values()) == request_of().shots
    again = supervisor.measure(request_of(shots=17, policy=policy))
    assert again.first_call_s is None
    assert max(again.rounds_s) < 0.25


def test_a_slow_first_call_of_other_shots_is_no_round(supervise):
    policy = RoundPolicy(max_rounds=3, first_alone_above=0.25)
    outcome = supervise("Compiles").measure(replace(request_of(policy=policy), first_shots=5))
    assert outcome.first_call_s >= 0.3
    assert len(outcome.rounds_s) == 3


def test_synchronising_belongs_to_the_call_and_the_conversion_does_not(supervise):
    policy = RoundPolicy(max_rounds=3)
    lazy = supervise("Lazy").measure(request_of(policy=policy))
    slow = supervise("SlowConversion").measure(request_of(policy=policy))
    assert min(lazy.rounds_s) >= 0.02
    assert lazy.prepare_s >= 0.02
    assert max(lazy.counts_s) < 0.02
    assert min(slow.counts_s) >= 0.02
    assert statistics.median(slow.rounds_s) < 0.02


def test_cpu_time_includes_threads_and_child_processes(supervise):
    outcome = supervise("Works").measure(request_of(policy=RoundPolicy(max_rounds=1)))
    assert outcome.cpu_s[0] >= 0.29


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak can't be reset")
def test_the_memory_peak_is_that_of_the_point(supervise):
    memory = supervise("Allocates").measure(request_of()).memory
    assert memory.rss_peak - memory.rss_before >= 60 * MIB
    assert memory.rss_delta < 30 * MIB


def test_what_the_backend_can_not_run_is_unsupported_and_the_worker_goes_on(supervise):
    supervisor = supervise("Good")
    unknown = Program(1, 1, (Instruction("h", (0,)), Instruction("measure", (0,), clbits=(0,))))
    dynamic = Program(1, 1, (Instruction("reset", (0,)), Instruction("measure", (0,), clbits=(0,))))
    pid = supervisor.describe().versions["pid"]
    for bad, reason in ((unknown, "gate"), (dynamic, "dynamic"), (program(21), "21 qubits")):
        outcome = supervisor.measure(MeasureRequest(bad, 10, 7, 20.0))
        assert isinstance(outcome, Unsupported)
        assert reason in outcome.reason
        assert outcome.description.version == "1.0"
    assert supervisor.measure(request_of()).description.versions["pid"] == pid


def test_a_large_program_and_many_outcomes_pass(supervise):
    gates = tuple(Instruction("x", (i % 20,)) for i in range(20_000))
    large = Program(20, 20, (*gates, *(Instruction("measure", (i,), clbits=(i,)) for i in range(20))))
    assert supervise("Good").measure(MeasureRequest(large, 10, 7, 20.0)).counts == {"0" * 20: 10}


def test_without_deadline_and_with_a_memory_limit(supervise):
    outcome = supervise("Lazy", memory_limit=2**40).measure(request_of(timeout=float("inf")))
    assert isinstance(outcome, Measurement)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere shared memory is not told apart")
def test_memory_shared_by_forked_children_counts_once(supervise):
    outcome = supervise("SharesMemory", memory_limit=250 * MIB).measure(request_of(policy=RoundPolicy(max_rounds=1)))
    assert isinstance(outcome, Measurement)


def test_thread_variables_are_set_before_anything_is_imported(supervise, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    facts = supervise("Environment", {"variables": THREAD_VARIABLES}, threads=3).describe().versions
    assert {facts[name] for name in THREAD_VARIABLES} == {"3"}
    assert "OMP_NUM_THREADS" in THREAD_VARIABLES


def test_the_worker_has_the_parents_path_no_input_and_a_session_of_its_own(supervise):
    facts = supervise("Environment", {"variables": []}).describe().versions
    assert facts["path"].split(os.pathsep) == sys.path
    assert facts["stdin"] == "''"
    assert int(facts["session"]) != os.getsid(0)


def test_output_does_not_disturb(supervise):
    outcome = supervise("Prints").measure(request_of())
    assert isinstance(outcome, Measurement)
    assert outcome.counts == {"000": 10}


def test_close_leaves_nothing_and_a_later_call_starts_again(supervise, survivors):
    supervisor = supervise("Good")
    supervisor.measure(request_of())
    assert len(survivors()) == 2  # guardian and worker
    supervisor.close()
    assert survivors() == []
    supervisor.close()
    assert isinstance(supervisor.measure(request_of()), Measurement)


def test_the_context_manager_closes(survivors):
    with Supervisor(WorkerSpec("faulty_backends:Good")) as supervisor:
        supervisor.describe()
        assert survivors()
    assert survivors() == []


def test_a_supervisor_that_is_dropped_leaves_nothing(survivors):
    supervisor = Supervisor(WorkerSpec("faulty_backends:Good"))
    supervisor.describe()
    del supervisor
    gc.collect()
    assert survivors.within(5) == []


def test_two_supervisors_keep_apart(supervise):
    one, other = supervise("Good"), supervise("Good", threads=2)
    pids = {supervisor.describe().versions["pid"] for supervisor in (one, other)}
    assert len(pids) == 2
    one.close()
    assert isinstance(other.measure(request_of()), Measurement)


def test_an_idle_worker_costs_nothing(supervise):
    supervisor = supervise("Good", memory_limit=2**40)
    supervisor.measure(request_of())
    worker = psutil.Process(int(supervisor.describe().versions["pid"]))
    processes = [worker, worker.parent()]
    before = [process.cpu_times() for process in processes]
    time.sleep(0.3)
    assert [process.cpu_times() for process in processes] == before


def test_a_simulator_that_is_not_there_is_unavailable(supervise):
    assert supervise("NotInstalled").describe() == Unavailable(
        "No module named 'no_such_simulator'", "pip install good-simulator"
    )
    assert supervise("NoDriver").measure(request_of()) == Unavailable("no CUDA driver found", "apt install driver")


def test_an_adapter_that_is_not_there_is_unavailable():
    with Supervisor(WorkerSpec("no_such_module:Backend")) as supervisor:
        assert supervisor.describe() == Unavailable("No module named 'no_such_module'")
