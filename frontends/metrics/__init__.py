"""What Prometheus reads of a service: counters of what it lived through, and how the site stands. Reads only.

Every label comes from a table of this version (steps, workflows, states, classes of errors), never from a name, a reason or
an address: a metric has as many series on a site of ten thousand nodes as on one of ten.
"""
