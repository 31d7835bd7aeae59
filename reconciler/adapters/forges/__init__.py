"""Forges: where pull requests are opened, followed and closed."""
