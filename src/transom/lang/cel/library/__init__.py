"""The functions of CEL's standard library, its extensions, and those that Kubernetes adds; one module for each theme."""
