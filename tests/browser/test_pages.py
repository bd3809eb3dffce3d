"""The pages in a real browser, as a visitor comes to them: the whole way, bad files, stopping, taking home."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from artnb.images import load_image
from artnb.operation.store import Store
from artnb.style.files import read_painting
from tests.browser.gallery import CHECKOUT, PAGES, button, upload

WIDTHS = (1280, 390)


def check(page):
    """What holds for every page at any moment: it fits, everybody can use it, it shows nothing that it shouldn't."""
    from axe_playwright_python.sync_playwright import Axe

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"wider than {width} pixels"
        page.wait_for_function("[...document.images].every(image => image.complete)")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth && image.alt)")
        found = Axe().run(page)
        assert not found.violations_count, found.generate_report()
    page.set_viewport_size({"width": 1280, "height": 900})
    written = page.content()
    assert "Traceback" not in written and str(CHECKOUT) not in written
    assert not page.locator(".jp-InputArea, .highlight").count(), "source code is shown"


def bright(page, name, **how):
    """Wait until a button can be pressed: what is seen on a page comes in several messages, one after the other."""
    from playwright.sync_api import expect

    expect(button(page, name, **how)).to_be_enabled(timeout=60_000)


def gone(page, selector, why):
    """Wait until there is no such thing any more."""
    from playwright.sync_api import expect

    expect(page.locator(selector), why).to_have_count(0, timeout=10_000)


