"""Chaos: real processes that are killed, paused and cut off while they install simulated machines.

Owns the witnesses and the judgement over what they saw. The product's own processes run unmodified; what is simulated is
said in each file. Nothing here believes a journal where a machine or a BMC counted for itself.
"""
