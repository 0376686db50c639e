"""State, bus, evidence, scheduler and time in memory, with JetStream's semantics: they pass the same contract tests.

For tests and dry runs in one process; nothing is kept. ``VirtualClock`` makes hours pass in no time.
"""

from lab.memory.bus import MemoryBus
from lab.memory.clock import LocalClock, VirtualClock
from lab.memory.evidence import MemoryEvidence
from lab.memory.scheduler import MemoryScheduler
from lab.memory.store import MemoryStore

__all__ = ["LocalClock", "MemoryBus", "MemoryEvidence", "MemoryScheduler", "MemoryStore", "VirtualClock"]
