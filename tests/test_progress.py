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
