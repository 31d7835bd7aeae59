"""Registries of images, by the OCI distribution specification; reports of scanners."""
