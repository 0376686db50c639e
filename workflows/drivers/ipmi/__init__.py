"""The IPMI driver: one machine's BMC over ``pyghmi``, each call in a child process with our own deadline.

Owns the traffic to BMCs that speak IPMI 2.0 over LAN (RMCP+). It must never import pyghmi in the worker's own process:
its class-level select loop hangs there.
"""

from workflows.drivers.ipmi.bmc import IpmiBmc

__all__ = ["IpmiBmc"]
