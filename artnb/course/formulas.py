"""Formulas as MathML, which browsers show without a script."""

import re

from artnb.common import extras

_CODE_OR_FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|(?<!\\)\$(?P<inline>[^$\n]+?)\$", re.DOTALL
)


def mark_formulas(text: str, formulas: dict[str, str]) -> str:
    """Markdown with a placeholder for each `$…$` and `$$…$$`; placeholder -> MathML is added to `formulas`.

    What turns Markdown into HTML would break MathML, so it is inserted after that.
    """
    with extras.needed("course", "Formulas need"):
        from latex2mathml.converter import convert

    def mark(match: re.Match) -> str:
        if match["code"]:
            return match[0]
        display = "block" if match["block"] else "inline"
        formulas[key := f"formula-{len(formulas)}-here"] = convert(match["block"] or match["inline"], display=display)
        return key

    return _CODE_OR_FORMULA.sub(mark, text)
