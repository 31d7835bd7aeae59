"""The two ways of comparing: by asking the server, and by local reasoning alone."""
