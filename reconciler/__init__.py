"""Plumbline finds drift between Git and what runs in Kubernetes, explains it, puts it right."""

__version__ = "0.1.0"
