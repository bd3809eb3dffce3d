"""Make the README's pictures, from what the package itself may show: `make pictures`."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from artnb.images import contact_sheet, fit, load_image, save_image
from artnb.paintings import studio
from artnb.paintings.catalogue import folder_name
from artnb.paintings.sources import load_collection

HERE = Path(__file__).parent
SCENE = 10  # a room with a view
EXAMPLES = (
    ("Camille Aubertin", "sea", "lagoon", 3),
    ("Wietske van der Wervel", "hills", "night", 1),
    ("Odile Poincaré", "pond", "noon", 2),
    ("Maud Ashgrove", "sea", "dusk", 3),
    ("Namiko Hoshino", "mountain", "lagoon", 4),
    ("Zélie Ciseau", "still_life", "rose", 5),
)


def one_scene_by_all() -> None:
    """One scene by each of the studio's painters, a master before the pupil."""
    by_painter = studio.same_scene(SCENE)
    order = sorted(by_painter, key=lambda name: (studio.MASTERS.get(name, name), name in studio.MASTERS))
    pictures = [load_image(studio.ROOT / by_painter[name]) for name in order]
    save_image(contact_sheet(pictures, 7, 144, 6), HERE / "studio.jpg", 90)


def painted() -> None:
    """Photographs of scikit-image, painted like four of the studio's paintings, which are in the first row."""
    from skimage import data

    from artnb.backbones import load_backbone
    from artnb.style.recipes import style_recipe
    from artnb.style.transfer import stylize

    collection = load_collection()
    by_artist = collection.paintings.groupby("artist")["path"]
    styles = [
        load_image(collection.file(by_artist.get_group(artist).iloc[number]))
        for artist, number in (
            ("Wietske van der Wervel", 0),
            ("Maud Ashgrove", 5),
            ("Camille Aubertin", 0),
            ("Torvald Brekke", 5),
        )
    ]
    network = load_backbone("efficientnet-lite0", None)
    recipe = replace(style_recipe("efficientnet-lite0"), size=256)
    blank = fit(styles[0], 256) * 0 + 255
    rows = [[blank, *styles]]
    for photograph in (data.astronaut(), data.chelsea()):
        content = fit(photograph, 256)
        rows.append([content, *(stylize(content, style, recipe, backbone=network).image for style in styles)])
    save_image(contact_sheet([image for row in rows for image in row], 5, 176, 6), HERE / "painted.jpg", 88)


def monets() -> None:
    """Photographs of scikit-learn and scikit-image, each above what `starter-monet` makes of it."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    from artnb import load_model

    photographs = load_sample_image("china.jpg"), load_sample_image("flower.jpg"), data.coffee(), data.chelsea()
    photographs = [fit(photograph, 256) for photograph in photographs]
    sheet = contact_sheet([*photographs, *load_model("starter-monet")(photographs)], 4, 220, 6)
    save_image(sheet, HERE / "monet.jpg", 88)


def examples() -> None:
    """What the pages can be tried with: scenes by painters of the studio, larger than its own collection's."""
    from artnb.widgets.examples import EXAMPLES as FOLDER
    from tools.studio.building import repaint
    from tools.studio.scenes import scene

    for painter, subject, mood, seed in EXAMPLES:
        picture = repaint((scene(subject, mood, np.random.default_rng([7, seed]), 288) * 255).astype(np.uint8), painter)
        save_image(picture, FOLDER / f"{folder_name(painter)}.jpg", 88)


def cards() -> None:
    """The pictures of the start page's cards, made by what they lead to."""
    from artnb import load_model
    from artnb.style.recipes import style_recipe
    from artnb.style.transfer import stylize
    from artnb.widgets import examples
    from artnb.widgets.parts import TEMPLATES

    photographs, paintings = examples.photographs(), examples.paintings()
    static = TEMPLATES / "voila/templates/artnb/static"
    save_image(fit(paintings["Camille Aubertin"], 384), static / "who_painted_this.jpg", 85)
    recipe = replace(style_recipe("efficientnet-lite0"), size=384)
    swirls = paintings["Wietske van der Wervel"]
    save_image(stylize(fit(photographs["An astronaut"], 384), swirls, recipe).image, static / "paint_like.jpg", 85)
    temple = fit(photographs["A temple by the water"], 384)
    halves = np.concatenate([temple[:, :192], load_model("starter-monet")(temple)[:, 192:]], 1)
    save_image(halves, static / "monet.jpg", 85)


def pages() -> None:
    """The pages themselves, each after a visitor has used it; needs Chromium."""
    from tests.browser.gallery import browser, serve, visit

    def picture_of(page: Any, name: str) -> None:
        page.mouse.move(0, 0)
        page.screenshot(path=HERE / f"page-{name}.jpg", type="jpeg", quality=52, full_page=True)

    with TemporaryDirectory() as home, serve(Path(home), "--cold") as gallery, browser() as chromium:
        page = visit(chromium, gallery, "who_painted_this").page
        page.get_by_role("button", name="Camille Aubertin").click()
        page.get_by_role("button", name="Who painted this?").click()
        page.locator(".artnb-bar").nth(4).wait_for()
        page.get_by_text("Most like it").wait_for()
        picture_of(page, "who")
        page = visit(chromium, gallery, "paint_like").page
        page.get_by_role("button", name="An astronaut").click()
        page.get_by_role("button", name="Wietske van der Wervel").first.click()
        page.get_by_role("button", name="Paint carefully").click()
        page.locator(".artnb-compare").wait_for(timeout=120_000)
        picture_of(page, "paint")
        page = visit(chromium, gallery, "monet").page
        page.get_by_role("button", name="A temple by the water").click()
        page.get_by_role("button", name="Paint", exact=True).click()
        page.get_by_role("heading", name="The discriminator's view").wait_for()
        picture_of(page, "monet")


if __name__ == "__main__":
    one_scene_by_all()
    painted()
    monets()
    examples()
    cards()
    pages()
