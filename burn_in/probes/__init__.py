"""Probes run on the node: plain Python 3.9 without dependencies. They collect raw output and judge nothing."""
