"""Helm charts: read whole, rendered by somebody else's engine in a process of its own, each rendered line traced back."""
