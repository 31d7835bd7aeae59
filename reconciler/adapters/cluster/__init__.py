"""The live side: a real cluster over its API, or a dump of one."""
