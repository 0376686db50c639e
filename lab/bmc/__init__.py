"""Lab BMCs: stateful Redfish services that switch lab machines, count what they are asked, and misbehave on demand.

Owns the Redfish side of the lab. It must never know a driver or a step: it is the counterpart that they are tested
against, and it keeps its own record of what was asked of it.
"""
