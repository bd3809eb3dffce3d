"""`artnb`, and `python -m artnb`."""

import sys


def run() -> int:
    """Run the command line; Ctrl-C is one sentence also while it is imported."""
    try:
        from artnb.cli import main
    except KeyboardInterrupt:
        print("artnb: stopped.", file=sys.stderr)
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(run())
