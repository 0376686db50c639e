"""One output read without a site: as a function, and as the person meets it who has nothing but a file."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.burn_in import judge, kinds
from burn_in.offline import read_output
from burn_in.readers.catalog import KINDS
from frontends.cli.burn_in import add_burn_in
from tests.burn_in.outputs import every_output
from workflows.model.errors import BadInput


@pytest.mark.fast
def test_every_record_is_json(samples: Path) -> None:
    """As strict readers of JSON want it: no NaN, no infinity."""
    for kind, text in every_output(samples).items():
        record = read_output(kind, text.encode())
        assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.fast
@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("ibsta", b"", "did you mean ibstat?"),
        ("", b"", "none is like it"),
        ("ibstat", b"", "lists no port"),
        ("ibstat", b"\x7fELF\0", "not a text file"),
        ("nvidia-smi-xml", b"Unable to determine the device handle for GPU0000:9B:00.0: GPU is lost.\n", "GPU is lost"),
    ],
)
def test_a_refusal_says_why(kind: str, data: bytes, said: str) -> None:
    """In one sentence that names what came instead."""
    with pytest.raises(BadInput, match=said):
        read_output(kind, data)


async def _read(*arguments: str, given: bytes = b"") -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "burn-in", "read", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
    )  # fmt: skip
    out, err = await process.communicate(given)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.fast
def test_a_directory_is_read_as_grep_prints_it_and_help_lists_the_kinds(samples: Path) -> None:
    """The commands alone, on the real readers."""
    cli = typer.Typer()
    add_burn_in(cli, kinds, read_output, judge)
    tree = samples / "sysfs-ib" / "sys-class-infiniband-h100.0"
    ran = CliRunner().invoke(cli, ["burn-in", "read", "sysfs-ib", str(tree), "--json"])
    assert (ran.exit_code, len(json.loads(ran.stdout))) == (0, 9)
    unknown = CliRunner().invoke(cli, ["burn-in", "read", "ibsta", str(tree / "absent")])
    assert isinstance(unknown.exception, BadInput)
    assert "ibstat" in str(unknown.exception)
    listed = CliRunner().invoke(cli, ["burn-in", "read", "--help"]).stdout.splitlines()
    assert all(any(line.startswith(f"{kind} ") for line in listed) for kind in KINDS)


@pytest.mark.real
async def test_a_pipe_is_read_or_refused_by_the_command_itself(samples: Path) -> None:
    """With nothing of ours in the environment; what is refused has no output at all and exit code 1."""
    text = (samples / "ibstat" / "ibstat.47.0.h100.all.active.2").read_bytes()
    whole, cut = await asyncio.gather(
        _read("ibstat", "-", "--json", given=text), _read("ibstat", "-", given=text[:-200])
    )
    assert (whole[0], len(json.loads(whole[1]))) == (0, 9)
    assert (cut[0], cut[1], len(cut[2].splitlines())) == (1, "", 1)
