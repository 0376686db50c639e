"""A rack of simulated machines: firmware, RAM-disk agent and installed system as plain tasks and files, no root needed.

They do over HTTP what real machines do, count what happens to them, and are the only witnesses that the demo believes.
Nothing here knows of the store, the journal or a run.
"""
