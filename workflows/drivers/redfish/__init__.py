"""The Redfish driver: one machine's BMC over DMTF's ``redfish.aio``.

Owns the traffic to BMCs that speak Redfish, and the reading of what they answer. It must never retry, log in again, wait
for a state, follow a redirect, or decide whether a write is allowed: that is the engine's.
"""

from workflows.drivers.redfish.bmc import RedfishBmc

__all__ = ["RedfishBmc"]
