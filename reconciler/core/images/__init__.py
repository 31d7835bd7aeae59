"""Images that run: what was declared, what a registry has by now, and what of it is stale."""
