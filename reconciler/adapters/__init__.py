"""Everything outside this program: one folder an outside system, and folders never import each other."""
