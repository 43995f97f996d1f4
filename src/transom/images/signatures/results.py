"""A verdict as results: findings with their evidence, what was proven, and what could not be judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from transom.model.findings import Evidence, Finding, Judged, NotApplicable, Provenance, Result, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, image_ref
from transom.model.severity import Severity
from transom.model.signatures import Outcome, Problem, Proof, Refusal, Verdict

UNSIGNED = Rule(
    "unsigned-image",
    "Image without the signature that a policy asks for",
    Severity.HIGH,
    "Whoever may write to the registry, or stands between it and the cluster, can put other code behind the same name.",
    "Sign the image in the pipeline that builds it (cosign sign, notation sign), and run what is signed.",
    "images",
    {
        "zh-CN": {
            "title": "镜像缺少策略要求的签名",
            "why": "任何能写入镜像仓库、或处于仓库与集群之间的人，都可以把别的代码放到同一个名字下面。",
            "fix": "在构建镜像的流水线中为它签名（cosign sign、notation sign），只运行已签名的镜像。",
        }
    },
)
REFUSED = Rule(
    "untrusted-signature",
    "Image whose signatures do not prove what a policy asks for",
    Severity.HIGH,
    "A signature by somebody else, of something else or without proof of its time says nothing of where the image comes from.",
    "Find out who built the image; let the one whom the policy names sign it again, or correct the policy.",
    "images",
    {
        "zh-CN": {
            "title": "镜像的签名不能证明策略的要求",
            "why": "由他人签署、针对其他内容、或无法证明时间的签名，都不能说明镜像的来源。",
            "fix": "查明镜像由谁构建；让策略指定的签名者重新签名，或更正策略。",
        }
    },
)
UNATTESTED = Rule(
    "unmet-attestation",
    "Image whose attestations do not meet a policy",
    Severity.HIGH,
    "Without a signed statement of how it was built and what it holds, nobody can tell a built image from a tampered one.",
    "Attest it where it is built (cosign attest, a SLSA generator), and let the statement meet the policy's conditions.",
    "images",
    {
        "zh-CN": {
            "title": "镜像的证明不满足策略",
            "why": "如果没有经过签名的声明说明镜像如何构建、包含什么，就无法区分正常构建的镜像与被篡改的镜像。",
            "fix": "在构建镜像的地方生成证明（cosign attest、SLSA 生成器），并使声明满足策略的条件。",
        }
    },
)
RULES = {rule.id: rule for rule in (UNSIGNED, REFUSED, UNATTESTED)}
NO_POLICY = "no policy names this image, so nobody has said who must sign it"
MAX_NAMED = 5  # workloads in a line for people
MAX_REFUSALS = 20  # told of one policy; the nearest first


def results_of(verdict: Verdict, name: str = "", workloads: Sequence[str] = ()) -> Iterator[Result]:
    """Yield a verdict as results. name: of the image in the report, where policies know it by another; workloads: that run it."""
    ref = image_ref(name or verdict.name)
    if not verdict.outcomes:
        yield Skipped(ref, NO_POLICY, "add a policy whose images have a pattern that fits it")
    for outcome in verdict.outcomes:
        yield from _of_outcome(outcome, verdict, ref, workloads)
    if verdict.holds:  # whatever else lies beside it changes nothing, or anybody who may push could make it incomplete
        yield NotApplicable("signatures that could not be read, beside those that suffice", len(verdict.unread))
    else:
        yield from (Skipped(ref, unread.reason, unread.next_step) for unread in verdict.unread)
    if verdict.unsigned_bill:
        yield NotApplicable("bills of materials that are attached without a signature")


def _of_outcome(outcome: Outcome, verdict: Verdict, ref: Ref, workloads: Sequence[str]) -> Iterator[Result]:
    rule = _rule(outcome)
    if outcome.holds:
        yield Provenance(verdict.name, _told(outcome, verdict))
        yield from (Provenance(verdict.name, note) for proof in outcome.proofs for note in proof.notes)
        yield Judged(rule.id, 1, 1)
        return
    if outcome.unjudged:  # what could not be judged might have satisfied the policy
        yield from (Skipped(ref, f"{outcome.policy.name}: {each.reason}", each.next_step) for each in outcome.unjudged)
        return
    yield _finding(rule, outcome, verdict, ref, workloads)
    yield Judged(rule.id, 1, 0)


def _rule(outcome: Outcome) -> Rule:
    attested = all(each.attestations for each in outcome.policy.authorities)
    if attested and outcome.policy.authorities:
        return UNATTESTED
    return UNSIGNED if all(each.problem is Problem.UNSIGNED for each in outcome.refusals) else REFUSED


def _finding(rule: Rule, outcome: Outcome, verdict: Verdict, ref: Ref, workloads: Sequence[str]) -> Finding:
    policy = outcome.policy
    nearest = sorted(outcome.refusals, key=lambda each: -list(Problem).index(each.problem))
    severity = rule.severity if policy.enforced else Severity.MEDIUM
    return Finding(
        rule.id,
        ref,
        severity,
        f"{policy.name}: {nearest[0].why}{runs_as(workloads)}",
        tuple(_evidence(nearest, verdict, policy.name)),
        title=rule.title,
        witness=policy.name,
        fix=rule.fix,
    )


def runs_as(workloads: Sequence[str]) -> str:
    """Return by what an image is run, for the end of a sentence."""
    if not workloads:
        return ""
    return f"; runs as {', '.join(workloads[:MAX_NAMED])}{' …' if len(workloads) > MAX_NAMED else ''}"


def _evidence(refusals: Sequence[Refusal], verdict: Verdict, policy: str) -> Iterator[Evidence]:
    for each in refusals[:MAX_REFUSALS]:
        where = Locator(verdict.name, path=each.source)
        yield Evidence(where, f"{each.problem}: {each.why}", f"what the policy {policy} asks for")


def _told(outcome: Outcome, verdict: Verdict) -> str:
    if not outcome.proofs:
        return f"{outcome.policy.name} lets it pass without a signature ({outcome.authority})"
    return f"{outcome.policy.name}: " + "; ".join(_of_proof(each, verdict) for each in outcome.proofs)


def _of_proof(proof: Proof, verdict: Verdict) -> str:
    what = f"attested ({proof.predicate_type})" if proof.predicate_type else "signed"
    which = "the index" if proof.digest == verdict.index else "the manifest"
    of = f"{which} {proof.digest}" if verdict.index else proof.digest
    parts = [f"{of} {what} by {proof.signer}"]
    if proof.time_s:
        parts.append(f"at {datetime.fromtimestamp(proof.time_s, UTC):%Y-%m-%d %H:%M:%S} UTC")
    if proof.log_index >= 0:
        parts.append(f"log entry {proof.log_index}")
    if proof.name:
        parts.append(f"as {proof.name}")
    parts += [f"{name} {value}" for name, value in {**proof.signer.claims, **proof.facts}.items() if name in TOLD]
    return ", ".join(parts)


TOLD = ("repository", "ref", "workflow", "trigger", "builder", "source", "packages", "scanner", "scanned")
"""Claims and facts that a person wants to see; all of them are in the JSON of the certificate."""
