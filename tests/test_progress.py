import io
import sys

import pytest

from artnb.common.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "disabled", "shown"), [(Terminal, "", True), (Terminal, "1", False), (io.StringIO, "", False)]
)
def test_a_bar_is_shown_where_somebody_looks(monkeypatch, stream, disabled, shown):
    monkeypatch.setenv("TQDM_DISABLE", disabled)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys, "stderr", looked_at := stream())
    assert list(progress(range(3), "counting")) == [0, 1, 2]
    assert ("counting" in looked_at.getvalue()) == shown


def test_in_a_notebook_a_bar_that_ends_is_text(monkeypatch):
    """A widget needs its kernel: the next day a saved notebook would say "model not found" in its place."""
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("TQDM_DISABLE", "")
    code = """
from artnb.common.progress import progress
for _ in progress(range(3), "counting", unit="step"): pass
with progress(None, "loading", 5_000_000, "B") as bar: bar.update(2_000_000)
try:
    for _ in progress(range(3)): raise KeyboardInterrupt
except KeyboardInterrupt: pass
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [output.data for output in notebook.cells[0].outputs if output.output_type == "display_data"]
    texts = [data["text/plain"] for data in shown]
    assert all(list(data) == ["text/plain"] for data in shown)
    assert texts[0].startswith("counting: 3 step in 00:") and texts[1].startswith("loading: 2.00MB in 00:")
    assert len(texts) == 3, "also one that was broken off"
