"""Workflows: one intent a file, each a list of steps that a newcomer can read aloud.

Owns the durable engine, its data and its drivers. Never reads the environment (``app`` does) and never knows how
people ask (``frontends`` do).
"""
