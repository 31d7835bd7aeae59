"""`python -m tests.tools.node`: installs what a node needs of Debian."""

from tests.tools.node.packages import ensure

if __name__ == "__main__":
    ensure()
