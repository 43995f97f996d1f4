"""Layers: one pass over each, a small record of it, and how records lie over each other."""
