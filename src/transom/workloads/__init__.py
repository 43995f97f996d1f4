"""What pods and objects are allowed to be: privileges, host access, capabilities, images, resources, probes."""

from __future__ import annotations

from transom.rules.window import window

CHECKS: dict[str, str] = {
    "autoscaler-cannot-scale": "transom.workloads.disruption:autoscaler_bounds",
    "autoscaler-target-missing": "transom.workloads.disruption:autoscaler_target_missing",
    "config-map-missing": "transom.workloads.references:settings_missing",
    "deprecated-api-version": "transom.workloads.api_versions:deprecated",
    "disruption-budget-blocks": "transom.workloads.disruption:budget_blocks",
    "disruption-budget-missing": "transom.workloads.disruption:budget_missing",
    "disruption-budget-selects-nothing": "transom.workloads.disruption:budget_selects_nothing",
    "namespace-unbounded": "transom.workloads.namespaces:unbounded",
    "namespace-without-policy": "transom.workloads.namespaces:undecided",
    "removed-api-version": "transom.workloads.api_versions:removed",
    "replicas-beside-autoscaler": "transom.workloads.disruption:replicas_beside_autoscaler",
    "schema-invalid": "transom.workloads.schemas:invalid",
    "secret-missing": "transom.workloads.references:secret_missing",
    "stateful-set-service-missing": "transom.workloads.references:service_missing",
    "volume-claim-missing": "transom.workloads.references:claim_missing",
    "webhook-leaves-out": "transom.workloads.webhooks:leaves_out",
    "webhook-service-missing": "transom.workloads.webhooks:service_missing",
}
"""The checks of this window: rule id, and `module:function`."""

assess = window("workloads", CHECKS)
