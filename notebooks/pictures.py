"""Make the pictures of the README: ``python -m hpkit build --pictures``.

Each drives a real panel in JupyterLab with the mouse and takes its picture, so that the
README shows what a learner sees.  It needs what the tests in the browser need.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks" / "images"
WIDTH, HEIGHT = 1180, 900  # of the window, in pixels
COLORS = 256  # of the moving picture
STEPS = 8  # values of the batch size on its way from one place to the next

SETUP = """
import hpkit as hk
moons = hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.3, epochs=30)
"""
CURVE = (
    SETUP
    + """
rates, short = [0.01, 0.03, 0.1, 0.3, 1, 3, 10], base.but(epochs=20)
panel = hk.ValidationCurvePanel(moons, "lr", short, param_range=rates, seeds=3)
panel"""
)
STILLS = {
    "lesson": "panel = hk.TrainingPanel(moons, base.but(epochs=60)); panel",
    "grid": """
panel = hk.GridPanel(moons, base=base, seeds=3)
panel.start_button.click()
panel.wait()
panel""",
    "path": """
panel = hk.OneAtATimePanel(hk.load_dataset("spiral"))
panel.all_button.click()
panel.wait()
panel.grid_button.click()
panel.wait()
panel""",
}


def make():
    """Write all pictures."""
    sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "tests")]
    import harness

    with tempfile.TemporaryDirectory() as folder, harness.chromium() as browser:
        cells = {"curve": CURVE} | {k: SETUP + cell for k, cell in STILLS.items()}
        for name, cell in cells.items():
            harness.write_notebook(Path(folder) / f"{name}.ipynb", cell)
        with harness.lab(folder) as url:
            for name in cells:
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                harness.open_notebook(page, url, f"{name}.ipynb")
                harness.run_all(page)
                if said := harness.errors(page):
                    raise RuntimeError(f"{name}: {said}")
                harness.command(page, "application:toggle-left-area")
                page.add_style_tag(content=".hp-drawer { display: none }")
                panel = page.locator(".hpkit").first
                page.wait_for_timeout(2000)
                if name == "curve":
                    write_moving(dragged(page, panel, "batch size"))
                else:
                    save(shot(panel), FOLDER / f"{name}.png")
                page.close()


def shot(panel):
    """Return a picture of a panel, without its drawer."""
    return Image.open(io.BytesIO(panel.screenshot())).convert("RGB")


def dragged(page, panel, label):
    """Drag a slider almost to its left end, then to its right; return what is seen."""
    handle = panel.get_by_role("slider", name=label)
    track = panel.locator(".noUi-target", has=page.get_by_role("slider", name=label))
    box, at = track.bounding_box(), handle.bounding_box()
    y, start = at["y"] + at["height"] / 2, at["x"] + at["width"] / 2
    # Not to batch size 1: no machine trains that while one drags.
    ends = box["x"] + box["width"] / 9, box["x"] + box["width"] - 2, start
    seen, x = [shot(panel)] * 3, start
    page.mouse.move(x, y)
    page.mouse.down()
    for end in ends:
        for step in range(1, STEPS + 1):
            page.mouse.move(x + (end - x) * step / STEPS, y)
            page.wait_for_timeout(350)
            seen.append(shot(panel))
        x = end
        page.wait_for_timeout(600)
        seen += [shot(panel)] * 3
    page.mouse.up()
    return seen


def write_moving(frames):
    """Write a GIF with one palette for all frames."""
    if len({frame.size for frame in frames}) > 1:
        raise RuntimeError("the panel changes its height while the slider moves")
    some = frames[:: max(1, len(frames) // 6)]
    all_colors = Image.new("RGB", (some[0].width, some[0].height * len(some)))
    for number, frame in enumerate(some):
        all_colors.paste(frame, (0, number * frame.height))
    first = all_colors.quantize(COLORS)
    plain = Image.Dither.NONE
    seen = [frame.quantize(palette=first, dither=plain) for frame in frames]
    seen[0].save(
        FOLDER / "curve.gif",
        save_all=True,
        append_images=seen[1:],
        duration=220,
        loop=0,
        optimize=True,
    )


def save(picture, path):
    """Write a still with few colors."""
    picture.quantize(128).save(path, optimize=True)
