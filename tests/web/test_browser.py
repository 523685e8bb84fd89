"""The page in a real browser: every view, an upload, an error, a phone, the dark; screenshots go to out/page/.

`make browser` installs Debian's Chromium; without it these tests are skipped.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
SHOTS = Path(__file__).parents[2] / "out" / "page"
QUIET = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
WAIT_MS = 90_000

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: make browser"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a server of our own."""
    command = [sys.executable, "-m", "deepjscc", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}) as run:
        assert run.stdout is not None
        found = re.search(r"http://localhost:\d+", run.stdout.readline())
        assert found
        yield found.group()
        run.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET.split())
        yield chromium
        chromium.close()


def _open(browser: Browser, address: str, **options: object) -> tuple[Page, list[str]]:
    """A page that has its first pictures, and the addresses it asked for."""
    page = browser.new_page(**options)  # type: ignore[arg-type]
    page.set_default_timeout(WAIT_MS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    expect(page.locator("#digital-numbers")).to_contain_text("jpeg2000", timeout=WAIT_MS)
    return page, asked


def test_pictures_side_by_side_and_every_view(browser: Browser, address: str) -> None:
    page, asked = _open(browser, address, viewport={"width": 1280, "height": 900})
    SHOTS.mkdir(parents=True, exist_ok=True)
    expect(page.locator("#learned-numbers")).to_contain_text("channel uses")
    expect(page.locator("#digital-numbers")).to_contain_text("PSNR")  # it knows the SNR too
    expect(page.locator("#similarity")).to_contain_text("at 3 dB 0.", timeout=WAIT_MS)
    page.screenshot(path=SHOTS / "side-by-side.png")
    for tab, button, result in (
        ("Before and after", None, "#slider img"),
        ("PSNR over SNR", "Measure the curve", "#curve img"),
        ("Receivers", None, "#hybrid-receivers img"),
        ("Stages", None, "#stages img"),
        ("Constellation", None, "#constellation img"),
        ("Waveform", None, "#spectrum img"),
        ("Files", "Make the files", "#files a"),
    ):
        page.get_by_role("tab", name=tab).click()
        if button is not None:  # the others open filled
            page.get_by_role("button", name=button).click()
        page.locator(result).first.wait_for()
        if tab == "PSNR over SNR":
            expect(page.locator("#curve-progress")).to_contain_text("11 of 11", timeout=WAIT_MS)
        if tab == "Waveform":
            expect(page.locator("#waveform-numbers")).to_contain_text("the frame is complete", timeout=WAIT_MS)
            page.locator("#picture-at-the-receiver img").wait_for()
        page.screenshot(path=SHOTS / f"{tab.lower().replace(' ', '-')}.png")
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))], "asked someone else"
    page.close()


def test_the_slider_moves_by_keyboard_and_the_cliff_is_passed(browser: Browser, address: str) -> None:
    page, _ = _open(browser, address)
    before = page.locator("#learned-numbers").inner_text()
    slider = page.locator("#snr input[type=range]")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    expect(page.locator("#learned-numbers")).not_to_have_text(before, timeout=WAIT_MS)
    expect(page.locator("#digital-numbers")).not_to_contain_text("outage", timeout=WAIT_MS)
    page.close()


def test_the_open_view_follows_the_controls(browser: Browser, address: str) -> None:
    page, _ = _open(browser, address, viewport={"width": 1400, "height": 900})
    page.get_by_role("tab", name="Waveform").click()
    numbers = page.locator("#waveform-numbers")
    expect(numbers).to_contain_text("the frame is complete", timeout=WAIT_MS)
    expect(numbers).to_contain_text("(true: +0.300%) and an SNR of 3.", timeout=WAIT_MS)
    slider = page.locator("#snr input[type=range]")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    expect(numbers).to_contain_text("and an SNR of 7.", timeout=WAIT_MS)
    page.get_by_label("OFDM").check()
    expect(numbers).to_contain_text("the frame is complete", timeout=WAIT_MS)
    page.close()


def _open_two_cameras(browser: Browser, address: str, **options: object) -> Page:
    """A page on its second half, with everything shown."""
    page, asked = _open(browser, address, **options)
    page.get_by_role("tab", name="Two cameras").click()
    expect(page.locator("#gain")).to_contain_text("Together minus alone", timeout=WAIT_MS)
    for name in ("sent", "decoded-together", "decoded-alone"):
        for view in ("left", "right"):
            place = page.locator(f"#{view}-{name}")
            place.scroll_into_view_if_needed()  # pictures are fetched when they come into view
            place.locator("img").wait_for()
    page.evaluate("window.scrollTo(0, 0)")
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))], "asked someone else"
    return page


