"""A site made from answers: a real nats-server starts with it, people log in by it, and a second run changes nothing."""

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from app.checks import doctor
from app.config import Config, load_config
from app.connect import connected
from app.site.answers import Answers, complete, load_answers
from app.site.make import What, make_site
from app.site.next import next_steps
from lab.process import LabProcess
from workflows.drivers.secrets import FileSecrets
from workflows.jetstream.server import server_binary
from workflows.model.errors import BadInput, Unreachable

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def answers(tmp_path: Path, port: int = 4222, **more: object) -> Answers:
    given = {"site": "rno1", "address": "127.0.0.1", "prefix": "127.0.0.0/8", "interface": "lo"}
    return complete(given | {"persons": "ann bob", "nats_port": port, "data": str(tmp_path / "data")} | more, None)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@asynccontextmanager
async def nats_server(directory: Path) -> AsyncIterator[Config]:
    """The server that the rendered configuration describes; yields the site's configuration once it answers."""
    server = await LabProcess.start(
        (str(server_binary()), "-c", str(directory / "nats/server.conf")),
        output=directory.parent / "nats.log",
        cwd=directory,
    )
    try:
        config = load_config(directory / "site.yaml")
        async with asyncio.timeout(20):
            while True:
                try:
                    async with connected(config, FileSecrets(config.secrets), "admin", make_streams=1):
                        break
                except Unreachable:
                    await asyncio.sleep(0.1)
        yield config
    finally:
        await server.end(seconds=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.real
async def test_what_it_writes_is_a_site_whose_server_keeps_each_login_to_its_part(tmp_path: Path) -> None:
    directory, port = tmp_path / "site", free_port()
    make_site(directory, answers(tmp_path, port), NOW)
    async with nats_server(directory) as config:
        links = {link.name: link for link in await doctor(config)}
        assert links["nats"].well, links["nats"].said
        assert links["nats permissions"].said == "each refused what is not its own: ann, bob, boot, sync, web, worker"
        assert links["secrets"].well, links["secrets"].said
        assert config.settings.mode.value == "observe"

    loose = json.loads((directory / "nats/server.conf").read_text())
    loose["accounts"]["SITE"]["users"] += [
        {"nkey": user["nkey"]} for role in ("PERSON",) for user in loose["accounts"].pop(role)["users"]
    ]
    for export in loose["accounts"]["SITE"]["exports"]:
        export["accounts"] = [name for name in export["accounts"] if name != "PERSON"]
    (directory / "nats/server.conf").write_text(json.dumps(loose))
    async with nats_server(directory) as config:
        links = {link.name: link for link in await doctor(config)}
        assert not links["nats permissions"].well
        assert "lets ann, bob write what is not theirs" in links["nats permissions"].said


@pytest.mark.real
def test_the_programs_that_read_them_take_the_files(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    make_site(directory, answers(tmp_path), NOW)
    units = [str(unit) for unit in sorted((directory / "systemd").glob("*.service"))]
    assert len(units) == 4
    for command in (
        ["systemd-analyze", "verify", *units],
        ["dnsmasq", "--test", f"--conf-file={directory}/dhcp/dnsmasq.conf"],
        [str(server_binary()), "-t", "-c", str(directory / "nats/server.conf")],
    ):
        if shutil.which(command[0]) is None:
            pytest.skip(f"no {command[0]} here")
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.fast
def test_a_second_run_changes_nothing_and_a_third_renders_what_an_answer_changed(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    first = make_site(directory, answers(tmp_path), NOW)
    assert {done.what for done in first} == {What.MADE}
    own = directory / "site.yaml"
    own.write_text(own.read_text().replace("observe", "supervised"))
    before = contents(directory)
    assert {done.what for done in make_site(directory, answers(tmp_path), NOW)} == {What.STAYS}
    assert contents(directory) == before

    third = make_site(directory, answers(tmp_path, persons="ann bob eve"), NOW)
    changed = {str(done.path.relative_to(directory)): done.what for done in third if done.what is not What.STAYS}
    assert changed == {
        "answers.yaml": What.RENDERED,
        "nats/server.conf": What.RENDERED,
        "secrets/nats/eve.yaml": What.MADE,
    }
    assert {name: contents(directory)[name] for name in before if name not in changed} == {
        name: text for name, text in before.items() if name not in changed
    }


@pytest.mark.fast
def test_secrets_are_for_our_eyes_only_and_the_servers_configuration_holds_none(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    make_site(directory, answers(tmp_path, netbox="https://netbox.example"), NOW)
    private = [*(directory / "secrets").rglob("*.yaml"), *directory.rglob("*.key")]
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}
    seeds = [yaml.safe_load(file.read_text())["seed"] for file in (directory / "secrets/nats").glob("*.yaml")]
    shown = b"".join(text for name, text in contents(directory).items() if not name.startswith("secrets/"))
    assert [seed for seed in seeds if seed.encode() in shown] == []
    assert (directory / "secrets/netbox/webhook.yaml").exists()


@pytest.mark.fast
def test_the_servers_certificate_is_made_anew_for_another_name_and_before_it_ends(tmp_path: Path) -> None:
    directory, file = tmp_path / "site", tmp_path / "site/nats/server.pem"
    make_site(directory, answers(tmp_path), NOW)
    ca, first = (directory / "nats/ca.pem").read_bytes(), file.read_bytes()
    make_site(directory, answers(tmp_path, nats="nats.example"), NOW)
    second = file.read_bytes()
    make_site(directory, answers(tmp_path, nats="nats.example"), NOW + timedelta(days=600))
    assert file.read_bytes() == second
    make_site(directory, answers(tmp_path, nats="nats.example"), NOW + timedelta(days=700))
    assert len({first, second, file.read_bytes()}) == 3
    assert (directory / "nats/ca.pem").read_bytes() == ca


@pytest.mark.fast
def test_what_is_left_names_only_what_is_not_there(tmp_path: Path) -> None:
    directory, told = tmp_path / "site", answers(tmp_path)
    make_site(directory, told, NOW)
    assert "secrets/bmc/default.yaml" in next_steps(directory, told)[0]
    bmc = directory / "secrets/bmc/default.yaml"
    bmc.parent.mkdir()
    bmc.touch()
    assert [step for step in next_steps(directory, told) if "bmc/default" in step] == []


@pytest.mark.fast
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"site": "Rno 1"}, "site: "),
        ({"gateway": "10.0.0.1"}, "gateway 10.0.0.1 is not in 127.0.0.0/8"),
        ({"prefix": "127.0.0.0/33"}, "prefix: '33' is not a valid netmask"),
        ({"persons": "Ann"}, "Ann: a person's name is of a-z"),
        ({"persons": "worker"}, "worker: a person's name"),
        ({"netbox": "netbox"}, "netbox: "),
        ({"netbox": "https://me:secret@netbox"}, "netbox: "),
        ({"interface": "a b"}, "interface: "),
        ({"data": "data"}, "data data is not an absolute path"),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_an_answer_that_is_wrong_is_named_and_nothing_is_written(
    tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(BadInput) as refused:
        answers(tmp_path, **wrong)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.fast
def test_what_nobody_can_be_asked_is_named_whole(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no answer for address, prefix, interface: "):
        complete({"site": "rno1"}, None)
    (tmp_path / "a.yaml").write_text("- 1")
    with pytest.raises(BadInput, match="not a mapping"):
        load_answers(tmp_path / "a.yaml")


@pytest.mark.fast
def test_a_person_is_asked_only_what_is_not_known(tmp_path: Path) -> None:
    asked = []

    def ask(question: str, default: str | None) -> str:
        asked.append(question)
        return {"Its gateway (empty: none)": "127.0.0.254"}.get(question, default or "")

    known = {"site": "rno1", "address": "127.0.0.1", "prefix": "127.0.0.0/8", "interface": "lo", "netbox": ""}
    told = complete(known, ask)
    assert [question.partition(" ")[0] for question in asked] == ["Its", "Who"]
    assert (str(told.gateway), told.netbox, told.persons) == ("127.0.0.254", None, ("operator",))


@pytest.mark.fast
def test_a_directory_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(BadInput, match="can't be written"):
        make_site(tmp_path / "site", answers(tmp_path), NOW)
