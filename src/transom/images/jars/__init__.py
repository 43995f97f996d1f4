"""Jars by their SHA-1: which artifact of a Maven repository a file is, where nothing in it tells."""
