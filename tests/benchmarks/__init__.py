"""Measurements on real parts: `python -m tests.benchmarks [speed|edits]`, one module for each.

They print tables and assert nothing about time: what a machine is worth is not ours to test.
"""
