"""Faults between the controller and what it depends on: an HTTP proxy, and kills that are quick."""
