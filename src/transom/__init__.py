"""Transom shuts every window of a Kubernetes estate, and keeps proving that it is shut."""

__version__ = "0.1.0"
