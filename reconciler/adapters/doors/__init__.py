"""Doors through which people speak to Plumbline, and are answered."""
