"""Images that run: which registries are asked, and what is made of their answers."""
