"""The lab's iPXE runs the boot service's own scripts, and refuses aloud what it doesn't know."""

import pytest

from lab.rack.ipxe import Firmware, Kernel, LocalDisk
from workflows.model.errors import Unreachable, Unsupported

pytestmark = pytest.mark.fast

AGENT = """#!ipxe
set tries:int32 0
:again
inc tries
iseq ${tries} 4 && exit 1 ||
kernel http://b/vmlinuz initrd=agent.gz quiet bringup.token=t || goto wait
initrd http://b/agent.gz || goto wait
boot || goto wait
:wait
imgfree
sleep 3
goto again
"""


class Web:
    """Answers by URL; one that isn't there is unreachable."""

    def __init__(self, **pages: str):
        self.pages = {f"http://b/{name}": text for name, text in pages.items()}
        self.asked: list[str] = []
        self.slept = 0.0

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        page = self.pages.get(url.partition("?")[0])
        if page is None:
            raise Unreachable(url)
        return page.encode()

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        if self.slept == 6:
            self.pages["http://b/agent.gz"] = "late"


def firmware(web: Web, **variables: str) -> Firmware:
    return Firmware(web.get, web.sleep, {"serial": "A B", "uuid": "u", "platform": "efi", **variables})


async def test_a_script_is_asked_for_with_the_machines_identifiers_and_its_kernel_is_booted() -> None:
    web = Web(
        first="#!ipxe\nchain --replace --autofree http://b/script?serial=${serial:uristring}&uuid=${uuid} || exit 1\n",
        script="#!ipxe\nkernel http://b/vmlinuz quiet bringup.token=t=1\ninitrd http://b/vmlinuz\nboot\n",
        vmlinuz="k",
    )
    end = await firmware(web).run("http://b/first")
    assert end == Kernel({"quiet": "", "bringup.token": "t=1"})
    assert web.asked[1] == "http://b/script?serial=A%20B&uuid=u"


async def test_a_download_that_fails_is_tried_again_by_the_scripts_own_loop() -> None:
    web = Web(first=AGENT, vmlinuz="k")
    end = await firmware(web).run("http://b/first")
    assert isinstance(end, Kernel)
    assert web.slept == 6


async def test_a_loop_that_gives_up_ends_in_the_local_disk() -> None:
    web = Web(first=AGENT)
    assert await firmware(web).run("http://b/first") == LocalDisk()
    assert web.slept == 9


@pytest.mark.parametrize("platform", ["efi", "pcbios"])
async def test_the_local_script_ends_in_the_local_disk_on_both_firmwares(platform: str) -> None:
    web = Web(first="#!ipxe\niseq ${platform} efi && exit 1 ||\nsanboot --no-describe --drive 0x80 || exit 1\n")
    assert await firmware(web, platform=platform).run("http://b/first") == LocalDisk()


async def test_a_boot_service_that_does_not_answer_ends_in_the_local_disk() -> None:
    assert await firmware(Web()).run("http://b/first") == LocalDisk()


@pytest.mark.parametrize("script", ["<html>", "#!ipxe\nshell\n", "#!ipxe\n:a\ngoto a\n"])
async def test_what_no_firmware_would_run_is_refused_aloud(script: str) -> None:
    with pytest.raises(Unsupported):
        await firmware(Web(first=script)).run("http://b/first")
