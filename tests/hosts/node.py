"""A lab host as the tests of roles drive it: converge with a release's variables, ask, damage."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from lab.hosts.host import LabHost
from lab.hosts.mirror import SigningKey
from lab.hosts.rootfs import MIRROR
from tests.drivers_ansible.sshd import Logged, OneKey
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.engine.ports import PlayResult
from workflows.model.record import Json

_CHECKOUT = Path(__file__).resolve().parents[2]
_LONG = timedelta(minutes=8)


@dataclass(slots=True)
class Node:
    """One host and the release that it gets."""

    lab: LabHost
    key: SigningKey
    roles: tuple[str, ...]
    repository: str = f"file:{MIRROR}/cuda"
    log: Logged = field(default_factory=Logged)

    @property
    def ansible(self) -> AnsibleDriver:
        """With the roles as shipped."""
        probes = _CHECKOUT / "burn_in" / "probes"
        return AnsibleDriver(
            self.log,
            OneKey(self.lab.key),
            _CHECKOUT / "roles",
            probes,
            command_prefix=self.lab.prefix,  # type: ignore[arg-type]
        )

    async def play(self, **variables: Json) -> PlayResult:
        """Run the roles, as the step ``configure`` does."""
        self.log.lines.clear()
        cuda: Json = {
            "name": "cuda",
            "url": self.repository,
            "key_url": f"file://{MIRROR}/cuda/key.asc",
            "fingerprints": [self.key.fingerprint],
        }
        known: dict[str, Json] = {"bringup_roles": list(self.roles), "bringup_repositories": {"cuda": cuda}}
        return await self.ansible.play(
            self.lab.host, "site.yml", known | variables, run="r", step="configure", timeout=_LONG
        )

    async def converge(self, **variables: Json) -> tuple[str, ...]:
        """Run the roles to a good end; the tasks that changed something."""
        result = await self.play(**variables)
        assert result.ok, result.failed
        events = [json.loads(line) for _, _, line in self.log.lines]
        return tuple(str(e["task"]) for e in events if e.get("changed"))

    async def shell(self, script: str) -> str:
        """What a script prints there; it must succeed."""
        return await self.ansible.shell(self.lab.host, ("sh", "-c", script), timeout=_LONG)

    async def versions(self) -> dict[str, str]:
        """NVIDIA's packages that are wholly installed, by name."""
        shown = await self.shell(
            "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\\n' '*nvidia*' 'cuda*' || :"
        )
        lines = (line.split() for line in shown.splitlines())
        return {line[1]: line[2] for line in lines if line[0] == "installed"}
