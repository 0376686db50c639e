"""Which kernel the agent would go on into by kexec, from trees as distributions lay them out; unclear means firmware.

Runs the agent's own functions with the agent's own shell, on folders in place of mounted partitions.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from boot.agent import build

pytestmark = pytest.mark.real

AGENT = Path(build.__file__).parent
NEXT = AGENT / "next.sh"
ASK = """
. {next}
places() {{ PLACES="{places}"; }}
if find_foreign; then echo "$KERNEL|$INITRDS|$LINE"; else echo "unclear: $UNCLEAR"; fi
"""

DEBIAN = """\
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
else
   set default="0"
fi
menuentry 'Debian GNU/Linux' --class debian {
\tinsmod part_gpt
\techo\t'Loading Linux 6.1.0-18-cloud-amd64 ...'
\tlinux\t/boot/vmlinuz-6.1.0-18-cloud-amd64 root=PARTUUID=1b2c ro console=tty0 console=ttyS0,115200
\tinitrd\t/boot/initrd.img-6.1.0-18-cloud-amd64
}
submenu 'Advanced options for Debian GNU/Linux' {
\tmenuentry 'Debian GNU/Linux, recovery' {
\t\tlinux\t/boot/vmlinuz-6.1.0-18-cloud-amd64 root=PARTUUID=1b2c ro single
\t\tinitrd\t/boot/initrd.img-6.1.0-18-cloud-amd64
\t}
}
"""
UBUNTU = """\
set default="0"
menuentry 'Ubuntu' {
\tif [ "${initrdfail}" = 1 ]; then
\t  linux\t/vmlinuz-6.8 root=PARTUUID=1b2c ro console=tty1
\telse
\t  linux\t/vmlinuz-6.8 root=PARTUUID=1b2c ro console=tty1 panic=-1
\tfi
\tinitrd\t/initrd.img-6.8
}
"""
ENTRY = """\
title Rocky Linux (5.14.0-362.el9.x86_64) 9.3
version 5.14.0-362.el9.x86_64
linux /vmlinuz-5.14.0-362.el9.x86_64
initrd /initramfs-5.14.0-362.el9.x86_64.img{more}
options root=UUID=9a8b ro console=ttyS0,115200n8 crashkernel=1G
"""


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def run(script: str) -> str:
    shell = shutil.which("busybox")
    if shell is None:
        pytest.skip("not installed: busybox")
    return subprocess.run([shell, "sh", "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def asked(*places: Path) -> str:
    return run(ASK.format(next=NEXT, places=" ".join(map(str, places))))


def test_grubs_first_entry_where_it_is_the_default(tmp_path: Path) -> None:
    kernel = "boot/vmlinuz-6.1.0-18-cloud-amd64"
    root = tree(tmp_path, {"boot/grub/grub.cfg": DEBIAN, kernel: "", "boot/initrd.img-6.1.0-18-cloud-amd64": ""})
    line = "root=PARTUUID=1b2c ro console=tty0 console=ttyS0,115200"
    assert asked(root) == f"{root}//{kernel}| {root}//boot/initrd.img-6.1.0-18-cloud-amd64|{line}"


@pytest.mark.parametrize("default", ['set default="${saved_entry}"', 'set default="1>2"'])
def test_another_default_of_grub_is_unclear(default: str, tmp_path: Path) -> None:
    root = tree(tmp_path, {"boot/grub/grub.cfg": DEBIAN.replace('set default="0"', default)})
    assert asked(root) == "unclear: grub's default is not its first entry"


def test_an_entry_that_decides_while_booting_is_unclear(tmp_path: Path) -> None:
    assert "no or several kernels" in asked(tree(tmp_path, {"grub/grub.cfg": UBUNTU}))


def test_the_one_boot_entry_besides_rescue_on_a_boot_partition_of_its_own(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", {"etc/os-release": ""})
    boot = tree(
        tmp_path / "boot",
        {
            "loader/entries/abc-0-rescue.conf": "linux /vmlinuz-0-rescue\n",
            "loader/entries/abc-5.14.conf": ENTRY.format(more=""),
            "vmlinuz-5.14.0-362.el9.x86_64": "",
            "initramfs-5.14.0-362.el9.x86_64.img": "",
            "grub2/grub.cfg": "blscfg\n",
        },
    )
    kernel, initrd, line = asked(root, boot).split("|")
    assert kernel == f"{boot}//vmlinuz-5.14.0-362.el9.x86_64"
    assert initrd == f" {boot}//initramfs-5.14.0-362.el9.x86_64.img"
    assert line == "root=UUID=9a8b ro console=ttyS0,115200n8 crashkernel=1G"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.conf": ENTRY.format(more=""), "b.conf": ENTRY.format(more="")}, "the image has 2 boot entries"),
        ({"a.conf": ENTRY.format(more=" $tuned_initrd")}, "the boot entry uses variables"),
        ({"a.conf": ENTRY.format(more="")}, "the boot entry's kernel /vmlinuz-5.14.0-362.el9.x86_64 is not there"),
    ],
)
def test_entries_that_are_not_clear(files: dict[str, str], why: str, tmp_path: Path) -> None:
    root = tree(tmp_path, {f"loader/entries/{name}": text for name, text in files.items()})
    assert asked(root) == f"unclear: {why}"


def test_the_newest_kernel_where_no_boot_loader_can_be_read(tmp_path: Path) -> None:
    names = ("vmlinuz-6.1.0-9", "initrd.img-6.1.0-9", "vmlinuz-6.1.0-18", "initrd.img-6.1.0-18")
    root = tree(tmp_path, {f"boot/{name}": "" for name in names})
    kernel, initrd, line = asked(root).split("|")
    assert kernel == f"{root}/boot/vmlinuz-6.1.0-18"
    assert initrd == f" {root}/boot/initrd.img-6.1.0-18"
    assert line.split()[0] == "rw"


def test_a_kernel_without_initrd_and_no_kernel_at_all_are_unclear(tmp_path: Path) -> None:
    assert asked(tree(tmp_path / "a", {"boot/vmlinuz-6.1": ""})) == "unclear: kernel 6.1 has no initrd"
    assert asked(tree(tmp_path / "b", {"etc/fstab": ""})) == "unclear: no kernel was found in the image"


def test_a_boot_entry_keeps_all_but_the_machine_id_of_the_host_that_built_the_image(tmp_path: Path) -> None:
    mkosi = "options console=ttyS0,115200 rw systemd.machine_id=e05884d617ce4ab19cbba9891ca6ffb0 quiet\n"
    tree(tmp_path, {"a.conf": f"machine-id e05884\n{mkosi}", "b.conf": ENTRY.format(more="")})
    run(f'. {AGENT / "identity.sh"}; drop_machine_id "{tmp_path}" "{tmp_path / "none"}"')
    assert (tmp_path / "a.conf").read_text() == "machine-id e05884\noptions console=ttyS0,115200 rw quiet\n"
    assert (tmp_path / "b.conf").read_text() == ENTRY.format(more="")
