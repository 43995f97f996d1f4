"""What happened, as API servers log it: audit events of audit.k8s.io/v1, also as clouds wrap them, read as one record."""
