"""The immutability audit: what lets a running container be changed, by rules that are data."""
