"""docs/commands.md as its reader uses it, beside a real ``bringup up``: the CLI, the ``nats`` tool, ten lines of Python."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from app.config import LOGIN_FILE
from frontends.cli import exits
from lab.rack.rack import RELEASE
from lab.site.yaml_site import running_up, write_yaml_site
from tests.project.tree import ROOT
from tests.workflows.samples import IMAGE
from workflows.model.command import VERBS

NODES = 4
PAGE = (ROOT / "docs" / "commands.md").read_text()


def block(before: str) -> str:
    """The code block that follows these words."""
    return PAGE.partition(before)[2].partition("```")[2].partition("\n")[2].partition("```")[0]


class Beside:
    """What a person has beside a running ``up``: the configuration, and the files that the page tells him to make."""

    def __init__(self, directory: Path):
        self.directory, self.config = directory, directory / "site.yaml"
        login = yaml.safe_load((directory / "data" / LOGIN_FILE).read_text())
        self.url = login["url"]
        (directory / "ann.nk").write_text(login["seed"])

    def bringup(self, *arguments: str, say: str = "", code: int = 0) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "app", "--config", self.config, *arguments],
            input=say, capture_output=True, text=True, timeout=60, cwd=ROOT,
        )  # fmt: skip
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def state(self, node: str) -> dict[str, Any]:
        (row,) = json.loads(self.bringup("status", node, "--json"))
        return dict(row)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """A site of four nodes that serve users, whose BMCs nobody answers for."""
    directory = tmp_path_factory.mktemp("site")
    known = {"bmc/default": {"username": "u", "password": "p"}}
    settings = {"site": "lab", "mode": "automatic"}
    config = write_yaml_site(directory, NODES, "active", IMAGE, known, settings=settings, who="ann")
    with running_up(config) as up:
        deadline = time.monotonic() + 60
        while len(list((directory / "inventory").glob("*.status.yaml"))) < NODES:
            assert up.poll() is None, "up ended"
            assert time.monotonic() < deadline, "up isn't up after a minute"
            time.sleep(0.1)
        yield Beside(directory)


def as_written(text: str, beside: Beside, node: str) -> str:
    """The page's text with what a reader would put in: his own url, release and node."""
    return text.replace("nats://nats.example:4222", beside.url).replace("debian-12", RELEASE).replace("gpu-001", node)


@pytest.mark.real
def test_the_cli_asks_sends_and_tells_what_came_of_it(beside: Beside) -> None:
    first, second = as_written(block("With the CLI"), beside, "gpu-001").strip().splitlines()
    words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', first)]
    assert "Aborted" not in beside.bringup(*words[1:], say="y\n")
    assert beside.state("gpu-001")["workflow"] == "reimage"
    assert "doesn't wait for approval" in beside.bringup(*second.split()[1:], "--yes", code=exits.REFUSED)


@pytest.mark.real
async def test_the_plain_nats_tool_needs_nothing_of_ours(beside: Beside) -> None:
    """What ``nats pub`` does: one publish without a reply."""
    line, _ = as_written(block("With the plain"), beside, "gpu-002").strip().splitlines()
    told = re.fullmatch(r"nats --server (\S+) --nkey (\S+) pub (\S+) '(.*)'", line)
    assert told is not None
    url, key, subject, body = told.groups()
    connection = await nats.connect(url, nkeys_seed=str(beside.directory / key))
    await connection.publish(subject, body.encode())
    await connection.drain()
    async with asyncio.timeout(30):
        while not (await asyncio.to_thread(beside.state, "gpu-002"))["run"]:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert (await asyncio.to_thread(beside.state, "gpu-002"))["workflow"] == "reimage"


@pytest.mark.real
def test_the_python_of_the_page_prints_the_outcome(beside: Beside) -> None:
    code = as_written(block("With ten lines of Python"), beside, "gpu-003")
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=beside.directory, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert (outcome["who"], outcome["verb"], outcome["accepted"]) == ("ann", "reimage", True)
    assert "asked for reimage" in outcome["nodes"][0]["text"]


@pytest.mark.real
def test_a_release_that_the_inventory_does_not_name_wipes_nothing(beside: Beside) -> None:
    said = beside.bringup("reimage", "gpu-004", "--release", "debian-99", "--yes", code=exits.REFUSED)
    assert f"release debian-99 was asked for, the inventory says {RELEASE}" in " ".join(said.split())


@pytest.mark.fast
def test_every_verb_and_every_exit_code_stands_on_the_page() -> None:
    rows = {
        name for row in re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", row)
    }
    assert {verb.value for verb in VERBS} <= rows
    assert exits.__doc__ is not None
    documented = dict(re.findall(r"^\| (\d) \| (.*?) \|$", PAGE.partition("## Exit codes")[2], re.MULTILINE))
    in_code = dict(re.findall(r"^(\d)  (.*?)$", exits.__doc__, re.MULTILINE))
    assert {k: v.split(" (")[0] for k, v in documented.items()} == {k: v.split(" (")[0] for k, v in in_code.items()}
    named = {exits.OK, exits.REFUSED, exits.UNREACHABLE, exits.NEEDS_HUMAN, exits.NOT_WELL}
    assert {int(code) for code in documented} == named | {2}
