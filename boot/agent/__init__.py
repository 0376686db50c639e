"""The RAM-disk agent: what a machine runs between its network boot and its installed system.

Cut out of an image's root file system (same kernel, same libraries), so it needs nothing of the host that builds it. It
acts on one thing only: the disk that a grant names. Everything else on the machine it reads.
"""
