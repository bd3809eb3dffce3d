"""One worker of a build: `python -m artnb.paintings.studio KIND SEED FOLDER WORKER WORKERS`."""

import sys
from pathlib import Path

from artnb.paintings.studio.building import paint_share

kind, seed, folder, worker, workers = sys.argv[1:]
paint_share(kind, int(seed), Path(folder), int(worker), int(workers))
