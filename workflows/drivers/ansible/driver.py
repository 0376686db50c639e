"""``Ansible`` on ansible-runner and the ssh binary, each job under its own supervisor."""

import asyncio
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from workflows.drivers.ansible.files import ansible_environment, inventory, known_hosts, ssh_options, unsafe_yaml
from workflows.drivers.ansible.supervised import Ended, Job, private_directory, supervise
from workflows.engine.ports import Bus, Host, PlayResult, Secrets
from workflows.engine.secret_field import secret_field
from workflows.model.errors import Refused, Transient, Unreachable
from workflows.model.record import Json

_PLAYBOOK = re.compile(r"^[a-z0-9_-]+\.yml$")
_PROBE = re.compile(r"^[a-z0-9_]+$")
_SSH_FAILED = 255
_ARCHIVE = "probes.pyz"
_BUNDLES = "bundles.json"
_MAX_BUNDLES = 48 << 20


@dataclass(slots=True)
class _Events:
    """What the events of one play amount to."""

    bus: Bus
    run: str
    step: str
    tasks: int = 0
    changed: int = 0
    failed: str = ""
    unreachable: str = ""

    def __call__(self, event: dict[str, Json]) -> None:
        """Publish the event, then count it."""
        self.bus.log(self.run, self.step, json.dumps(event).encode())
        kind, message = event.get("event"), str(event.get("message", "")).strip()
        if kind in ("runner_on_ok", "runner_on_failed"):
            self.tasks += 1
            self.changed += bool(event.get("changed"))
        if kind == "runner_on_unreachable":
            self.unreachable = self.unreachable or _ssh_reason(message)
        if kind == "runner_on_failed" and not event.get("ignored") and not self.failed:
            self.failed = _one_line(f"{event.get('task', 'a task')}: {message}")


@dataclass(frozen=True, slots=True)
class AnsibleDriver:
    """Plays, probes and commands on one host at a time.

    ``roles`` is the directory of roles with ``playbooks`` in it; ``probes`` the package that the role ``probes`` runs
    on the node; ``key`` a secret reference whose field ``key`` is an OpenSSH private key. ``command_prefix`` goes before
    every process (``ip netns exec NAME`` where the nodes live in a lab's network namespace). ``connection`` ``local``
    runs everything on this machine instead of over SSH, for racks without machines. ``own_roles`` is a directory of the
    site's own roles; one with the name of ours is never taken.
    """

    bus: Bus
    secrets: Secrets
    roles: Path
    probes: Path
    key: str = "ssh/bringup"
    command_prefix: tuple[str, ...] = ()
    connection: str = "ssh"
    own_roles: Path | None = None
    probe_deadline: timedelta = timedelta(minutes=5)

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """See ``ports.Ansible``."""
        events = _Events(self.bus, run, step)
        started = asyncio.get_running_loop().time()
        ended = await self._play(host, playbook, variables, events, timeout, False)
        if ended.code != 0 and not events.failed:
            events.failed = _one_line(ended.text("stderr") or ended.text("stdout") or f"exit status {ended.code}")
        return PlayResult(
            ok=ended.code == 0,
            tasks=events.tasks,
            changed=events.changed,
            failed=events.failed if ended.code != 0 else "",
            seconds=round(asyncio.get_running_loop().time() - started, 3),
        )

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """See ``ports.Ansible``. A probe that left no bundle is missing in the answer; its judge says ERROR.

        Raises:
            Unreachable: the host did not answer.
            Transient: the deadline passed, or the playbook itself failed.
        """
        for probe in probes:
            if not _PROBE.match(probe):
                raise Refused(f"{probe!r} is no name of a probe")
        given = parameters.get("deadline_s")
        variables: dict[str, Json] = {
            "probes_token": token_hex(8),
            "probes_run": list(probes),
            "probes_parameters": parameters,
            "probes_deadline": float(given) if isinstance(given, int | float) else self.probe_deadline.total_seconds(),
        }
        events = _Events(self.bus, run, step)
        ended = await self._play(host, "probe.yml", variables, events, timeout, True)
        if ended.code != 0:
            reason = events.failed or _one_line(ended.text("stderr") or ended.text("stdout"))
            raise Transient(f"{host.name}: the probes could not be run: {reason}")
        return _split(ended.files.get(_BUNDLES, b""), probes)

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """See ``ports.Ansible``."""
        directory = private_directory()
        if self.connection == "local":
            argv, files = list(command), {}
        else:
            target = ("-p", str(host.port), "-l", host.user, "--", host.address, shlex.join(command))
            argv, files = ["ssh", *ssh_options(directory), *target], self._identity(host)
        job = Job(directory, files, {"argv": list[Json](argv)}, ("stdout", "stderr"), timeout)
        ended = await supervise(job, prefix=self.command_prefix)
        if ended.code == 0:
            return ended.text("stdout")
        said = _one_line(ended.text("stderr") or ended.text("stdout"))
        if ended.code == _SSH_FAILED and self.connection != "local":
            reason = _ssh_reason(ended.text("stderr"))
            raise Unreachable(f"{host.name} at {host.address} does not answer over SSH: {reason}")
        raise Refused(f"{host.name}: {shlex.join(command)[:200]} ended with {ended.code}: {said}")

    async def _play(
        self,
        host: Host,
        playbook: str,
        variables: dict[str, Json],
        events: _Events,
        timeout: timedelta,
        probing: bool,
    ) -> Ended:
        path = self.roles / "playbooks" / playbook
        if not _PLAYBOOK.match(playbook) or not path.is_file():
            raise Refused(f"there is no playbook {playbook!r} in {self.roles / 'playbooks'}")
        directory = private_directory()
        files = self._identity(host) if self.connection == "ssh" else {}
        files["ansible.cfg"] = ""
        files["inventory.yml"] = inventory(host, directory, self.connection)
        if probing:
            variables = {
                **variables,
                "probes_archive": f"{directory}/{_ARCHIVE}",
                "probes_bundles": f"{directory}/{_BUNDLES}",
            }
        files["variables.yml"] = unsafe_yaml(variables)
        roles = [self.roles, *([self.own_roles] if self.own_roles is not None else [])]
        job = Job(
            directory,
            files,
            {
                "playbook": playbook,
                "project": str(path.parent),
                "environment": ansible_environment(directory, roles),
            },
            ("stdout", "stderr", *((_BUNDLES,) if probing else ())),
            timeout,
            _MAX_BUNDLES,
            {_ARCHIVE: {"burn_in/probes": str(self.probes)}} if probing else {},
        )
        ended = await supervise(job, prefix=self.command_prefix, on_event=events)
        if events.unreachable:
            raise Unreachable(f"{host.name} at {host.address} does not answer: {events.unreachable}")
        return ended

    def _identity(self, host: Host) -> dict[str, str]:
        """The key and the one host that it may be shown to. Neither ever stands in an argument."""
        key = secret_field(self.secrets, self.key, "key")
        return {"key": key.rstrip() + "\n", "known_hosts": known_hosts(host)}


def _split(data: bytes, probes: Sequence[str]) -> dict[str, bytes]:
    """The bundles of one file, by probe; nothing of a file that was cut or is none."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: json.dumps(found[name]).encode() for name in probes if name in found}


def _ssh_reason(text: str) -> str:
    """ssh's last words, or in ours where another machine answers."""
    if "Host key verification failed" in text or "REMOTE HOST IDENTIFICATION HAS CHANGED" in text:
        return "it shows another host key than the recorded one, so another machine or system answers there"
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
