"""The viewer in a real browser without a window: what is clicked changes what is drawn."""

import http.server
import json
import shutil
import subprocess
import urllib.parse

import pytest
from viewer.small_scene import TASK, chair, with_surface

from instance_seg.viewer.page import write_viewer

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = "--headless=new --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader".split()
CLICKS = """
<script>
function drawn() {  // a checksum of the picture, how many pixels are not empty, and where one is that has neighbors
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d")
  copy.drawImage(canvas, 0, 0)
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
  let sum = 0, pixels = 0, middle = null
  for (let i = 0; i < data.length; i += 4) {
    sum = (sum * 31 + data[i] + 256 * data[i + 1] + 65536 * data[i + 2]) % 4294967291
    pixels += data[i + 3] > 0
    if (data[i + 3] && i > data.length / 2) middle ??= [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)]
  }
  return { sum, pixels, middle, rows: document.querySelectorAll(".part").length }
}
const frames = async n => { while (n--) await new Promise(requestAnimationFrame) }
async function clicked(selector) {
  document.querySelector(selector).click()
  await frames(3)
  return drawn()
}
async function shownTo(height) {
  document.querySelector("#height").value = height
  document.querySelector("#height").dispatchEvent(new Event("input"))
  await frames(3)
  return drawn()
}
async function pressed(code, shiftKey) {
  canvas.dispatchEvent(new KeyboardEvent("keydown", { code, shiftKey }))
  await frames(3)
  return drawn()
}
async function pointed([x, y], ...more) {  // what is said of what is drawn there
  const left = canvas.getBoundingClientRect().left
  for (const name of ["pointermove", ...more])
    canvas.dispatchEvent(new PointerEvent(name, { clientX: x + left, clientY: y }))
  await frames(3)
  return document.querySelector("#tip").hidden ? null : document.querySelector("#tip").textContent
}
onload = async () => {
  while (!document.querySelector("#level")) await frames(1)
  await frames(3)
  const report = { fine: drawn() }
  const places = geometry.getAttribute("position"), numbers = geometry.getAttribute("entry")
  report.coarse = await clicked("#level input[value='0']")
  report.kept = [geometry.getAttribute("position") === places, geometry.getAttribute("entry") === numbers]
  report.errors = await clicked("#view input[value=errors]")
  report.truth = await clicked("#view input[value=truth]")
  report.prediction = await clicked("#view input[value=prediction]")
  report.tip = await pointed(report.prediction.middle)
  report.highlighted = document.querySelectorAll(".part.hovered").length
  report.left = await pointed(report.prediction.middle, "pointerleave")
  report.one_off = await clicked(".part input")
  report.none = await clicked("#none")
  report.all = await clicked("#all")
  report.lower = await shownTo(0.5)
  report.whole = await shownTo(1)
  report.turned = await pressed("ArrowLeft", true)
  report.moved = await pressed("ArrowLeft", false)
  report.shifted = await clicked("#place input[value=shifted]")
  report.mesh = await clicked("#place input[value=surface]")
  report.mesh_tip = await pointed(report.mesh.middle)
  report.other_shape = await clicked("#shape input[value='1']")
  location = `http://127.0.0.1:PORT/?${encodeURIComponent(JSON.stringify(report))}`
}
</script>
"""


class Listener(http.server.BaseHTTPRequestHandler):
    """Keeps what the page says as it is left."""

    def do_GET(self):
        self.server.said = urllib.parse.unquote(self.path.partition("?")[2])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome is installed")
    folder = tmp_path_factory.mktemp("viewer")
    write_viewer(folder / "v.html", "chairs", TASK, [with_surface(chair("one")), chair("<b>two</b>", seed=5)])
    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        server.said, server.timeout = "", 180  # seconds, for machines with other work
        clicks = CLICKS.replace("PORT", str(server.server_port))
        text = (folder / "v.html").read_text(encoding="utf-8")
        (folder / "v.html").write_text(text.replace("</body>", f"{clicks}</body>"), encoding="utf-8")
        command = [BROWSER, *FLAGS, f"--user-data-dir={folder}/profile", "--window-size=1000,700"]
        with open(folder / "log", "w") as log:
            browser = subprocess.Popen([*command, f"file://{folder}/v.html"], stdout=log, stderr=log)
        try:
            server.handle_request()
        finally:
            browser.terminate()
            browser.wait(30)
    assert server.said, f"the page said nothing; see {folder}/log"
    return json.loads(server.said)


@pytest.mark.slow
def test_a_level_changes_what_is_drawn(report):
    assert report["fine"]["pixels"] > 5000
    assert report["coarse"]["sum"] != report["fine"]["sum"]
    assert report["coarse"]["rows"] < report["fine"]["rows"]


@pytest.mark.slow
def test_points_go_to_the_gpu_once(report):
    """Another level is another array of numbers, no other points."""
    assert report["kept"] == [True, False]


@pytest.mark.slow
def test_views_and_places_are_different_pictures(report):
    sums = [report[name]["sum"] for name in ("coarse", "errors", "truth", "shifted", "other_shape")]
    assert len(set(sums)) == 5
    assert report["errors"]["rows"] <= 4
    assert report["prediction"]["sum"] == report["coarse"]["sum"]  # there and back again


@pytest.mark.slow
def test_parts_are_switched_off_and_on(report):
    assert report["none"]["pixels"] == 0 < report["one_off"]["pixels"] < report["all"]["pixels"]
    assert report["all"]["pixels"] == report["coarse"]["pixels"]


@pytest.mark.slow
def test_a_slider_cuts_off_the_top(report):
    assert 0 < report["lower"]["pixels"] < report["whole"]["pixels"]
    assert report["whole"]["sum"] == report["all"]["sum"]


@pytest.mark.slow
def test_keys_turn_and_move_the_view(report):
    assert len({report[name]["sum"] for name in ("whole", "turned", "moved")}) == 3
    assert min(report[name]["pixels"] for name in ("turned", "moved")) > 0


@pytest.mark.slow
def test_a_point_under_the_pointer_is_described(report):
    assert report["tip"] and report["tip"].startswith("truth: chair/"), report["tip"]
    for word in ("prediction: chair/", "confidence 0.75", "points", "instance"):
        assert word in report["tip"]
    assert report["highlighted"] == 1
    assert report["left"] is None  # in the frame in which the pointer moved


@pytest.mark.slow
def test_a_mesh_is_drawn_and_described(report):
    assert report["mesh"]["sum"] != report["coarse"]["sum"] and report["mesh"]["pixels"] > 5000
    assert report["mesh_tip"].startswith("prediction: chair/") and "confidence 0.75" in report["mesh_tip"]
