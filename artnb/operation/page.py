"""Reports as one HTML file with tables and embedded pictures, which loads nothing from the network."""

import base64
import html
import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd

from artnb.images import load_image, png_bytes, shrink
from artnb.operation import feedback
from artnb.operation.monitoring import Report
from artnb.operation.store import Store

STYLE = """
body { max-width: 66rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #222; }
h1, h2 { font-weight: 300; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid #ddd; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; } img { max-width: 100%; height: auto; }
.warning { background: #fdf1e7; border-left: 4px solid #8c1c13; padding: .5rem 1rem; }
"""
_REVIEW = "Look at a picture before you accept its name: artnb watch feedback review --accept ROW --reject ROW"
SHARES = ("confidence", "unfamiliar", "accuracy", "accuracy_unflooded", "against", "share")


def html_page(report: Report) -> str:
    """The report as a complete HTML page."""
    from artnb import plots

    parts = [f'<p class="warning">{html.escape(sentence)}</p>' for sentence in report.warnings]
    if len(report.days):
        parts.append(_figure(lambda: plots.service(report.days, "Day by day").flat[0], "Traffic, latency, confidence"))
    for heading, table in report.tables().items():
        block = f'<div class="scroll">{_table(table)}</div>'
        if heading == "Days":
            parts.append(f"<details><summary>Days as a table</summary>{block}</details>")
            continue
        parts.append(f"<h2>{heading}</h2>{block}")
        if heading == "Feedback":
            for model, counts in report.confusion.items():
                names = sorted({*counts.index, *counts.columns})
                square = counts.reindex(index=names, columns=names, fill_value=0).to_numpy()
                text = f"Confusion matrix of {model} by the visitors' feedback"
                parts.append(_figure(lambda s=square, n=names, t=text: plots.confusion({t: s}, n).flat[0], text))
        if heading == "Style models by week":
            parts.append(_figure(lambda: plots.weekly_measures(report.weeks, "Week by week").flat[0], heading))
    body = "\n".join(parts) or "<p>Nothing was logged in this window.</p>"
    return _document("Models in use", f"Models in use, {report.window}", body)


def review_page(store: Store, since: datetime | None = None, until: datetime | None = None) -> str:
    """The feedback of a window as a complete HTML page, with the pictures beside the names, for whoever reviews it.

    Raises:
        StoreError: the store can't be read.
    """
    table = feedback.load_feedback(store, since, until)
    floods = feedback.floods(table)
    kept = store.read("pictures", ["picture", "bytes"])
    pictures: dict[str, bytes] = dict(zip(kept["picture"], kept["bytes"], strict=True))
    suspect = feedback.flooded(table, floods)
    parts = []
    if len(floods):
        parts.append(f'<p class="warning">To check for spam:</p><div class="scroll">{_table(floods)}</div>')
    lines = []
    rows: Any = table.itertuples()
    for row, doubtful in zip(rows, suspect, strict=True):
        content = pictures.get(row.picture) if row.kept else None
        picture = _thumbnail(content, f"Row {row.id}, said to be by {row.artist}") if content else "not kept"
        right = "right" if row.said == row.artist else f"said: {row.said}"
        note = " · its sender is listed above" if doubtful else ""
        lines.append(
            f"<tr><td>{row.id}</td><td>{picture}</td><td><strong>{html.escape(row.artist)}</strong><br>"
            f"{html.escape(f'{row.model} {right}{note}')}</td><td>{html.escape(row.state)}</td>"
            f"<td>{row.time:%Y-%m-%d %H:%M}</td></tr>"
        )
    head = "<tr><th>Row</th><th>Picture</th><th>By, says the visitor</th><th>State</th><th>Time</th></tr>"
    parts.append(
        f"<p>{html.escape(_REVIEW)}</p><table>{head}{''.join(lines)}</table>" if lines else "<p>No feedback yet.</p>"
    )
    return _document("Feedback", "Feedback to review", "\n".join(parts))


def _thumbnail(content: bytes, text: str) -> str:
    data = base64.b64encode(png_bytes(shrink(load_image(content), 256))).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(text, quote=True)}">'


def _document(title: str, heading: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>\n<h1>{html.escape(heading)}</h1>\n{body}\n</main></body></html>\n"
    )


def _table(table: pd.DataFrame) -> str:
    of_accuracy = "accuracy" in table or "share" in table
    shares = [name for name in table if name in SHARES or (of_accuracy and name in ("low", "high"))]
    texts = table.copy()
    for name in table.select_dtypes("number"):
        form = "{:.1%}" if name in shares else "{:,.3f}" if table[name].dtype.kind == "f" else "{:,}"
        texts[name] = [form.format(value) if pd.notna(value) else "" for value in table[name]]
    for name in table.select_dtypes("bool"):
        texts[name] = table[name].map({True: "yes", False: ""})
    texts = texts.rename(columns=lambda name: str(name).replace("_", " "))
    return texts.to_html(index=False, border=0, escape=True)


def _figure(draw: Callable, text: str) -> str:
    import matplotlib.pyplot as plt

    from artnb import plots

    buffer = io.BytesIO()
    with plt.rc_context():
        plots.use_style()
        figure = draw().figure
        figure.savefig(buffer, format="png", dpi=110)
        plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<p><img src="data:image/png;base64,{data}" alt="{html.escape(text, quote=True)}"></p>'
