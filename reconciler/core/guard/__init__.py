"""The guard: which requests the API server itself is to refuse, as policies in CEL."""
