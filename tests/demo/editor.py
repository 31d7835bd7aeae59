"""The editor that `kubectl edit` opens in the demo: adds a container, saves, and ends.

Run as a program, with the file's name, by kubectl.
"""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    # By path, since kubectl starts it anywhere.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.demo.edits import add_debugger

    file = Path(sys.argv[1])
    body = json.loads(file.read_text())
    add_debugger(body)
    file.write_text(json.dumps(body, indent=2))
