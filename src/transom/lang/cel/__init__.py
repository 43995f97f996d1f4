"""CEL compiled to Python functions: parser, checker, exact evaluator, generated Python, witnesses of a verdict."""

from __future__ import annotations

from transom.lang.cel.program import LazyVariables, Program, compile_expression
from transom.lang.cel.witness import Place, Read, Witness, index_paths, places

__all__ = [
    "LazyVariables",
    "Place",
    "Program",
    "Read",
    "Witness",
    "compile_expression",
    "index_paths",
    "places",
]
