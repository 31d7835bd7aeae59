"""`make demo`: the main job on a small web shop, with the real commands and their real output."""