def press(page, name):
    """Go to a button with the tabulator, and press it."""
    bright(page, name)
    for _ in range(40):
        page.keyboard.press("Tab")
        if button(page, name).evaluate("it => it === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"the tabulator doesn't lead to {name!r}")


def noise(height, width, kind="PNG"):
    """A picture that hardly gets smaller in a file."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def test_the_start_page_leads_to_three_pages_without_a_kernel(visitor, gallery, keep):
    before = {kernel.pid for kernel in gallery.kernels()}
    page = visitor()
    cards = page.locator(".artnb-cards a")
    assert cards.locator("h2").all_inner_texts() == list(PAGES.values())
    check(page)
    keep(page, "start")
    assert {kernel.pid for kernel in gallery.kernels()} <= before
    assert all(f"{name}.ipynb" in card.get_attribute("href") for name, card in zip(PAGES, cards.all(), strict=True))
    cards.first.click()
    page.locator("h1", has_text="Who painted this?").wait_for()
    assert page.title() == "Who painted this?" and page.locator("html").get_attribute("lang") == "en"


def test_an_address_that_leads_nowhere_says_so(chromium, gallery):
    page = chromium.new_page()
    for address in (
        "nonsense",
        "voila/render/nonsense.ipynb",
        "voila/files/monet.ipynb",
        "voila/files/%2e%2e/conftest.py",
    ):
        answer = page.goto(gallery.url + address)
        assert answer.status in (403, 404)
        assert "render" not in address or page.get_by_role("heading", name="There is no such page").is_visible()
        assert "Traceback" not in page.content() and str(CHECKOUT) not in page.content()
    page.close()


@pytest.fixture(scope="module")
def who(visitor):
    return visitor("who_painted_this")


@pytest.fixture(scope="module")
def paint(visitor):
    return visitor("paint_like")


@pytest.fixture(scope="module")
def monet(visitor):
    return visitor("monet")


def test_who_by_keyboard_alone(who):
    check(who)
    assert button(who, "Who painted this?").is_disabled()
    press(who, "Camille Aubertin")
    who.get_by_alt_text("The painting: Camille Aubertin").wait_for()
    press(who, "Who painted this?")
    who.locator(".artnb-bar").nth(4).wait_for()
    bright(who, "Who painted this?")
    assert who.evaluate("document.activeElement.textContent") == "Who painted this?", "the focus was lost"
    assert who.locator(".artnb-bar").count() == 5


def test_who_names_explains_and_learns(who, gallery, keep):
    assert "% on its test paintings by 11 artists" in who.get_by_label("Model").text_content().replace("\xa0", " ")
    five_megabytes = noise(1400, 1300)
    assert len(five_megabytes) > 5 * 1024**2
    upload(who, {"name": "../../../etc/passwd.png", "mimeType": "image/png", "buffer": five_megabytes})
    who.get_by_alt_text("The painting: Your picture").wait_for()
    gone(who, ".artnb-bar", "the answer was about another picture")
    button(who, "Who painted this?").click()
    who.get_by_text("unlike anything I was trained on").wait_for()
    button(who, "Where does it look?").click()
    who.get_by_alt_text("Evidence for").wait_for()
    assert who.get_by_role("link", name="More about").get_attribute("href").startswith("http")
    check(who)
    keep(who, "who")
    assert who.get_by_text("The picture is kept only if you agree").is_visible()
    button(who, "Wrong? Tell me").click()
    who.get_by_text("Choose whose work it is").wait_for()
    who.get_by_label("It is by").select_option("Frida Kahlo")
    button(who, "Wrong? Tell me").click()
    who.get_by_text("The picture itself is not kept").wait_for()
    table = Store(gallery.home / "operation.sqlite").read("feedback", ["artist", "kept"])
    assert table.to_dict("records") == [{"artist": "Frida Kahlo", "kept": 0}]
    (row,) = Store(gallery.home / "operation.sqlite").read("feedback", ["visitor", "source"]).to_dict("records")
    cookies = {cookie["name"]: cookie["value"] for cookie in who.context.cookies()}
    assert row["visitor"] == cookies["artnb-visitor"] and row["source"]
    assert not list(gallery.home.rglob("*.png")), "an upload was written to the disk"


def test_an_example_is_seen_while_the_pointer_is_on_it(who):
    example = button(who, "Namiko Hoshino")
    example.hover()
    assert example.evaluate("it => getComputedStyle(it).backgroundImage").startswith("url(")


def test_who_asks_another_model(who, gallery):
    button(who, "A random one").click()
    who.locator("img[alt^='The painting: ']:not([alt$='Your picture'])").wait_for()
    other = who.get_by_label("Model").locator("option").nth(0).inner_text()  # a picture of one's own went to the second
    who.get_by_label("Model").select_option(other)
    button(who, "Who painted this?").click()
    who.locator(".artnb-bar").nth(4).wait_for()
    button(who, "Wrong? Tell me").click()
    who.get_by_text("Choose whose work it is").wait_for()
    who.get_by_label("It is by").select_option("Frida Kahlo")
    button(who, "Wrong? Tell me").click()
    who.get_by_text("The picture itself is not kept").wait_for()
    models = Store(gallery.home / "operation.sqlite").read("feedback", ["model"])["model"]
    assert models.nunique() == 2 == len(models), "the first answer was another model's"


def png_header(width, height):
    """A PNG that claims to be so large; nothing of it follows."""
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"only a text, renamed", "text file"),
        (b"", "empty"),
        (noise(300, 300, "JPEG")[:9000], "broken or incomplete"),
        (png_header(30_000, 30_000), "more than 100 megapixels"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "SVG file"),
    ],
    ids=["text", "nothing", "cut", "bomb", "svg"],
)
def test_a_bad_file_ends_in_a_sentence(who, content, sentence):
    upload(who, {"name": "picture.jpg", "mimeType": "image/jpeg", "buffer": content})
    said = who.locator(".artnb-chooser .artnb-error", has_text=sentence)
    said.wait_for()
    assert "/" not in said.inner_text()


def test_a_file_over_the_limit_is_refused_before_it_is_sent(who, tmp_path):
    with (tmp_path / "large.jpg").open("wb") as large:
        large.truncate(201 * 1024**2)
    upload(who, tmp_path / "large.jpg")
    who.get_by_text("The picture is larger than 200 MB").wait_for(timeout=10_000)
    upload(who, {"name": "p.png", "mimeType": "image/png", "buffer": noise(64, 64)})
    who.get_by_alt_text("The painting: Your picture").wait_for()
    gone(who, ".artnb-error", "what was wrong with the last file is still said")


def test_a_picture_can_be_dropped(who):
    who.evaluate(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "x.png", { type: "image/png" }));
            const place = document.querySelector(".artnb-chooser");
            for (const kind of ["dragover", "drop"])
                place.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        list(noise(40, 80)),
    )
    who.locator("img[alt='The painting: Your picture'][width='80']").wait_for()


def test_a_large_picture_is_announced(who):
    """Nothing was said of it for ten seconds and more."""
    who.evaluate(
        """() => {
            window.said = [];
            window.most = 0;
            new MutationObserver(() => {
                const lines = [...document.querySelectorAll(".artnb-chooser > [role=status]")];
                most = Math.max(most, lines.filter(it => it.textContent.includes("being sent")).length);
                for (const it of document.querySelectorAll(".artnb-chooser [role=status]")) said.push(it.textContent);
            }).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    with who.expect_file_chooser():  # and no file is chosen
        who.locator(".widget-upload").click()
    upload(who, {"name": "p.png", "mimeType": "image/png", "buffer": noise(1300, 2600)})
    who.locator("img[alt='The painting: Your picture'][width='640']").wait_for()
    assert who.evaluate("most") == 1, "it is said once"
    said = [line for line in dict.fromkeys(who.evaluate("said")) if line != "Your picture"]
    assert said == ["Your picture is being sent …", "Your picture is being read …"]
    gone(who, "text=is being", "it has come")


def test_all_choosers_are_in_line(paint):
    tops = paint.locator(".artnb-chooser").evaluate_all(
        """them => them.map(it => it.querySelector(".widget-upload").getBoundingClientRect().top
            - it.querySelector(".artnb-strip").getBoundingClientRect().top)"""
    )
    assert len(tops) == 3 and len(set(tops)) == 1, "five examples and six"


def slide(page, label, key, times=1):
    """Move a slider by its keys."""
    page.get_by_role("slider", name=label).focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_paint_with_two_paintings_and_take_it_home(paint, tmp_path, keep):
    button(paint, "A cat").click()
    button(paint, "Maud Ashgrove").nth(0).click()
    button(paint, "Odile Poincaré").nth(1).click()
    paint.get_by_alt_text("A second, if you like: Odile Poincaré").wait_for()
    slide(paint, "Steps", "Home")
    slide(paint, "Size", "Home")
    button(paint, "Paint carefully").click()
    paint.get_by_text("Done in").wait_for()
    assert paint.get_by_text(re.compile("128 × [0-9]+ pixels are painted")).is_visible()
    sizes = "pictures => pictures.map(it => [it.width, it.naturalWidth, it.height, it.naturalHeight])"
    for width, natural, height, natural_height in paint.locator(".artnb-compare img").evaluate_all(sizes):
        assert width == natural == 128 and height == natural_height, "a result is seen at its own size"
    edge = paint.get_by_role("slider", name="Before at the left")
    edge.focus()
    paint.keyboard.press("Home")
    assert paint.locator(".artnb-compare").evaluate("it => it.style.getPropertyValue('--at')") == "0%"
    assert paint.locator(".artnb-result figcaption").all_inner_texts() == [
        "The photograph",
        "The painting, 50%",
        "The second, 50%",
    ]
    check(paint)
    keep(paint, "paint")
    with paint.expect_download() as picture:
        paint.get_by_role("link", name="Download the picture").click()
    picture.value.save_as(tmp_path / "painted.png")
    assert max(load_image(tmp_path / "painted.png").shape) == 128
    with paint.expect_download() as recipe:
        paint.get_by_role("link", name="Download the recipe").click()
    assert read_painting(tmp_path / "painted.png")["recipe"] == json.loads(recipe.value.path().read_text())


def test_a_long_job_can_be_stopped_and_disturbs_nobody(paint, who):
    slide(paint, "Steps", "End")
    slide(paint, "Size", "ArrowRight", 2)
    paint.get_by_text("256 × ").wait_for()  # a press at once may overtake the slider's last step on its way
    button(paint, "Paint carefully").focus()
    paint.keyboard.press("Enter")
    paint.get_by_text(re.compile(r"Step \d+ of 500")).wait_for()
    assert button(paint, "Paint carefully").is_disabled(), "a second click would begin a second job"
    button(who, "Namiko Hoshino").click()
    button(who, "Who painted this?").click()
    who.locator(".artnb-bar").nth(4).wait_for()
    assert "Step" in paint.locator("main").inner_text(), "it was to paint on meanwhile"
    button(paint, "Stop, and keep it").click()
    paint.get_by_text("It was stopped").wait_for()
    assert paint.get_by_role("link", name="Download the picture").is_visible()
    width = paint.locator(".artnb-compare img").first.evaluate("it => it.naturalWidth")
    assert paint.get_by_text(f"{width} × ").is_visible(), "it is stopped, and whole"
    bright(paint, "Paint carefully")


def test_a_painter_by_name_paints_at_once_and_follows_a_slider(paint, tmp_path, keep):
    button(paint, "A cup of coffee").click()
    paint.get_by_alt_text("The photograph: A cup of coffee").wait_for()
    paint.get_by_label("Painter").select_option(label="Vincent van Gogh")
    paint.get_by_text("Painted like Vincent van Gogh in").wait_for()
    picture = paint.get_by_alt_text("The photograph, painted like Vincent van Gogh")
    assert picture.evaluate("it => Math.max(it.naturalWidth, it.naturalHeight)") == 512
    assert paint.locator(".artnb-compare input").input_value() == "25", "most of the painting is seen"
    before = picture.get_attribute("src")
    slide(paint, "Strength", "ArrowLeft", 3)
    paint.wait_for_function(
        """before => {
            const it = document.querySelector("img[alt='The photograph, painted like Vincent van Gogh']");
            return it && it.src !== before;
        }""",
        arg=before,
    )
    check(paint)
    keep(paint, "paint-at-once")
    with paint.expect_download() as saved:
        paint.get_by_role("link", name="Download the picture").click()
    saved.value.save_as(tmp_path / "painted.png")
    assert max(load_image(tmp_path / "painted.png").shape) == 512
    paint.get_by_label("Painter").select_option(label="choose …")


def test_paint_says_what_is_too_small(paint):
    upload(paint, {"name": "p.png", "mimeType": "image/png", "buffer": noise(8, 8)})
    paint.get_by_alt_text("The photograph: Your picture").wait_for()
    button(paint, "Paint carefully").click()
    paint.get_by_text("too small to paint with").wait_for()


def test_a_photograph_becomes_a_monet(monet, tmp_path, keep):
    check(monet)
    button(monet, "A temple by the water").click()
    button(monet, "Paint", exact=True).click()
    monet.get_by_role("heading", name="The discriminator's view").wait_for()
    assert monet.get_by_alt_text("The picture as a Monet").is_visible()
    check(monet)
    keep(monet, "monet")
    with monet.expect_download() as picture:
        monet.get_by_role("link", name="Download the picture").click()
    picture.value.save_as(tmp_path / "monet.png")
    assert load_image(tmp_path / "monet.png").shape == (427, 640, 3)
    assert not button(monet, "Monet to photograph").count(), "the way back paints blots"
