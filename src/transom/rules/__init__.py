"""Policies: read, matched, evaluated, judged over an inventory, proven by their examples, exported to an API server."""
