"""Jars by their SHA-1: which artifact of a Maven repository a file is, where nothing in it tells."""

DEFAULT = "transom-jars.db"
"""The index that is used where it lies in the current folder."""
