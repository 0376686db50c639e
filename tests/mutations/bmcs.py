"""Protections between us and BMCs: which way and which resource, whose certificate, whose turn."""

from tests.mutations.mutation import Mutation

_WAYS = "tests/workflows/test_boot_way.py::"

BMCS = (
    Mutation(
        "a machine that doesn't come is sent by the next way",
        ("15",),
        "workflows/engine/boot_way.py",
        "    return able[missed % len(able)], able[(missed + 1) % len(able)]\n",
        "    return able[0], able[0]\n",
        f"{_WAYS}test_a_machine_that_does_not_come_by_one_way_is_sent_by_the_next",
    ),
    Mutation(
        "the way that the BMC kept is read back",
        ("15", "L3"),
        "workflows/engine/boot_way.py",
        "    return facts.boot is BootTarget.NETWORK_ONCE and facts.way in (way, None)\n",
        "    return facts.boot is BootTarget.NETWORK_ONCE\n",
        f"{_WAYS}test_a_bmc_that_keeps_another_way_is_no_success",
    ),
    Mutation(
        "an image in the virtual drive is out before the disk is booted",
        ("19",),
        "workflows/steps/reboot.py",
        "        await ctx.bmc.boot(BootTarget.DISK, media=ctx.settings.boot_media)\n",
        "        await ctx.bmc.boot(BootTarget.DISK)\n",
        f"{_WAYS}test_the_image_is_out_of_the_drive_before_the_disk_is_booted",
    ),
    Mutation(
        "an override goes to no resource that only knows the boot order",
        ("15",),
        "workflows/drivers/redfish/system.py",
        '    return any(key.startswith("BootSourceOverride") for key in part(settings, "Boot"))\n',
        '    return bool(part(settings, "Boot"))\n',
        "tests/drivers_bmc/test_synthetic_trees.py"
        "::test_a_settings_object_that_knows_the_boot_order_alone_takes_no_override",
    ),
    Mutation(
        "a damaged pin is refused, not left out",
        ("23",),
        "workflows/drivers/pins.py",
        "        if found is None:\n",
        "        if False:\n",
        "tests/drivers_bmc/test_pins.py::test_a_pin_that_is_none_is_refused_never_left_out",
    ),
    Mutation(
        "an approved certificate is replaced by a person's word alone",
        ("23",),
        "workflows/drivers/pins.py",
        "                os.link(new, path)\n",
        "                new.replace(path)\n",
        "tests/drivers_bmc/test_pins.py::test_a_pin_is_of_one_bmc_and_only_replaced_by_a_word",
    ),
    Mutation(
        "IPMI calls take turns",
        ("L9",),
        "workflows/drivers/ipmi/bmc.py",
        "        async with self._turn:\n",
        "        if True:\n",
        "tests/drivers_bmc/test_ipmi.py::test_many_bmcs_at_once_take_turns",
    ),
)
