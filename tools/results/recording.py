"""Writing a recorded result: its table, and the label that says where it is from."""

import json
import os
import platform
from datetime import date
from importlib import metadata
from pathlib import Path

import pandas as pd

from artnb import __version__
from artnb.common.files import replacing
from artnb.settings import settings

VERSIONS = ("tensorflow", "keras", "keras-tuner", "numpy", "pandas", "scikit-learn", "pillow")


def keep(name: str, table: pd.DataFrame, label: dict[str, object], to: Path) -> None:
    """Write NAME.csv and NAME.json into a folder; never an old label beside a new table."""
    (to / f"{name}.json").unlink(missing_ok=True)
    with replacing(to / f"{name}.csv") as part:
        table.convert_dtypes().to_csv(part, index=False)
    with replacing(to / f"{name}.json") as part:
        part.write_text(json.dumps(label, indent=1) + "\n", encoding="utf-8")


def about(command: str, split: str, source: str, paintings: int) -> dict[str, object]:
    """Where a result is from: no name or path of this machine.

    Args:
        command: that records it.
        split: the digest of the split.
        source: of the paintings.
        paintings: how many they are.
    """
    made = {"artnb": __version__, "python": platform.python_version()}
    set_here = {"ARTNB_PROFILE": settings.profile, "ARTNB_PRECISION": settings.precision}
    return {
        "command": command,
        "split": split,
        "date": date.today().isoformat(),
        "source": source,
        "paintings": paintings,
        "settings": set_here | ({"ARTNB_WEIGHTS": "packaged"} if settings.weights == "packaged" else {}),
        "machine": {"processor": processor(), "cores": os.cpu_count()},
        "versions": made | {package: _version(package) for package in VERSIONS},
    }


def processor() -> str:
    """The processor's model, as it names itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""
