"""An InfiniBand subnet without hardware: a real OpenSM over ibsim, with a console to unlink, relink and break."""
