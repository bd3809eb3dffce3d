"""How much memory each notebook's kernel takes at its peak, and the tests in all, beside the budget (Linux).

Notebooks run one at a time, as in the tests. A kernel's peak is its own (VmHWM); that of the tests is the largest sum
over their processes, in which a page that several share counts once (PSS). Run it with:
PYTHONPATH=. python benchmarks/memory.py [NUMBER …] [--tests]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import psutil

from artnb.course import find_notebooks

KERNEL, TESTS = 1.8, 6.0  # the budget in GB
PYTEST = [sys.executable, "-m", "pytest", "-q"]


def peak(command: list[str]) -> tuple[float, float, int]:
    """The peak of the largest kernel and that of all processes, in GB, and the command's exit code."""
    kernel = total = 0.0
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while started.poll() is None:
        together = 0.0
        for process in [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]:
            try:
                together += process.memory_full_info().pss / 1e9
                if "ipykernel_launcher" in process.cmdline():
                    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
                    kernel = max(kernel, int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9)
            except (psutil.Error, OSError, IndexError):  # it has just ended
                continue
        total = max(total, together)
        time.sleep(0.25)
    return kernel, total, started.returncode


def main() -> None:
    """Measure what was asked for, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", help="of notebooks, such as 00 10; by default all")
    parser.add_argument("--tests", action="store_true", help="what `make test` takes, instead of notebooks")
    chosen = parser.parse_args()
    if chosen.tests:
        _, total, code = peak(["make", "test"])
        print(f"make test: {total:.2f} GB of {TESTS} GB" + (" (it failed)" if code else ""))
        return
    for path in find_notebooks(chosen.numbers):
        kernel, _, code = peak([*PYTEST, "--nbval", str(path)])
        print(f"{path.stem}: {kernel:.2f} GB of {KERNEL} GB" + (" (it failed)" if code else ""), flush=True)


if __name__ == "__main__":
    main()
