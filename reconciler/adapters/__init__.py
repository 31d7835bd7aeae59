"""All that is outside this program, one folder a system; folders never import each other."""
