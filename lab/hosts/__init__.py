"""Hosts for the roles: real systemd, apt and sshd in containers, and a signed mirror of small packages with the names,
versions, dependencies, units and hooks of the vendors'. It must never reach a network: a host has only its loopback.
"""
