"""`python -m tests.tools.gitea`: builds Gitea where it isn't kept yet."""

from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.gitea.program import ensure

if __name__ == "__main__":
    ensure(Toolbox())
