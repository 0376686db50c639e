"""The only code that imports ``nats``: streams, subjects, consumers and permissions in one table, and the ports over them.

``table`` and ``permissions`` are data; ``wire`` is the connection; ``store``, ``bus``, ``evidence`` and ``clock`` implement
``engine.ports``; ``server`` runs a NATS server of our own. It decides nothing: what a record means is the engine's.
"""
