"""Order keys of version schemes."""
