"""transom verify: who signed an image, held to policies."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.images import add_image_arguments, image_options
from transom.cli.outputs import add_report_arguments, allowed_by, outputs, write_reports
from transom.cli.signers import add_signer_arguments, policies_of, trust_of_arguments
from transom.model.errors import TransomError, UsageError
from transom.model.findings import Result, Skipped
from transom.model.refs import image_ref
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.images.signatures.trust import Trust
    from transom.model.signatures import ImagePolicy

EXAMPLES = """\
  transom verify image:registry.example.com/shop/web:1 --policy policy.yaml
  transom verify image:shop/web:1 --key cosign.pub                     signed by that key
  transom verify image:ghcr.io/acme/web:1 --trusted-root trusted_root.json \\
      --certificate-identity-regexp 'https://github[.]com/acme/web/.*' \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com
  transom verify image:./layout#web --as registry.example.com/web:1 --policy trustpolicy.json --trust-store trust-store
  transom verify image:shop/web:1 --key cosign.pub --attestation slsaprovenance1 -o json

exit codes: 0 every policy that names it is satisfied, 1 one is not, 2 usage, 3 incomplete (no policy names it, something
could not be judged). Nothing is fetched but the image's manifests and what belongs to them.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("verify", "Tell who signed images, and whether that satisfies policies.", EXAMPLES)
    made.add_argument("targets", metavar="IMAGE", nargs="*", help="image:REF, or image:PATH#NAME of an OCI layout")
    add_report_arguments(made)
    made.add_argument(
        "--as", metavar="REF", dest="name", default="", help="the name by which policies know an image in a folder"
    )
    add_signer_arguments(made)
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Write every report and return the exit code."""
    from transom.report.formats import FORMATS

    wanted = list(outputs(arguments.output, FORMATS))
    if not arguments.targets:
        raise UsageError(
            "name an image", "", "transom verify image:registry.example.com/shop/web:1 --policy policy.yaml"
        )
    if arguments.name and len(arguments.targets) > 1:
        raise UsageError("--as names one image", "", "verify the others by themselves")
    from transom.images.signatures.results import RULES
    from transom.report.summary import gather

    policies, trust = policies_of(arguments), trust_of_arguments(arguments)
    with terminal.progress(lambda: terminal.say("verifying")):
        report = gather(
            (result for target in arguments.targets for result in _results(target, arguments, policies, trust)),
            rules=RULES,
            targets=tuple(arguments.targets),
            threshold=SEVERITIES[arguments.fail_on],
            allows=allowed_by(arguments.allow_skipped),
        )
    return write_reports(report, wanted)


def _results(target: str, arguments: argparse.Namespace, policies: list[ImagePolicy], trust: Trust) -> Iterator[Result]:
    from transom.images.signatures import verify
    from transom.images.signatures.opening import open_subject
    from transom.images.signatures.results import results_of

    try:
        subject = open_subject(target, image_options(arguments), arguments.name)
        yield from results_of(verify(subject, policies, trust))
    except TransomError as error:
        ref = image_ref(target.removeprefix("image:"))
        yield Skipped(ref, f"{error.what}: {error.why}" if error.why else error.what, error.next_step)
