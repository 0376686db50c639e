"""What the real agent refuses after it was granted the disk: it says why in its report, and never boots what it wrote."""

from collections.abc import Callable
from pathlib import Path

import pytest

from boot.image.command import run
from boot.image.import_image import import_image
from boot.image.partitions import choose_root, read_partitions
from lab.qemu.machine import Firmware
from tests.qemu.world import LONG, World, one_machine
from workflows.model.profile import Image

pytestmark = pytest.mark.e2e


def with_another_hash(world: World, directory: Path) -> Image:
    return world.lab.published.image.model_copy(update={"raw_sha256": "0" * 64})


def with_a_flipped_bit(world: World, directory: Path) -> Image:
    image = world.lab.published.image
    artifact = world.lab.settings.artifacts / image.sha256
    data = bytearray(artifact.read_bytes())
    data[len(data) // 2] ^= 1
    artifact.unlink()  # a hard link of the cache's
    artifact.write_bytes(data)
    return image


def without_cloud_init(world: World, directory: Path) -> Image:
    """Our own, without the file that says so."""
    image, raw = world.lab.published.image, directory / "nobody.raw"
    run(["zstd", "-dq", world.lab.settings.artifacts / image.sha256, "-o", raw], timeout=LONG)
    at = choose_root(read_partitions(raw)).start
    run(["debugfs", "-w", "-R", "rm /usr/lib/bringup/plain", f"{raw}?offset={at}"], timeout=LONG)
    return import_image(raw, world.lab.settings.artifacts, directory / "work")


CASES = [
    (with_another_hash, "the release says 000000"),
    (with_a_flipped_bit, "the image could not be written"),
    (without_cloud_init, "the image has no cloud-init"),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One here; all of them in `make prove`."""
    whole = metafunc.config.getoption("--hypothesis-profile") == "prove"
    metafunc.parametrize(
        ("make", "said"), CASES if whole else CASES[-1:], ids=lambda value: getattr(value, "__name__", "")
    )


async def test_the_agent_says_what_is_wrong_with_the_image(
    make: Callable[[World, Path], Image], said: str, tmp_path: Path, image_cache: Path
) -> None:
    async with one_machine(tmp_path, image_cache, Firmware.BIOS) as world:
        await world.open_grant(make(world, tmp_path))
        await world.start()
        await world.machine.power_on(network=True)
        report = await world.reported()
        assert not report.ok
        assert said in report.message
        assert "\n" not in report.message
        assert report.host_key == ""
        assert world.machine.data_untouched()