def test_two_cameras_by_keyboard(browser: Browser, address: str) -> None:
    page = _open_two_cameras(browser, address, viewport={"width": 1280, "height": 900})
    page.screenshot(path=SHOTS / "two-cameras.png")
    left, right = page.locator("#left-together-numbers"), page.locator("#right-together-numbers")
    expect(left).to_contain_text("at 0 dB")
    slider = page.locator("#left-snr input[type=range]")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    expect(left).to_contain_text("at 3 dB", timeout=WAIT_MS)
    expect(page.locator("#left-alone-numbers")).to_contain_text("at 3 dB", timeout=WAIT_MS)
    page.locator("#noiseless input").focus()
    page.keyboard.press("Space")
    expect(right).to_contain_text("without noise", timeout=WAIT_MS)
    expect(page.locator("#right-alone-numbers")).to_contain_text("without noise", timeout=WAIT_MS)
    page.screenshot(path=SHOTS / "two-cameras-noiseless.png")
    page.close()


def test_a_pair_of_ones_own(browser: Browser, address: str, picture: Path, tmp_path: Path) -> None:
    page = _open_two_cameras(browser, address)
    chooser = page.locator("input[type=file][multiple]")
    chooser.set_input_files([picture])
    expect(page.locator("#pair-note")).to_contain_text("two pictures of one scene", timeout=WAIT_MS)
    other = tmp_path / "view-2.png"
    other.write_bytes(picture.read_bytes())
    page.locator("input[type=file][multiple]").set_input_files([picture, other])
    expect(page.locator("#pair-note")).to_contain_text("right view-2.png: 96x80", timeout=WAIT_MS)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_cameras_on_a_phone(browser: Browser, address: str, scheme: str) -> None:
    page = _open_two_cameras(browser, address, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=SHOTS / f"two-cameras-phone-{scheme}.png", full_page=True)
    page.close()


def test_uploads_good_and_bad(browser: Browser, address: str, picture: Path, tmp_path: Path) -> None:
    page, _ = _open(browser, address)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    chooser = page.locator("input[type=file]").first
    chooser.set_input_files(bad)
    expect(page.locator("#note")).to_contain_text("not an image that can be read", timeout=WAIT_MS)
    page.screenshot(path=SHOTS / "error.png")
    page.locator("input[type=file]").first.set_input_files(picture)
    expect(page.locator("#note")).to_contain_text("96x80", timeout=WAIT_MS)
    expect(page.locator("#learned-numbers")).to_contain_text("channel uses")
    expect(page.locator("#sample input:checked")).to_have_count(0)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_by_day_and_night(browser: Browser, address: str, scheme: str) -> None:
    page, _ = _open(browser, address, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=SHOTS / f"phone-{scheme}.png", full_page=True)
    page.evaluate("window.scrollTo(0, 10_000)")
    slider = page.locator("#snr").bounding_box()
    assert slider is not None
    assert slider["y"] >= 0  # it stays in view while the pictures are scrolled
    assert slider["y"] + slider["height"] <= 844
    page.close()


@pytest.mark.parametrize(("scheme", "turned"), [("light", False), ("dark", True)])
def test_drawings_follow_the_dark(browser: Browser, address: str, scheme: str, turned: bool) -> None:
    page, _ = _open(browser, address, viewport={"width": 1400, "height": 900}, color_scheme=scheme)
    page.get_by_role("tab", name="Constellation").click()
    drawing = page.locator("#constellation img")
    drawing.wait_for()
    assert ("invert" in drawing.evaluate("image => getComputedStyle(image).filter")) == turned
    page.close()


def test_leaving_in_the_middle_harms_nobody(browser: Browser, address: str) -> None:
    page, _ = _open(browser, address)
    page.get_by_role("tab", name="PSNR over SNR").click()
    page.get_by_role("button", name="Measure the curve").click()
    page.close()
    other, _ = _open(browser, address)
    expect(other.locator("#learned-numbers")).to_contain_text("channel uses", timeout=WAIT_MS)
    other.close()
