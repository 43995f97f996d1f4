"""Which Kubernetes is meant where nobody names one."""

CURRENT = (1, 36)
"""The minor whose rules and libraries hold."""
