"""Containers of this machine: found as people name them, read as they are mounted, compared with what they were made of."""
