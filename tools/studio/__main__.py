"""Paint the studio's collection into a new folder: `python -m tools.studio FOLDER [SEED]`."""

import sys
from pathlib import Path

from tools.studio.building import SEED, build

if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
