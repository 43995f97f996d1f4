"""Attack paths: what the windows see, joined; from what the outside reaches to everything, in the fewest steps."""
