"""Names as people type them."""

import unicodedata


def plain_name(name: str) -> str:
    """A name to compare with others: without accents and capitals, however its letters are encoded."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
