"""Granted beside used: what nobody needs, what would be enough instead, and the proof that it breaks nothing recorded."""
