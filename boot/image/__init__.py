"""Builds the Debian disk image: root file system, GPT disk with BIOS and UEFI GRUB, compressed file, and its record.

Owns ``bringup image build``. Needs root and Debian packages (``NEEDED`` in ``build``); never a loop device, never the
host's own disks. Everything it makes lies under the given cache directory, named by the content of its recipe.

Owns ``bringup image import`` too, which takes in images that were made elsewhere and needs neither root nor a mount.
"""
