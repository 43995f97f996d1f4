"""What tells of a package of the system where no database does: weaker evidence, which a database outweighs."""

NOTE = "elf-note"
"""A note in a program."""
CHANGELOG = "changelog"
"""The newest entry of Debian's changelog."""
