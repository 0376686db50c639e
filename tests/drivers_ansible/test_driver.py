"""Plays, probes and commands over a real sshd."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from burn_in.bundle import read_bundle
from tests.drivers_ansible.sshd import Logged, OneKey, Sshd, alive, make_key, start_sshd
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.model.errors import Refused, Transient, Unreachable

pytestmark = pytest.mark.real
_CHECKOUT = Path(__file__).resolve().parents[2]
_SOON = timedelta(seconds=60)


@pytest.fixture
async def sshd(tmp_path: Path) -> AsyncIterator[Sshd]:
    """A server of this test's own."""
    (tmp_path / "sshd").mkdir()
    server = await start_sshd(tmp_path / "sshd")
    yield server
    await server.process.end()


@pytest.fixture
def bus() -> Logged:
    """Where log lines go."""
    return Logged()


@pytest.fixture
def driver(sshd: Sshd, bus: Logged, tmp_path: Path) -> AnsibleDriver:
    """A driver with playbooks of this test's own."""
    (tmp_path / "roles" / "playbooks").mkdir(parents=True)
    return AnsibleDriver(bus, OneKey(sshd.key), tmp_path / "roles", _CHECKOUT / "burn_in" / "probes")  # type: ignore[arg-type]


def _playbook(driver: AnsibleDriver, tasks: str) -> str:
    text = f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"
    (driver.roles / "playbooks" / "test.yml").write_text(text)
    return "test.yml"


async def test_shell_answers(driver: AnsibleDriver, sshd: Sshd) -> None:
    """Arguments arrive as they were given."""
    assert await driver.shell(sshd.host, ("printf", "%s|", "a b", "$HOME", "'"), timeout=_SOON) == "a b|$HOME|'|"


async def test_a_sites_own_roles_are_found_and_never_taken_for_ours(
    driver: AnsibleDriver, sshd: Sshd, tmp_path: Path
) -> None:
    """A site adds roles by a directory; one that bears the name of ours is not run."""
    for place, name in (("roles", "ours"), ("own", "ours"), ("own", "theirs")):
        tasks = tmp_path / place / name / "tasks"
        tasks.mkdir(parents=True)
        touch = f"- ansible.builtin.file: {{path: {tmp_path}/{place}-{name}, state: touch}}\n"
        (tasks / "main.yml").write_text(touch)
    own = replace(driver, own_roles=tmp_path / "own")
    include = "    - ansible.builtin.include_role: {name: ours}\n    - ansible.builtin.include_role: {name: theirs}\n"
    result = await own.play(sshd.host, _playbook(driver, include), {}, run="r", step="s", timeout=_SOON)
    assert result.ok, result.failed
    made = [n for n in ("roles-ours", "own-ours", "own-theirs") if (tmp_path / n).exists()]
    assert made == ["roles-ours", "own-theirs"]


async def test_shell_refuses_a_failed_command(driver: AnsibleDriver, sshd: Sshd) -> None:
    """With its exit status and its words."""
    with pytest.raises(Refused, match=r"ended with 3: went wrong"):
        await driver.shell(sshd.host, ("sh", "-c", "echo went wrong >&2; exit 3"), timeout=_SOON)


async def test_shell_deadline(driver: AnsibleDriver, sshd: Sshd) -> None:
    """A command that hangs."""
    with pytest.raises(Transient, match="deadline"):
        await driver.shell(sshd.host, ("sleep", "600"), timeout=timedelta(seconds=2))


async def test_wrong_host_key_is_refused(driver: AnsibleDriver, sshd: Sshd, bus: Logged, tmp_path: Path) -> None:
    """Another machine at the address: neither a command nor a play reaches it, and our key isn't shown to it."""
    _, other = make_key(tmp_path / "other")
    stranger = replace(sshd.host, host_key=other)
    with pytest.raises(Unreachable, match="another host key"):
        await driver.shell(stranger, ("touch", str(tmp_path / "reached")), timeout=_SOON)
    name = _playbook(driver, f"    - ansible.builtin.file: {{path: {tmp_path}/reached, state: touch}}\n")
    with pytest.raises(Unreachable, match="another host key"):
        await driver.play(stranger, name, {}, run="r", step="s", timeout=_SOON)
    assert not (tmp_path / "reached").exists()
    assert "Accepted" not in sshd.process.output.read_text()


