"""A whole site on one host, every part real but the hardware: what the end-to-end tests and ``bringup demo-real`` run.

Real: NetBox, nats-server with a login for each service and person, the processes ``bringup sync``, ``boot`` and
``worker``, dnsmasq, nfs-ganesha, OpenSM (on ibsim), ansible-runner over SSH. Emulated: the machines (QEMU, whose firmware
really boots the network) and their BMCs (the lab's Redfish service over TLS). Everything listens on loopback or in one
network namespace, and ends with the block that started it.
"""
