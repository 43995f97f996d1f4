"""Images where they are kept: registries, OCI layouts and archives. What is read is held to its digests."""
