"""The node agent: what changed and what runs inside the containers of this machine.

Standard library and `reconciler.core` alone: it must stay light. A container is hostile: nothing in
it is followed out of it, waited for, or read without bound.
"""