async def test_host_key_that_is_none_is_refused(driver: AnsibleDriver, sshd: Sshd) -> None:
    """Nothing that the agent reported can add a second line to known_hosts."""
    for bad in ("", "ssh-ed25519", "ssh-ed25519 AAAA\n* ssh-ed25519 BBBB=x!", "@cert-authority * ssh-rsa AAAA"):
        host = replace(sshd.host, host_key=bad)
        if bad.count("\n"):
            assert (driver._identity(host)["known_hosts"]).count("\n") == 1
            continue
        with pytest.raises(Refused, match="host key"):
            await driver.shell(host, ("true",), timeout=_SOON)


async def test_play_streams_its_events(driver: AnsibleDriver, sshd: Sshd, bus: Logged, tmp_path: Path) -> None:
    """Tasks and changes are counted, each event is a log line, and a second run changes nothing."""
    name = _playbook(
        driver,
        "    - name: write\n"
        f"      ansible.builtin.copy: {{dest: {tmp_path}/written, content: '{{{{ word }}}}', mode: '0600'}}\n",
    )
    first = await driver.play(sshd.host, name, {"word": "hello"}, run="r1", step="configure", timeout=_SOON)
    again = await driver.play(sshd.host, name, {"word": "hello"}, run="r1", step="configure", timeout=_SOON)
    assert (first.ok, first.tasks, first.changed) == (True, 1, 1)
    assert (again.ok, again.tasks, again.changed) == (True, 1, 0)
    assert first.seconds > 0
    assert (tmp_path / "written").read_text() == "hello"
    events = [json.loads(line) for run, step, line in bus.lines if (run, step) == ("r1", "configure")]
    assert [e["event"] for e in events].count("runner_on_ok") == 2
    assert any(e.get("task") == "write" and e.get("changed") for e in events)


async def test_inventory_text_is_never_a_template(driver: AnsibleDriver, sshd: Sshd, tmp_path: Path) -> None:
    """A NetBox field with a lookup in it would run code on the worker; it arrives as text."""
    name = _playbook(
        driver,
        f"    - ansible.builtin.copy: {{dest: {tmp_path}/out, content: '{{{{ mounts[0].source }}}}', mode: '0600'}}\n",
    )
    evil = "{{ lookup('pipe', 'touch " + str(tmp_path / "owned") + "') }}"
    result = await driver.play(sshd.host, name, {"mounts": [{"source": evil}]}, run="r", step="s", timeout=_SOON)
    assert result.ok, result.failed
    assert (tmp_path / "out").read_text() == evil
    assert not (tmp_path / "owned").exists()


async def test_failed_task_is_named(driver: AnsibleDriver, sshd: Sshd) -> None:
    """In one line; what came after it isn't run."""
    name = _playbook(driver, "    - name: break it\n      ansible.builtin.fail: {msg: on purpose}\n")
    result = await driver.play(sshd.host, name, {}, run="r", step="s", timeout=_SOON)
    assert not result.ok
    assert result.failed == "break it: on purpose"


async def test_broken_playbook_is_a_failure(driver: AnsibleDriver, sshd: Sshd) -> None:
    """No task ran, so no event tells: ansible's own words do."""
    (driver.roles / "playbooks" / "test.yml").write_text("- hosts: all\n  tasks: {")
    result = await driver.play(sshd.host, "test.yml", {}, run="r", step="s", timeout=_SOON)
    assert not result.ok
    assert "test.yml" in result.failed


async def test_unknown_playbook_is_refused(driver: AnsibleDriver, sshd: Sshd) -> None:
    """And so is a path that leads elsewhere."""
    for name in ("absent.yml", "../playbooks/test.yml"):
        with pytest.raises(Refused, match="no playbook"):
            await driver.play(sshd.host, name, {}, run="r", step="s", timeout=_SOON)


