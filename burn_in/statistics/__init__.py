"""Compares like with like: the GPUs of a node, the nodes of a cohort. Pure; it judges nobody by itself."""
