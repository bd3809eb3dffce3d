"""Make the README's pictures, from what the package itself may show: `make pictures`."""

from dataclasses import replace
from pathlib import Path

from artnb.images import contact_sheet, fit, load_image, save_image
from artnb.paintings.sources import load_collection

HERE = Path(__file__).parent


def studio() -> None:
    """Two pictures by each of the studio's painters."""
    collection = load_collection()
    by_artist = collection.paintings.groupby("artist")["path"]
    chosen = [path for _, paths in by_artist for path in paths.iloc[[0, 7]]]
    save_image(
        contact_sheet([load_image(collection.file(path)) for path in chosen], 7, 128, 6), HERE / "studio.jpg", 90
    )


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


if __name__ == "__main__":
    studio()
    painted()
