"""Secrets of a Vault-compatible endpoint, which the test starts: it isn't Vault itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.vault import TOKEN, FakeVault, fake_vault
from workflows.drivers.secrets import FileSecrets
from workflows.drivers.vault import FRESH, PATIENCE, REST, VaultPlace, VaultSecrets
from workflows.model.errors import BadInput, BringupError, Refused, Unreachable

pytestmark = pytest.mark.real

LOGIN = {"username": "bringup", "password": "hunter2"}


class Reader:
    """A provider under a clock of the test's, asked in a thread, because it waits for its answer."""

    def __init__(self, vault: FakeVault, directory: Path):
        self.token = directory / "token"
        self.token.write_text(f"{TOKEN}\n")
        self.token.chmod(0o600)
        self.files = directory / "secrets"
        self.now = 0.0
        self.secrets = VaultSecrets(VaultPlace(vault.url, self.token), FileSecrets(self.files), lambda: self.now)

    async def get(self, reference: str = "bmc/default") -> dict[str, str]:
        """The fields."""
        return await asyncio.to_thread(self.secrets.get, reference)


@pytest.fixture
async def vault() -> AsyncIterator[FakeVault]:
    async with fake_vault() as served:
        served.secrets["bringup/bmc/default"] = LOGIN
        yield served


@pytest.fixture
def reader(vault: FakeVault, tmp_path: Path) -> Reader:
    return Reader(vault, tmp_path)


async def test_a_secret_is_read_once_for_many_and_anew_when_it_is_old(vault: FakeVault, reader: Reader) -> None:
    assert [await reader.get() for _ in range(20)] == [LOGIN] * 20
    assert vault.asked == [("/v1/secret/data/bringup/bmc/default", TOKEN)]
    vault.secrets["bringup/bmc/default"] = LOGIN | {"password": "rotated"}
    reader.now += FRESH
    assert (await reader.get())["password"] == "rotated"


async def test_a_secret_with_a_file_of_its_own_is_not_asked_of_vault(vault: FakeVault, reader: Reader) -> None:
    reader.files.mkdir()
    own = reader.files / "nats.yaml"
    own.write_text("seed: SU123\n")
    own.chmod(0o600)
    assert await reader.get("nats") == {"seed": "SU123"}
    assert vault.asked == []


async def test_what_vault_refuses_is_refused_by_its_reason(vault: FakeVault, reader: Reader) -> None:
    with pytest.raises(Refused, match="no secret bmc/other in Vault"):
        await reader.get("bmc/other")
    reader.token.write_text("hvs.ended")
    with pytest.raises(Refused, match="has ended, or may not read") as caught:
        await reader.get()
    assert "hvs.ended" not in str(caught.value)
    reader.token.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        await reader.get()
    reader.token.unlink()
    with pytest.raises(Refused, match="is its agent running"):
        await reader.get()
    with pytest.raises(BadInput):
        await reader.get("../etc/passwd")


@pytest.mark.parametrize("said", [{"data": {"data": {"a": {"b": 1}}}}, {"data": {"data": [LOGIN]}}])
async def test_a_secret_that_is_no_flat_text_names_no_value(vault: FakeVault, reader: Reader, said: Any) -> None:
    vault.answer = said
    with pytest.raises(BadInput, match="flat mapping") as caught:
        await reader.get()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("fault", ["sealed", "no KV 2", "gone"])
async def test_a_vault_that_can_not_be_asked_is_tried_later(vault: FakeVault, reader: Reader, fault: str) -> None:
    vault.sealed, vault.answer = fault == "sealed", {"hello": 1} if fault == "no KV 2" else None
    if fault == "gone":
        reader.secrets = VaultSecrets(
            VaultPlace("http://127.0.0.1:1", reader.token), FileSecrets(reader.files), lambda: reader.now
        )
    with pytest.raises(Unreachable, match="can't be asked"):
        await reader.get()


async def test_a_vault_that_hangs_costs_one_wait_and_then_nobody_waits(vault: FakeVault, reader: Reader) -> None:
    vault.hangs = True
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(Unreachable):
            await reader.get()
    assert time.monotonic() - started < PATIENCE * 2
    assert len(vault.asked) == 1
    vault.hangs = False
    reader.now += REST
    assert await reader.get() == LOGIN


async def test_a_token_goes_to_no_other_place(vault: FakeVault, reader: Reader) -> None:
    async with fake_vault() as other:
        vault.elsewhere = f"{other.url}/v1/secret/data/bringup/bmc/default"
        other.secrets["bringup/bmc/default"] = LOGIN
        with pytest.raises(BringupError):
            await reader.get()
        assert other.asked == []
