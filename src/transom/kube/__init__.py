"""Kubernetes itself: its YAML with positions, its kinds, pods, selectors and Pod Security levels. No policy of ours."""
