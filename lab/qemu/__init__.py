"""Machines that really boot: QEMU without KVM, on a bridge in a network namespace of their own, with dnsmasq.

Needs root and Debian's ``qemu-system-x86 ovmf ipxe dnsmasq-base iproute2``. Everything dies with the process that
started it: the namespace has no name and lives as long as its holder, and each child has a parent-death signal.
"""
