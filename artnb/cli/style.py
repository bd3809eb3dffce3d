"""`artnb stylize` and `artnb search style`: can we paint like them?"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import click

from artnb.cli.classification import BACKBONES, search_commands
from artnb.cli.common import (
    ANY,
    FOLDER,
    POSITIVE,
    Model,
    answer,
    check_apart,
    check_folder,
    check_new,
    complain,
    finish,
    import_tensorflow,
    log_option,
    overwrite_option,
    result_names,
    resumable_search,
    root,
    say,
    search_options,
    seed_option,
)
from artnb.cli.fast import MEANINGLESS, FastPainting, any_style_ships, read_checked
from artnb.cli.ways import Recolouring, Transfer, Way, state_beside
from artnb.errors import ArtnbError


@root.command("stylize")
@click.argument("content", type=ANY)
@click.argument("styles", type=ANY, nargs=-1, metavar="[STYLE...]")
@click.option("--like", multiple=True, metavar="NAME", help="A painter whom a fast painter knows; in place of a STYLE.")
@click.option("--model", type=Model(), metavar="MODEL", help="A fast painter. Default: the first that knows NAME.")
@click.option("--careful", is_flag=True, help="Optimise the picture; with --model or --like, from the fast one's.")
@click.option("--film", is_flag=True, help="CONTENT is an animation, or a folder of frames.")
@click.option("--stroke", type=float, metavar="F", help="How large a fast painter's strokes are; default: 1.")
@click.option("-o", "--output", type=ANY, metavar="OUT.png", required=True, help="For a folder: a folder.")
@click.option("--backbone", type=click.Choice(BACKBONES), help="The network whose features are compared.")
@click.option(
    "--recipe", type=click.Path(), metavar="NAME", help="A preset, a picture that artnb painted, or a JSON file."
)
@click.option("--weight", "weights", type=float, multiple=True, metavar="W", help="How much a style counts; once each.")
@click.option("--size", type=POSITIVE, metavar="N", help="Longer side in pixels, at most.")
@click.option("--iterations", type=POSITIVE, metavar="N", help="How many steps.")
@click.option("--strength", type=float, metavar="S", help="Of the style, from 0 to 1.")
@click.option("--keep-colours", is_flag=True, help="Keep the colours of the content.")
@click.option("--colours-only", is_flag=True, help="Give it the style's colours and no brush; takes a second.")
@click.option("--mask", type=ANY, metavar="PICTURE", help="Only where it is light, the style is applied.")
@click.option("--resume", is_flag=True, help="Finish what was stopped; finished pictures stay as they are.")
@overwrite_option
@seed_option
@log_option
def _stylize(
    content: Path,
    styles: tuple[Path, ...],
    output: Path,
    weights: tuple[float, ...],
    colours_only: bool,
    mask: Path | None,
    resume: bool,
    overwrite: bool,
    seed: int | None,
    log: bool,
    **options: Any,
) -> None:
    """Paint a photograph in the style of a painting, or of several.

    CONTENT is a picture, or a folder of them. With --like NAME, a network paints it in a blink, and all that is
    named is CONTENT.
    """
    options["like"] = options["like"] or None
    named = options["like"] and not options["careful"] and not colours_only  # so all that is named is CONTENT
    contents, styles = ([content, *styles], ()) if named else ([content], styles)
    make = _way(colours_only, bool(styles), options, seed)
    make.check(options, seed)
    if options["film"]:
        if resume or log:
            raise click.UsageError(f"To a film, --{'resume' if resume else 'log'} means nothing; leave it out.")
        inputs = [*contents, *styles, *([mask] if mask else [])]
        return _film(
            lambda: make(styles, weights or None, mask, options, seed),
            inputs,
            contents,
            output,
            overwrite,
            options["size"],
        )
    sources = _sources(contents, output)
    several = len(contents) > 1 or content.is_dir()
    inputs = [*sources, *styles, *(Path(each) for each in (mask, options["recipe"]) if each)]
    targets = result_names(sources, output, ".png") if several else [output]
    if not resume:  # known before anything is loaded
        check_new(targets, overwrite, inputs)
    check_apart(output, contents)
    from artnb.common.progress import STOPPED
    from artnb.settings import settings, using

    way = make(styles, weights or None, mask, options, seed)
    todo, finished = sources, {}
    if resume:
        finished = _finished(sources, several, output, way.identify)
        todo = [source for source in sources if source not in finished]
        taken = [target.name for target in finished.values()]
        targets = result_names(todo, output, ".png", taken) if several else [output] * len(todo)
        check_new(targets, True, inputs)
        check_new([target for target in targets if not state_beside(target).exists()], overwrite)
    results: list[dict[str, Any]] = []
    for source, target in finished.items():
        results.append({"content": str(source), "output": str(target)})
        say(f"{target}: was finished before")
    for source, target in zip(todo, targets, strict=True):
        results.append({"content": str(source)})
        try:
            with using(log=log or settings.log):
                way.paint(source, target, results[-1], resume)
        except ArtnbError as error:
            results[-1]["error"] = str(error)
            complain(error)
        if results[-1].get("error") == STOPPED:
            break
    finish(results, stopped=results[-1].get("error") == STOPPED)


@search_commands.command("style")
@click.argument("space", type=click.Choice(["original", "ours"]))
@click.argument("content", type=ANY)
@click.argument("style", type=ANY)
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="Of the search.")
@click.option("--backbone", type=click.Choice(BACKBONES), default="efficientnet-lite0", help="The network that paints.")
@click.option("--method", type=click.Choice(["random", "bayesian"]), help="Default: that of the space.")
@search_options
@seed_option
def _search(
    space: str,
    content: Path,
    style: Path,
    output: Path,
    backbone: str,
    method: Literal["random", "bayesian"] | None,
    trials: int | None,
    chief: str | None,
    worker: str | None,
    minutes: int | None,
    seed: int | None,
) -> None:
    """Search for the settings of the style transfer, in the original's space or in ours."""
    import_tensorflow()
    from artnb.common import searching
    from artnb.style.search import search_style, style_space

    paints = not chief or worker  # the chief only distributes the trials
    photo, painting = (content, style) if paints else (None, None)
    with resumable_search(output), searching.distributed(chief, worker, minutes):
        table = search_style(style_space(space, backbone), photo, painting, output, seed, method, trials)
    text = table.drop(columns="painting", errors="ignore").round(4).to_string(index=False)
    answer({"results": table.to_dict("records")}, text)


