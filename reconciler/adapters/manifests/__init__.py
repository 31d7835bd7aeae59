"""Edits manifests in their text: what isn't meant to change stays byte for byte."""
