"""A rack without hardware: stateful BMCs, simulated and QEMU machines, throwaway NetBox, InfiniBand and NFS."""
