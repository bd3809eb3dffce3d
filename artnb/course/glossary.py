"""The glossary: its terms, and links to them from where each is first used."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artnb.common import extras
from artnb.course.notebooks import CourseError

with extras.needed("course", "The site needs"):
    from bs4 import BeautifulSoup, NavigableString
    from bs4.element import PageElement

_LINE = re.compile(r"^- (\*\*.+?): (.+)$", re.M)
_NAMES = re.compile(r"\*{1,2}([^*]+)\*{1,2}")
# Where a link would be wrong: in another one, in code, a heading, a formula, or a quiz.
_NOT_IN = ("a", "code", "pre", "math", "fieldset", "h1", "h2", "h3", "h4", "h5", "h6")


@dataclass
class Glossary:
    """Terms, and where each stands.

    Attributes:
        places: every name of a term, in small letters -> the `id` of its line.
        used: the `id` of a line -> the pages that use the term, in reading order.
    """

    places: dict[str, str]
    used: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Glossary":
        """Read `- **Term**, or *another name*: what it is.`, a line each.

        Raises:
            CourseError: a term stands there twice.
        """
        places: dict[str, str] = {}
        for line in _LINE.finditer(file.read_text(encoding="utf-8")):
            names = [name for group in _NAMES.findall(line[1]) for name in group.casefold().split(", ")]
            for name in names:
                if name in places:
                    raise CourseError(f"{file.name} has {name!r} twice.")
                places[name] = term_id(names[0])
        return cls(places)


def term_id(name: str) -> str:
    """The `id` of a term's line."""
    return "term-" + re.sub(r"[^\w]+", "-", name.casefold()).strip("-")


def link_terms(soup: BeautifulSoup, glossary: Glossary, page: str) -> None:
    """Link the first use of every term in a page's text to the glossary, and note the page for it."""
    ordered = sorted(glossary.places, key=len, reverse=True)
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, ordered)) + r")(?:e?s)?\b", re.IGNORECASE)
    linked: set[str] = set()
    for text in _running_text(soup):
        parts: list[PageElement] = []
        end = 0
        for match in pattern.finditer(text):
            place = glossary.places[match[1].casefold()]
            if place in linked:
                continue
            linked.add(place)
            link = soup.new_tag("a", attrs={"class": "term", "href": f"glossary.html#{place}"})
            link.string = match[0]
            parts += [NavigableString(text[end : match.start()]), link]
            end = match.end()
        if parts:
            text.replace_with(*parts, NavigableString(text[end:]))
    for place in linked:
        glossary.used.setdefault(place, []).append(page)


def _running_text(soup: BeautifulSoup) -> list[NavigableString]:
    found = []
    for block in soup.find_all(["p", "li", "td", "th"]):
        if not block.find(["p", "li"]) and not block.get_text().startswith("References."):
            found += [text for text in block.find_all(string=True) if text.find_parent(_NOT_IN) is None]
    return found


def name_terms(soup: BeautifulSoup, glossary: Glossary, titles: Mapping[str, str]) -> None:
    """Give every line of the glossary's page its `id`, and a link to the page that uses the term first."""
    for item in soup.find_all("li"):
        strong = item.find("strong")
        if strong is None:
            continue
        place = glossary.places.get(strong.get_text().casefold().split(", ")[0], "")
        item["id"] = place
        if pages := glossary.used.get(place):
            link = soup.new_tag("a", attrs={"href": f"{pages[0]}.html"})
            link.string = titles[pages[0]]
            item.extend([" First used in ", link, "."])
