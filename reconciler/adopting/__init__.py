"""Has Git say what is live: finds edits of manifests, tries them, keeps what proves right."""
