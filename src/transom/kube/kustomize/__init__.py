"""Kustomizations: what one is made of, read without building it, and the build itself by the user's kubectl."""
