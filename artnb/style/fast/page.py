"""The card of a painter as a page for a person."""

from artnb.cards import Card

_ROWS = {"painted": "painted", "recoloured": "colours moved only", "untouched": "as they were"}


def painter_page(card: Card) -> str:
    """The card as a page for a person, in Markdown."""
    counts = card.pictures
    whole = f", split {card.whole[:12]}" if card.whole else ""
    again = f"; it began with the weights of {card.started['title']!r}" if card.started else ""
    lines = [
        f"# {card.title}\n",
        "A feed-forward network that paints a photograph of any size in one pass.\n",
        f"**Styles**: {', '.join(card.styles)}.\n",
        f"**Trained** on {counts.get('photos', 0):,} photographs and {counts.get('works', 0):,} works (source:",
        f"{card.source}{whole}), {card.steps:,} steps in {card.seconds / 3600:.1f} hours{card.trained_in},",
        f"seed {card.seed}{again}:",
        "`artnb train painter`, all settings in card.json.\n",
    ]
    if card.metrics:
        lines += [
            f"**Measured** on {counts.get('test_photos', 0):,} photographs that were never used in training. The style",
            "distance is 1 for photographs as they were and 0 for the style's own statistics.\n",
            "| judge | pictures | style distance | content distance | SSIM | colour distance |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {judge} | {words} | {row['style_distance']:.2f} | {row['content_distance']:.2f} | "
            f"{row['structure']:.2f} | {row['colour_distance']:.1f} |"
            for judge, rows in card.metrics.items()
            for name, words in _ROWS.items()
            for row in (rows[name],)
        ]
    lines += [
        "\n**What it is bad at.** It changes colour and texture, and no shapes. Faces and small things wear away",
        "under its strokes.\n",
        card.made_with,
        "the pictures are not part of it.\n",
    ]
    return "\n".join(lines)
