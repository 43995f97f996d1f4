"""Languages that others defined, compiled to Python functions; knows nothing of Kubernetes objects or findings."""