def _way(colours_only: bool, styles: bool, options: dict[str, Any], seed: int | None) -> type[Way]:
    """The optimiser, unless another way was asked for, or a painter for any style ships.

    Raises:
        click.UsageError: there is nothing to paint like.
    """
    fast = (options["model"] or options["like"] or options["film"]) and not options["careful"]
    begun = "like" if options["like"] else "model" if options["model"] else ""
    if not styles and begun and colours_only:
        raise click.UsageError(
            f"--colours-only takes the colours of a painting: name one after the photograph, in place of --{begun}."
        )
    if not styles and begun and options["careful"]:
        raise click.UsageError(
            f"--careful paints like a painting: name one after the photograph; --{begun} chooses the picture it begins "
            "from."
        )
    if not styles and not begun:
        raise click.UsageError("Missing argument 'STYLE...': name a painting, or a painter with --like or --model.")
    if colours_only:
        return Recolouring
    if options["film"] and not begun and not options["careful"] and not any_style_ships():
        raise click.UsageError("A film is painted by a fast painter; name a painter's NAME with --like, or a --model.")
    if not fast and seed is None and not any(options[name] for name in MEANINGLESS) and any_style_ships():
        fast = True
    return FastPainting if fast else Transfer


def _film(
    make: Callable[[], Way],
    inputs: Sequence[Path],
    contents: Sequence[Path],
    output: Path,
    overwrite: bool,
    size: int | None,
) -> None:
    """Paint a film; what can't be is said before."""
    if len(contents) > 1:
        raise click.UsageError("A film is one animation, or one folder of frames; name one CONTENT.")
    frames = sorted(contents[0].glob("*")) if contents[0].is_dir() else []
    results: list[dict[str, Any]] = [{"content": str(contents[0])}]
    try:
        film = read_checked(contents[0], output, overwrite, [*inputs, *frames], size)
        way = make()
        assert isinstance(way, FastPainting)
        way.film(film, output, results[0])
    except ArtnbError as error:
        results[0]["error"] = str(error)
        complain(error)
    finish(results)


def _sources(contents: Sequence[Path], output: Path) -> list[Path]:
    """The pictures to paint.

    Raises:
        ImageError: there are no pictures, or the output is no file for a picture.
        FileError: it is no folder for several.
    """
    from artnb.images import WRITTEN, ImageError
    from artnb.paintings.sources import SUFFIXES, pictures_in

    content = contents[0]
    if len(contents) == 1 and not content.is_dir():
        if output.is_dir() or output.suffix.lower() not in WRITTEN:
            raise ImageError(f"{output.name!r} is not a file name for a picture; end it in {', '.join(WRITTEN)}.")
        return [content]
    files = [file for each in contents for file in (pictures_in(each) if each.is_dir() else [each])]
    if not files:
        raise ImageError(f"{content.name!r} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    also = " (with --like, each that is named is painted)" if len(contents) > 1 else ""
    check_folder(output, f"several pictures{also}")
    return files


def _finished(
    sources: Sequence[Path], several: bool, output: Path, identify: Callable[[Path], str]
) -> dict[Path, Path]:
    """Source -> its result, for those that an earlier run has finished: each result says what it was painted from.

    A source that has another content now, or is to be painted otherwise, is not finished.
    """
    from artnb.style.files import said_by

    finished: dict[Path, Path] = {}
    by_name: dict[str, list[Path]] = {}  # pictures of several folders may have one name
    for source in sources:
        by_name.setdefault(source.name, []).append(source)
    for target in sorted(output.glob("*.png")) if several else [output]:
        if target.is_file() and not state_beside(target).exists():
            with suppress(ArtnbError):  # a picture that artnb did not paint, or none
                said = said_by(target)
                for source in by_name.get(str(said.get("content")), ()):
                    if source not in finished and said.get("identity") == identify(source):
                        finished[source] = target
                        break
    return finished
