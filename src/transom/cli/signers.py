"""Arguments about who must have signed, and what is believed without proof."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from transom.model.errors import TransomError, UsageError
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.images.signatures.scanning import SignatureOptions
    from transom.images.signatures.trust import Trust
    from transom.model.signatures import Identity, ImagePolicy

RULES = ("unsigned-image", "untrusted-signature", "unmet-attestation")
"""The rules of signatures by their ids, which exceptions may name."""

GITHUB = {"repository": "repository", "ref": "ref", "name": "workflow", "trigger": "trigger", "sha": "sha"}
"""The ends of cosign's --certificate-github-workflow-… options, and the claims that they mean."""


def add_signer_arguments(parser: argparse.ArgumentParser) -> None:
    """Add policies, keys, identities and roots of trust, those of cosign under cosign's names."""
    group = parser.add_argument_group("who must have signed")
    group.add_argument(
        "--policy",
        metavar="FILE",
        action="append",
        default=[],
        help="a ClusterImagePolicy, Kyverno's verifyImages, or notation's trustpolicy.json",
    )
    group.add_argument(
        "--key", metavar="FILE", action="append", default=[], help="a public key; one of several suffices"
    )
    for name, what in (("identity", mark("who signed")), ("oidc-issuer", mark("who vouches for that"))):
        group.add_argument(f"--certificate-{name}", metavar="TEXT", default="", help=f"{what}, exactly")
        group.add_argument(f"--certificate-{name}-regexp", metavar="RE2", default="", help=f"{what}, the whole of it")
    for end, claim in GITHUB.items():
        group.add_argument(
            f"--certificate-github-workflow-{end}",
            metavar="TEXT",
            default="",
            help=f"the {claim} that the certificate must tell",
        )
    group.add_argument(
        "--attestation", metavar="TYPE", default="", help="ask for an attestation of this predicate type instead"
    )
    group.add_argument("--condition", metavar="CEL", default="", help="what that must say: predicate.builder.id == '…'")
    add_trust_arguments(parser)


def add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is believed without proof."""
    trusted = parser.add_argument_group("what is trusted (from files; nothing is fetched)")
    trusted.add_argument("--trusted-root", metavar="FILE", help="sigstore's trusted_root.json")
    trusted.add_argument(
        "--log-key", metavar="FILE", help="public keys of transparency logs; with --key, asks for an entry"
    )
    trusted.add_argument("--trust-store", metavar="FOLDER", help="notation's trust stores: FOLDER/x509/ca/NAME/*.pem")
    trusted.add_argument("--crl", metavar="FILE", action="append", default=[], help="a list of revoked certificates")


def policies_of(arguments: argparse.Namespace) -> list[ImagePolicy]:
    """Return the policies that the arguments tell, in files and by themselves; raises UsageError for none."""
    from transom.images.signatures.policies import read_policies

    policies = read_policies(arguments.policy)
    if arguments.key or _names_somebody(arguments):
        policies.append(_own(arguments))
    if not policies:
        raise UsageError(
            "say who must have signed",
            "",
            "--policy FILE, --key FILE, or --certificate-identity and --certificate-oidc-issuer",
        )
    return policies


def _names_somebody(arguments: argparse.Namespace) -> bool:
    return any(value for name, value in vars(arguments).items() if name.startswith("certificate_"))


def _own(arguments: argparse.Namespace) -> ImagePolicy:
    from transom.images.signatures.conditions import condition
    from transom.images.signatures.keys import MAX_KEY_BYTES, load_keys
    from transom.images.signatures.provenance import in_full
    from transom.images.signatures.trust import read_file
    from transom.model.signatures import AttestationRule, Authority, ImagePolicy

    keys = tuple(read_file(path, MAX_KEY_BYTES, "a public key").decode("utf-8", "replace") for path in arguments.key)
    for text in keys:
        load_keys(text)
    rules: tuple[AttestationRule, ...] = ()
    if arguments.condition:
        if not arguments.attestation:
            raise UsageError("--condition speaks of an attestation", "", "name its type: --attestation slsaprovenance1")
        condition(arguments.condition)
    if arguments.attestation:
        rules = (AttestationRule("attestation", in_full(arguments.attestation), arguments.condition),)
    authorities = []
    if keys:
        authorities.append(Authority("--key", keys, log=bool(arguments.log_key), attestations=rules))
    if _names_somebody(arguments):
        authorities.append(Authority("--certificate-identity", identities=(_identity(arguments),), attestations=rules))
    return ImagePolicy("command line", ("**",), tuple(authorities))


def _identity(arguments: argparse.Namespace) -> Identity:
    from transom.images.signatures.identities import pattern_of
    from transom.model.signatures import Identity

    claims = {claim: getattr(arguments, f"certificate_github_workflow_{end}") for end, claim in GITHUB.items()}
    identity = Identity(
        arguments.certificate_oidc_issuer,
        arguments.certificate_oidc_issuer_regexp,
        arguments.certificate_identity,
        arguments.certificate_identity_regexp,
        {claim: wanted for claim, wanted in claims.items() if wanted},
    )
    if not (identity.issuer or identity.issuer_regexp) or not (identity.subject or identity.subject_regexp):
        why = "an identity without its issuer could be anybody's"
        raise UsageError(
            "name both who signed and who vouches for that", why, "--certificate-identity and --certificate-oidc-issuer"
        )
    for pattern in (identity.issuer_regexp, identity.subject_regexp):
        try:
            pattern_of(pattern)
        except TransomError as error:
            raise UsageError(error.what, error.why, error.next_step) from error
    return identity


def trust_of_arguments(arguments: argparse.Namespace) -> Trust:
    """Return what the arguments say is trusted; raises TransomError for a file that cannot be read."""
    from transom.images.signatures.keys import MAX_KEY_BYTES
    from transom.images.signatures.trust import MAX_ROOT_BYTES, now_of, read_crl, read_file, read_stores, trust_of

    root = (
        read_file(arguments.trusted_root, MAX_ROOT_BYTES, "sigstore's trusted root") if arguments.trusted_root else b""
    )
    logs = (
        read_file(arguments.log_key, MAX_KEY_BYTES, "a log's key").decode("utf-8", "replace")
        if arguments.log_key
        else ""
    )
    stores = read_stores(arguments.trust_store) if arguments.trust_store else {}
    return trust_of(now_of(), root, logs, stores, tuple(map(read_crl, arguments.crl)))


def signature_options(arguments: argparse.Namespace) -> SignatureOptions | None:
    """Return who must have signed the images of a scan, None where nobody asked."""
    files = getattr(arguments, "verify_policy", ())
    if not files:
        return None
    from transom.images.signatures.policies import read_policies
    from transom.images.signatures.scanning import SignatureOptions

    return SignatureOptions(tuple(read_policies(files)), trust_of_arguments(arguments))
