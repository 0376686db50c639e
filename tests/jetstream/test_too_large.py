"""A command of 50 MB reaches nobody: the server's limit ends it at its sender, and the connection of others lives on."""

from contextlib import AsyncExitStack

import nats.errors
import pytest

from tests.fixtures.guarded import Guarded
from workflows.model.errors import BringupError

pytestmark = pytest.mark.real


async def test_fifty_megabytes_are_refused_at_the_sender_and_nothing_is_stored(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        alice, bot = await guarded.site(stack, "alice"), await guarded.site(stack, "bot")
        with pytest.raises((BringupError, nats.errors.Error)) as refused:
            await alice.bus.publish("command.alice.reimage.lab", b"x" * 50_000_000)
        assert "maximum payload" in str(refused.value).lower()
        assert await bot.bus.publish("command.bot.hold.lab", b"{}") == 1, "it is the first message of the stream"
