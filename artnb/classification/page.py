"""The card of a classifier as a page for a person."""

from artnb.cards import Card
from artnb.paintings.splits import SUBSETS


def classifier_page(card: Card) -> str:
    """The card as a page for a person, in Markdown."""
    train, validation, test = (card.metrics[name] for name in SUBSETS)
    device = f"{card.made.get('device')}{card.trained_in}"
    artists = sorted(test["per_class"].items(), key=lambda item: -item[1]["recall"])
    artists, unmeasured = [a for a in artists if a[1]["n"]], [name for name, row in artists if not row["n"]]
    rows = [f"| {name} | {row['n']} | {row['precision']:.2f} | {row['recall']:.2f} |" for name, row in artists]
    (hard, hard_row), (hardest, hardest_row) = artists[-2:]
    whole = f", a part of {card.whole[:12]}" if card.whole else ""
    (low, high), fetch = test["interval"], f"`artnb weights get {card.network.removesuffix('-original')}`"
    return "\n".join(
        [
            f"# {card.title}: who painted this?\n",
            *([f"**Its core is untrained: it began without ImageNet weights ({fetch}).**\n"] if card.untrained else []),
            f"It names one of {len(card.class_names)} artists, with a probability, and says when a picture is unlike",
            f"all that it was trained on. Input: a picture, its middle square at {card.size} × {card.size} pixels.",
            f"{card.parameters:,} parameters.\n",
            f"**Trained** on {train['n']:,} paintings (source: {card.source}, split {card.split[:12]}{whole}),",
            f"{card.epochs} epochs in {card.seconds / 60:.0f} minutes on {device}, seed {card.seed}:",
            f"{_command(card)}, all settings in card.json.\n",
            f"**On {test['n']} test paintings**, never used in training or choosing, and no painting on two sides:",
            f"accuracy {test['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}),",
            f"right artist among three {test['top3']:.1%}, macro F1 {test['macro_f1']:.3f},",
            f"calibration error {test['ece']:.3f} at a temperature of {card.temperature:.2f}.",
            f"On training paintings {train['accuracy']:.1%}, on validation {validation['accuracy']:.1%}.\n",
            "| artist | test paintings | precision | recall |\n|---|---|---|---|",
            *rows,
            *([f"\n**How good it is at {' and '.join(unmeasured)} was not measured.**"] if unmeasured else []),
            f"\n**What it is bad at.** It finds {hardest} ({hardest_row['recall']:.0%}) and {hard}",
            f"({hard_row['recall']:.0%}) least often. It knows no other artist, and names one of its own for",
            "a forgery, a copy or a pupil's work.",
            f"It calls {card.novelty['test']:.1%} of its test paintings unfamiliar that are not.",
            "It sees reproductions: another photographer's light, a frame or a watermark is another picture to it.\n",
            card.made_with,
            "the paintings are not part of it.\n",
        ]
    )


def _command(card: Card) -> str:
    if not card.started:
        return f"`artnb train {card.network} --seed {card.seed}`"
    started = card.started
    return (
        f"beginning with the weights of another model ({started['epochs']} epochs in {started['seconds'] / 60:.0f} "
        f"minutes, split {started['split'][:12]}, seed {started['seed']})"
    )
