"""How long a visitor waits: PYTHONPATH=. python benchmarks/pages.py, with Chromium.

Each page is opened by a new visitor, without kernels that wait and with them; four paintings are
asked about.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.gallery import PAGES, browser, serve, visit

WARMING = 45  # seconds that a server has to get its kernels ready
PAINTINGS = ("Camille Aubertin", "Maud Ashgrove", "Odile Poincaré", "Namiko Hoshino")


def main() -> None:
    """Print seconds until each page is there, and until each answer."""
    for preheated in (False, True):
        options = [] if preheated else ["--cold"]
        with TemporaryDirectory() as home, serve(Path(home), *options) as gallery, browser() as chromium:
            time.sleep(WARMING if preheated else 0)
            print("pre-heated" if preheated else "cold")
            for name in PAGES:
                begun = time.perf_counter()
                page = visit(chromium, gallery, name).page
                print(f"  {name}: {time.perf_counter() - begun:.1f}")
                for painting in PAINTINGS if name == "who_painted_this" else ():
                    page.get_by_role("button", name=painting).click()
                    page.get_by_alt_text(f"The painting: {painting}").wait_for()
                    begun = time.perf_counter()
                    page.get_by_role("button", name="Who painted this?").click()
                    page.locator(".artnb-bar").nth(4).wait_for()
                    print(f"    answer: {time.perf_counter() - begun:.2f}")
                page.close(run_before_unload=True)
                time.sleep(WARMING / 2 if preheated else 0)


if __name__ == "__main__":
    main()