async def test_unreachable_host(driver: AnsibleDriver, sshd: Sshd) -> None:
    """Nobody listens: the step waits and tries again."""
    await sshd.process.end()
    name = _playbook(driver, "    - ansible.builtin.ping:\n")
    with pytest.raises(Unreachable):
        await driver.play(sshd.host, name, {}, run="r", step="s", timeout=_SOON)
    with pytest.raises(Unreachable):
        await driver.shell(sshd.host, ("true",), timeout=_SOON)


async def test_play_past_its_deadline_leaves_nothing(driver: AnsibleDriver, sshd: Sshd, tmp_path: Path) -> None:
    """Ansible's workers have sessions of their own; they end too."""
    name = _playbook(driver, f"    - ansible.builtin.command: sh -c 'echo $$ > {tmp_path}/pid; exec sleep 600'\n")
    with pytest.raises(Transient, match="deadline"):
        await driver.play(sshd.host, name, {}, run="r", step="s", timeout=timedelta(seconds=8))
    assert (tmp_path / "pid").exists()
    assert _mentioning(str(driver.roles)) == []


_WORKER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.drivers_ansible.sshd import Logged
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.engine.ports import Host
driver = AnsibleDriver(Logged(), None, Path(sys.argv[1]), Path(sys.argv[1]), connection="local")
host = Host("lab.nb-1", "gpu-001", "", "")
asyncio.run(driver.play(host, "test.yml", {}, run="r", step="s", timeout=timedelta(seconds=120)))
"""


async def test_killed_worker_takes_its_play_with_it(tmp_path: Path) -> None:
    """``kill -9`` in the middle of a task: ansible-playbook, its workers and what they run on this machine all end."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "test.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        f"    - ansible.builtin.command: sh -c 'echo $$ > {tmp_path}/pid; sleep 600; echo'\n"
    )
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", _WORKER, str(tmp_path), cwd=_CHECKOUT)
    try:
        async with asyncio.timeout(60):
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110 - not ours
                await asyncio.sleep(0.05)
        line = _line_of_descent(int((tmp_path / "pid").read_text()), worker.pid)
        assert len({os.getsid(pid) for pid in line}) > 2, "ansible hides its workers in sessions of their own"
    finally:
        worker.kill()
        await worker.wait()
    async with asyncio.timeout(15):
        while alive(line):  # noqa: ASYNC110 - not ours
            await asyncio.sleep(0.05)


def _line_of_descent(pid: int, ancestor: int) -> list[int]:
    """The process, its parent, and so on, down from an ancestor that is left out."""
    line = []
    while pid != ancestor:
        assert pid > 1, f"{line} does not come from {ancestor}"
        line.append(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return line


def _mentioning(text: str) -> list[int]:
    """Processes with this text in their arguments."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and text.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


async def test_probes_come_back_as_bundles(sshd: Sshd, bus: Logged, tmp_path: Path) -> None:
    """The shipped role and probes: raw records, also of a probe that there is not."""
    driver = AnsibleDriver(bus, OneKey(sshd.key), _CHECKOUT / "roles", _CHECKOUT / "burn_in" / "probes")  # type: ignore[arg-type]
    parameters = {"mounts": [{"target": "/dev/shm", "source": "tmpfs", "fstype": "tmpfs", "options": []}]}
    bundles = await driver.collect(
        sshd.host, ("gpu", "mounts", "absent"), parameters, run="r", step="burn_in", timeout=_SOON
    )  # type: ignore[arg-type]
    mounts = read_bundle("mounts", bundles["mounts"])
    trial = mounts.command("trial /dev/shm")
    assert trial is not None
    assert json.loads(trial.stdout)["mounted"] is True
    assert read_bundle("gpu", bundles["gpu"]).command("pci") is not None
    assert "absent" in read_bundle("absent", bundles["absent"]).error
