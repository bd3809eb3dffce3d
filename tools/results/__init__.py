"""Records what real runs give, in data/results: `python -m tools.results`, or `make results`."""
