"""The same days as Hypothesis tells them: it looks for the shortest story that breaks a promise."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.effects import Fault
from tests.safety.day import EDITS, Day
from tests.safety.moves import PAUSES, PERSONS, VERDICTS
from workflows.model.command import Verb
from workflows.model.verdict import Verdict

NODES, WORKERS, FLAGS = st.integers(0, 1), st.integers(0, 1), st.booleans()


class Days(RuleBasedStateMachine):
    """Each rule is something that happens; the invariant is every promise; the end is that everything comes to rest."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self._failed = False
        self.day = self._run(self._begin())

    async def _begin(self) -> Day:
        day = Day()
        await day.start()
        for node in range(2):
            await day.sync(node)
        return day

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    async def _do(self, name: str, *arguments: object) -> None:
        done = getattr(self.day, name)(*arguments)
        if asyncio.iscoroutine(done):
            await done

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: int) -> None:
        self._run(self._do("time", seconds))

    @rule(node=NODES, how=st.sampled_from([*EDITS]), heard=st.booleans())
    def the_inventory_is_edited(self, node: int, how: str, heard: bool) -> None:
        self._run(self._do("edit", node, how))
        if heard:
            self._run(self._do("sync", node))

    @rule(node=NODES)
    def a_hint_arrives(self, node: int) -> None:
        self._run(self._do("sync", node))

    @rule(node=NODES, verb=st.sampled_from(Verb), who=st.sampled_from(PERSONS), twice=FLAGS)
    def somebody_commands(self, node: int, verb: Verb, who: str, twice: bool) -> None:
        self._run(self._do("command", node, verb, who))
        if twice:
            self._run(self._do("command_again"))

    @rule(worker=WORKERS, after=st.integers(1, 30), fault=st.sampled_from(Fault))
    def a_worker_is_struck(self, worker: int, after: int, fault: Fault) -> None:
        self._run(self._do("strike", worker, after, fault))

    @rule(worker=WORKERS, how=st.sampled_from(["pause", "resume", "kill"]))
    def a_worker_is(self, worker: int, how: str) -> None:
        self._run(self._do(how, worker))

    @rule(node=NODES, up=FLAGS)
    def a_bmc_is_up(self, node: int, up: bool) -> None:
        self._run(self._do("bmc", node, up))

    @rule(node=NODES, calls=st.integers(0, 3))
    def a_bmc_ignores(self, node: int, calls: int) -> None:
        self._run(self._do("bmc_ignores", node, calls))

    @rule(node=NODES, how=st.sampled_from(["swapped", "power_fails", "reports", "ignores_network"]), flag=FLAGS)
    def a_machine(self, node: int, how: str, flag: bool) -> None:
        self._run(self._do(how, node, flag))

    @rule(node=NODES)
    def a_machine_boots_the_network(self, node: int) -> None:
        self._run(self._do("boots_the_network", node))

    @rule(node=NODES, verdict=st.sampled_from(VERDICTS))
    def the_burn_in_will_say(self, node: int, verdict: Verdict) -> None:
        self._run(self._do("verdict", node, verdict))

    @rule(up=FLAGS)
    def the_inventory_is_up(self, up: bool) -> None:
        self._run(self._do("inventory", up))

    @rule(down=FLAGS)
    def the_store_is_down(self, down: bool) -> None:
        self._run(self._do("store_down", down))

    @rule(count=st.integers(0, 3))
    def answers_are_lost(self, count: int) -> None:
        self._run(self._do("answers_lost", count))

    @rule(node=NODES, lost=FLAGS)
    def a_wake_comes_or_all_are_lost(self, node: int, lost: bool) -> None:
        self._run(self._do("wakes_lost") if lost else self._do("wake", node))

    @invariant()
    def every_promise_holds(self) -> None:
        try:
            self._run(self.day.check())
        except AssertionError:
            self._failed = True
            raise

    def teardown(self) -> None:
        """Everything comes to rest, unless a promise is broken already."""
        try:
            if not self._failed:
                self._run(self.day.calm())
        finally:
            self._run(self.day.stop())
            self._loop.close()


TestDays = pytest.mark.search(Days.TestCase)
TestDays.settings = settings(stateful_step_count=30)
