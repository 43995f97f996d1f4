"""Conditions over attestations, in CEL: what a policy asks of a statement beside who signed it.

An expression may name `statement`, `predicate`, `predicateType`, `provenance` (what SLSA provenance of any version says under
one name each) and `signer` (`subject`, `issuer`, `key`, `claims`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from transom.images.signatures.provenance import provenance_of
from transom.images.signatures.refusing import RefusedError
from transom.images.signatures.statements import Claim
from transom.lang.cel import Program, compile_expression
from transom.lang.cel.environment import standard_environment
from transom.lang.cel.errors import CelSourceError, EvaluationError
from transom.lang.cel.types import BOOL, DYN, STRING
from transom.model.errors import TransomError
from transom.model.limits import MAX_EXPRESSION_CHARS
from transom.model.signatures import Problem, Signer

CONDITIONS_KEPT = 1_000
MAX_TOLD_CHARS = 200  # of a condition, in a message
_VARIABLES = {"statement": DYN, "predicate": DYN, "predicateType": STRING, "provenance": DYN, "signer": DYN}


@lru_cache(CONDITIONS_KEPT)
def condition(text: str) -> Program:
    """Return a condition, compiled once; raises TransomError."""
    if len(text) > MAX_EXPRESSION_CHARS:
        raise TransomError(
            "cannot read a condition", f"it is longer than {MAX_EXPRESSION_CHARS:,} characters", "shorten it"
        )
    try:
        return compile_expression(text, standard_environment(_VARIABLES), BOOL)
    except (CelSourceError, RecursionError) as error:
        raise TransomError(f"cannot read the condition {text.strip()[:80]!r}", str(error), "correct it") from error


def check_condition(text: str, claim: Claim, signer: Signer) -> None:
    """Raise RefusedError where a statement does not meet a condition, or it cannot be worked out."""
    told: dict[str, Any] = {
        "statement": claim.statement,
        "predicate": claim.predicate,
        "predicateType": claim.predicate_type,
        "provenance": provenance_of(claim.predicate_type, claim.predicate),
        "signer": {
            "subject": signer.subject,
            "issuer": signer.issuer,
            "key": signer.key,
            "claims": dict(signer.claims),
        },
    }
    short = " ".join(text.split())[:MAX_TOLD_CHARS]
    try:
        held = condition(text)(told)
    except (EvaluationError, RecursionError) as error:
        raise RefusedError(Problem.CONDITION, f"its attestation does not answer {short}: {error}") from error
    if held is not True:
        raise RefusedError(Problem.CONDITION, f"its attestation does not meet {short}")
