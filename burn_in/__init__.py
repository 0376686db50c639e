"""Probes collect on the node, readers parse, judges decide: a node is accepted only on evidence. Pure but for probes."""
