"""Dockerfiles: instructions with their places, stages, and the commands that RUN gives to a shell.

Followed: the parser of BuildKit (frontend/dockerfile/parser): directives, continuations, comments among them, heredocs,
flags, JSON form, ONBUILD.
"""

from transom.lang.dockerfile.parse import Dockerfile, DockerfileError, Instruction, parse
from transom.lang.dockerfile.shape import API_VERSION, KIND, instruction_paths, shape

__all__ = [
    "API_VERSION",
    "KIND",
    "Dockerfile",
    "DockerfileError",
    "Instruction",
    "instruction_paths",
    "parse",
    "shape",
]
