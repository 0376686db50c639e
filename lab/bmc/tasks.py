"""Tasks of a lab BMC: what goes on after an answer of 202, with progress, and jobs that wait for the next boot."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from lab.bmc.bodies import ROOT, Body, link, listed, resource
from lab.bmc.replies import Call, done, not_found, resource_reply

TASK_SERVICE = f"{ROOT}/TaskService"
TASKS = f"{TASK_SERVICE}/Tasks"
MONITORS = f"{TASK_SERVICE}/TaskMonitors"


@dataclass(slots=True)
class LabTask:
    """One task. ``started`` is None while it waits for a boot; ``state`` as Redfish names it."""

    id: str
    name: str
    seconds: float
    state: str
    started: float | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.state in ("Completed", "Exception")

    @property
    def percent(self) -> int:
        """How far it is."""
        if self.ended:
            return 100
        if self.started is None:
            return 0
        return min(99, int(100 * (time.monotonic() - self.started) / max(self.seconds, 0.001)))


class Tasks:
    """The task service. ``watch`` is called with each task whose state changes."""

    def __init__(self, watch: Callable[[LabTask], None]):
        self._watch = watch
        self._tasks: dict[str, LabTask] = {}
        self._running: set[asyncio.Task[None]] = set()

    def run(self, name: str, seconds: float, finish: Callable[[], bool]) -> LabTask:
        """Begin a task that takes so long; ``finish`` says whether it went well."""
        task = self._add(name, seconds, "Running")
        task.started = time.monotonic()

        async def go() -> None:
            await asyncio.sleep(seconds)
            self._end(task, "Completed" if finish() else "Exception")

        running = asyncio.get_running_loop().create_task(go())
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return task

    def wait_for_boot(self, name: str) -> LabTask:
        """A job that the next boot does."""
        return self._add(name, 0, "Pending")

    def booted(self) -> None:
        """A boot does the jobs that waited for it."""
        for task in list(self._tasks.values()):
            if task.state == "Pending":
                self._end(task, "Completed")

    @property
    def pending(self) -> list[LabTask]:
        """Jobs that wait for a boot."""
        return [t for t in self._tasks.values() if t.state == "Pending"]

    def accepted(self, task: LabTask) -> web.Response:
        """The answer 202, which says where the task is monitored and nothing else.

        With the task as its body, sushy polls the task itself, whose answer is 200 whether it is over or not.
        """
        return web.Response(status=202, headers={"Location": f"{MONITORS}/{task.id}"})

    def bodies(self) -> dict[str, Body]:
        """The service, its tasks, and the monitors of those that run."""
        service = resource(TASK_SERVICE, "TaskService.v1_1_4", "Task Service", ServiceEnabled=True, Tasks=link(TASKS))
        return {TASK_SERVICE: service} | listed(TASKS, "Task", [_body(t) for t in self._tasks.values()])

    def monitor(self, path: str) -> web.Response | None:
        """What a read of a task's monitor answers: 202 until it is over. None for other paths."""
        below, _, number = path.rpartition("/")
        if below != MONITORS:
            return None
        task = self._tasks.get(number)
        if task is None:
            return not_found(path)
        return resource_reply(200 if task.ended else 202, _body(task), {"Location": path})

    async def write(self, call: Call) -> web.StreamResponse | None:
        """Delete a task, which takes a waiting job back."""
        below, _, number = call.path.rpartition("/")
        if call.verb != "DELETE" or below != TASKS:
            return None
        return done() if self._tasks.pop(number, None) is not None else not_found(call.path)

    async def close(self) -> None:
        """Forget what runs."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _add(self, name: str, seconds: float, state: str) -> LabTask:
        task = LabTask(str(len(self._tasks) + 1), name, seconds, state)
        self._tasks[task.id] = task
        self._watch(task)
        return task

    def _end(self, task: LabTask, state: str) -> None:
        task.state = state
        self._watch(task)


def _body(task: LabTask) -> Body:
    return resource(
        f"{TASKS}/{task.id}", "Task.v1_7_0", task.name,
        TaskState=task.state, TaskStatus="Critical" if task.state == "Exception" else "OK",
        PercentComplete=task.percent, TaskMonitor=f"{MONITORS}/{task.id}", Messages=[],
    )  # fmt: skip
