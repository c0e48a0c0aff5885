"""Make the pictures of the README: ``python -m hpkit build --pictures``.

They are screenshots of real panels in JupyterLab, used with the mouse, so that the
README shows what a learner sees.  Needs what the browser tests need.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks" / "images"
WIDTH, HEIGHT = 1180, 900  # of the window, in pixels
COLORS = 256  # of the animation
STEPS = 8  # frames while the slider moves from one place to the next

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
                if errors := harness.errors(page):
                    raise RuntimeError(f"{name}: {errors}")
                harness.command(page, "application:toggle-left-area")
                page.add_style_tag(content=".hp-drawer, .hp-foot { display: none }")
                panel = page.locator(".hpkit").first
                page.wait_for_timeout(2000)
                if name == "curve":
                    save_animation(drag_slider(page, panel, "batch size"))
                else:  # few colors are enough
                    picture = screenshot(panel).quantize(128)
                    picture.save(FOLDER / f"{name}.png", optimize=True)
                page.close()


def screenshot(panel):
    """Return a picture of a panel as it is shown."""
    return Image.open(io.BytesIO(panel.screenshot())).convert("RGB")


def drag_slider(page, panel, label):
    """Drag a slider to the left, to its right end and back; return the frames."""
    handle = panel.get_by_role("slider", name=label)
    track = panel.locator(".noUi-target", has=page.get_by_role("slider", name=label))
    box, knob = track.bounding_box(), handle.bounding_box()
    y, start = knob["y"] + knob["height"] / 2, knob["x"] + knob["width"] / 2
    # Not as far as batch size 1, which no machine trains while the slider moves.
    ends = box["x"] + box["width"] / 9, box["x"] + box["width"] - 2, start
    frames, x = [screenshot(panel)] * 3, start
    page.mouse.move(x, y)
    page.mouse.down()
    for end in ends:
        for step in range(1, STEPS + 1):
            page.mouse.move(x + (end - x) * step / STEPS, y)
            page.wait_for_timeout(350)
            frames.append(screenshot(panel))
        x = end
        page.wait_for_timeout(600)
        frames += [screenshot(panel)] * 3
    page.mouse.up()
    return frames


def save_animation(frames):
    """Write a GIF with one palette for all frames."""
    if len({frame.size for frame in frames}) > 1:
        raise RuntimeError("the panel changes its height while the slider moves")
    some = frames[:: max(1, len(frames) // 6)]
    all_colors = Image.new("RGB", (some[0].width, some[0].height * len(some)))
    for number, frame in enumerate(some):
        all_colors.paste(frame, (0, number * frame.height))
    palette, no_dither = all_colors.quantize(COLORS), Image.Dither.NONE
    first, *rest = (f.quantize(palette=palette, dither=no_dither) for f in frames)
    options = {"duration": 220, "loop": 0, "optimize": True}
    first.save(FOLDER / "curve.gif", save_all=True, append_images=rest, **options)
