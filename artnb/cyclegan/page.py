"""The card of a CycleGAN as a page for a person."""

from typing import Any

from artnb.cards import Card


def cyclegan_page(card: Card) -> str:
    """The card as a page for a person, in Markdown."""
    counts = card.pictures
    whole = f", split {card.whole[:12]}" if card.whole else ""
    hours = f"{card.seconds / 3600:.1f} hours{card.trained_in}"
    lines = [
        f"# {card.title}: photograph to Monet and back\n",
        "Two generators and two discriminators, learned from unpaired photographs and paintings.",
        "Input and output: a picture of any size.\n",
        f"**Trained** on {counts.get('train_photos', 0):,} photographs and {counts.get('train_monets', 0):,} paintings",
        f"(source: {card.source}{whole}), {card.steps:,} steps in {hours}, seed {card.seed}:",
        f"`artnb train cyclegan --seed {card.seed}`, all settings in card.json.",
        *_before(card.started),
        "",
        f"**Measured** on {counts.get('test_photos', 0):,} photographs and {counts.get('test_monets', 0):,} paintings",
        "that were never used in training or choosing. KID is between generated and real pictures; beside it is that",
        "of the pictures as they were, and that of two halves of the real ones.\n",
        "| direction | generated | inputs | real | SSIM | there and back |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| to {to} | {figures['generated']['value']:.4f} | {figures['inputs']['value']:.4f} | "
        f"{figures['real']['value']:.4f} | {figures['structure']:.2f} | {figures['cycle_error']:.1f} grey levels |"
        for to, figures in card.metrics.items()
    ]
    lines += [
        *(f"\n**Withdrawn: to {to}.** {reason}" for to, reason in card.withdrawn.items()),
        *(_SAME_NETWORK if card.recipe.get("discriminator") == "projected" else ()),
        "\n**What it is bad at.** It changes colour, light and texture, and no shapes. It has seen landscapes: people,",
        "interiors and night get the same dabs. Plain skies become mottled. A generator whose KID is hardly below that",
        "of the inputs has learned little.\n",
        card.made_with,
        "the pictures are not part of it.\n",
    ]
    return "\n".join(lines)


_SAME_NETWORK = (
    "\nThe discriminators looked through the first blocks of EfficientNet-Lite0, and KID is measured by its last one:",
    "`benchmarks/monet_judges.py` asks a network that had no part in it, too.",
)


def _before(started: dict[str, Any]) -> list[str]:
    """What had been learned already, a line for each training."""
    if not started:
        return []
    line = (
        f"It began with the weights of a training of {started['steps']:,} steps, {started['seconds'] / 3600:.1f} hours,"
        f" seed {started['seed']}."
    )
    return [line, *_before(started["started"])]
