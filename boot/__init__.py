"""What machines pull from: boot scripts, artifacts, grants, phone-home, DHCP configuration, the agent's build.

Owns the boot service's half of a grant (``open → taken → reported``) and ``served.<node>``. It never pushes anything at
a machine, never opens or closes a grant, and keeps no state of its own: all of it stands in the store.
"""
