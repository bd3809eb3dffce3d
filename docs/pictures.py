"""Make the README's pictures, from what the package itself may show: `make pictures`."""

from pathlib import Path

from artnb.images import contact_sheet, save_image
from artnb.paintings.sources import load_collection

HERE = Path(__file__).parent


def studio() -> None:
    """Two pictures by each of the studio's painters."""
    from artnb.images import load_image

    collection = load_collection()
    by_artist = collection.paintings.groupby("artist")["path"]
    chosen = [path for _, paths in by_artist for path in paths.iloc[[0, 7]]]
    save_image(
        contact_sheet([load_image(collection.file(path)) for path in chosen], 7, 128, 6), HERE / "studio.jpg", 90
    )


if __name__ == "__main__":
    studio()
