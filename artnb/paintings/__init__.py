"""The collection of paintings: its catalogue, its sources, its audit, its splits and its input pipelines."""
