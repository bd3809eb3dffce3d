"""A monitoring report as one HTML file with tables and embedded figures, which loads nothing from the network."""

import base64
import html
import io
from collections.abc import Callable

import pandas as pd

from artnb.operation.monitoring import Report

STYLE = """
body { max-width: 66rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #222; }
h1, h2 { font-weight: 300; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid #ddd; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; } img { max-width: 100%; height: auto; }
.warning { background: #fdf1e7; border-left: 4px solid #8c1c13; padding: .5rem 1rem; }
"""
SHARES = ("confidence", "unfamiliar", "accuracy", "accuracy_unflooded", "against")


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
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Models in use</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>\n<h1>Models in use, {html.escape(report.window)}</h1>\n{body}\n"
        "</main></body></html>\n"
    )


def _table(table: pd.DataFrame) -> str:
    of_accuracy = "accuracy" in table
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
