// Draws the scene of the page (page.py describes it) and answers the choices, the list of parts and the pointer.
//
// A cloud is one draw call. Each point has the number of its entry, and a texture, the palette, has the color of every
// entry, and whether it is shown: another level or view is another array of numbers, a part switched off one texel.
"use strict"

const PALETTE_WIDTH = 256 // texels in a row
const PICKED = 15 // edge in pixels of the square around the pointer in which points are looked for

const VERTEX = `
uniform sampler2D palette;
uniform float pointSize, hovered;
uniform bool picking, lit;
uniform int corners; // 1 of a point, 3 of a triangle
in float entry;
flat out vec4 color;
out float height;
void main() {
  int number = int(entry + 0.5);
  vec4 found = texelFetch(palette, ivec2(number % ${PALETTE_WIDTH}, number / ${PALETTE_WIDTH}), 0);
  height = position.y;
  vec4 place = modelViewMatrix * vec4(position, 1.0);
  gl_Position = found.a > 0.5 ? projectionMatrix * place : vec4(2.0, 2.0, 2.0, 1.0); // outside of what is seen
  gl_PointSize = max(pointSize / -place.z, 1.5);
  if (picking) {
    int id = gl_VertexID / corners + 1; // 0 is the background
    color = vec4(ivec4(id, id >> 8, id >> 16, 255) & 255) / 255.0;
  } else {
    float near = clamp((length(cameraPosition) + 0.7 + place.z) / 1.4, 0.0, 1.0); // of a cube around the middle
    float facing = lit ? abs(dot(normalize(normalMatrix * normal), normalize(place.xyz))) : near; // from both sides
    color = vec4(found.rgb * (0.6 + 0.4 * facing), 1.0);
    if (hovered >= 0.0 && abs(hovered - entry) < 0.5) color.rgb = mix(color.rgb, vec3(1.0), 0.45);
  }
}`

const FRAGMENT = `
uniform int corners;
uniform float top;
flat in vec4 color;
in float height;
out vec4 drawn;
void main() {
  if (height > top) discard;
  if (corners == 1 && length(gl_PointCoord - 0.5) > 0.5) discard;
  drawn = color;
}`

const element = id => document.getElementById(id)
const canvas = document.querySelector("canvas")
const state = { shape: 0, level: 0, reading: 0, view: "prediction", place: "points", hidden: new Set() }
let scene // of the page, with typed arrays

// ---------------------------------------------------------------- data

// The value with typed arrays where it describes them.
async function unpacked(value) {
  if (value === null || typeof value !== "object") return value
  if (value.type && value.data !== undefined) {
    const bytes = Uint8Array.from(atob(value.data), c => c.charCodeAt(0))
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
    const kind = { Int8Array, Int16Array, Uint16Array }[value.type]
    return new kind(await new Response(stream).arrayBuffer())
  }
  const entries = Object.entries(value)
  const inner = await Promise.all(entries.map(([, each]) => unpacked(each)))
  return Array.isArray(value) ? inner : Object.fromEntries(entries.map(([name], i) => [name, inner[i]]))
}

const shape = () => scene.shapes[state.shape]
const level = () => shape().levels[state.level]
const reading = () => level().readings[state.reading]
const views = () => ({ truth: level().truth, prediction: reading().prediction, errors: reading().errors })
const view = () => views()[state.view]
const positions = () => ({
  points: shape().points, surface: view().faces && shape().surface, shifted: reading().shifted,
})
const ids = named => state.place === "surface" ? named.faces : named.ids // of what is drawn

// ---------------------------------------------------------------- drawing

const renderer = new THREE.WebGLRenderer({ canvas, alpha: true, preserveDrawingBuffer: true })
const camera = new THREE.PerspectiveCamera(35, 1, 0.01, 100)
const controls = new THREE.OrbitControls(camera, canvas)
const world = new THREE.Scene()
const material = new THREE.ShaderMaterial({
  glslVersion: THREE.GLSL3, side: THREE.DoubleSide, vertexShader: VERTEX, fragmentShader: FRAGMENT,
  uniforms: Object.fromEntries(Object.entries(
    { palette: null, pointSize: 1, hovered: -1, picking: false, lit: false, corners: 1, top: 1 }).map(([name, value]) => [name, { value }])),
})
const uniforms = material.uniforms
const geometry = new THREE.BufferGeometry()
const objects = { points: new THREE.Points(geometry, material), surface: new THREE.Mesh(geometry, material) }
const pickTarget = new THREE.WebGLRenderTarget(PICKED, PICKED)
for (const each of Object.values(objects)) {
  each.frustumCulled = false
  each.position.set(-0.5, -0.5, -0.5) // coordinates are in the unit cube
  world.add(each)
}
camera.position.set(1.25, 0.85, 1.8) // from where a tall chair is seen whole
controls.update()

let waiting = false
function draw() { // at the next frame, once however often it is asked for
  if (waiting) return
  waiting = true
  requestAnimationFrame(() => { waiting = false; renderer.render(world, camera) })
}

function fit() {
  const { clientWidth: width, clientHeight: height } = canvas.parentElement
  renderer.setPixelRatio(window.devicePixelRatio)
  renderer.setSize(width, height)
  camera.aspect = width / height
  camera.updateProjectionMatrix()
  resize()
}

// Points cover a surface without holes when their area shrinks as their number grows.
function resize() {
  const count = shape().points.length / 3
  const pixels = canvas.height / (2 * Math.tan(camera.fov * Math.PI / 360)) // of a unit length at distance 1
  uniforms.pointSize.value = pixels * Number(element("size").value) * Math.min(1.6 / Math.sqrt(count), 0.03)
  draw()
}

// What lies above the height of the slider, a share of that of what is drawn, is not drawn.
const heights = new WeakMap() // array of the scene -> lowest and highest y
function cut() {
  const array = positions()[state.place]
  if (!heights.has(array)) {
    let low = 65535, high = 0
    for (let i = 1; i < array.length; i += 3) [low, high] = [Math.min(low, array[i]), Math.max(high, array[i])]
    heights.set(array, [low / 65535, high / 65535])
  }
  const [low, high] = heights.get(array)
  const share = Number(element("height").value)
  uniforms.top.value = share < 1 ? low + share * (high - low) : 2
  draw()
}

function paint() {
  const { entries } = view()
  const rows = Math.ceil(entries.length / PALETTE_WIDTH)
  const texels = new Uint8Array(4 * PALETTE_WIDTH * rows)
  entries.forEach(({ color }, i) => {
    const rgb = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16))
    texels.set([...rgb, state.hidden.has(i) ? 0 : 255], 4 * i)
  })
  uniforms.palette.value?.dispose()
  uniforms.palette.value = new THREE.DataTexture(texels, PALETTE_WIDTH, rows)
  uniforms.palette.value.needsUpdate = true
  draw()
}

// What was drawn before stays on the GPU, and goes there once: 100,000 points take a third of a second.
const kept = new WeakMap() // array of the scene -> its attribute
function attribute(array, size, normalized = false, values = () => array) {
  if (!kept.has(array)) kept.set(array, new THREE.BufferAttribute(values(), size, normalized))
  return kept.get(array)
}

function place() {
  const surface = state.place === "surface"
  const normals = state.place === "points" ? shape().normals : null
  objects.surface.visible = surface
  objects.points.visible = !surface
  uniforms.corners.value = surface ? 3 : 1
  uniforms.lit.value = surface || normals !== null
  const { faces, ids: numbers } = view()
  const ofCorners = () => Uint16Array.from({ length: 3 * faces.length }, (_, i) => faces[i / 3 | 0])
  geometry.setAttribute("position", attribute(positions()[state.place], 3, true))
  geometry.setAttribute("entry", surface ? attribute(faces, 1, false, ofCorners) : attribute(numbers, 1))
  geometry.deleteAttribute("normal")
  if (surface) {
    if (shape().slopes) geometry.setAttribute("normal", shape().slopes)
    else geometry.computeVertexNormals()
    shape().slopes = geometry.getAttribute("normal")
  } else if (normals) geometry.setAttribute("normal", attribute(normals, 3, true))
}

// The row of the point or triangle at the pointer, or nearest to it; -1 where there is none.
function pick(x, y) {
  const { clientWidth: width, clientHeight: height } = canvas
  const ratio = renderer.getPixelRatio()
  const corner = [x * ratio - PICKED / 2, y * ratio - PICKED / 2]
  camera.setViewOffset(width * ratio, height * ratio, ...corner, PICKED, PICKED)
  uniforms.picking.value = true
  renderer.setRenderTarget(pickTarget)
  renderer.clear()
  renderer.render(world, camera)
  const pixels = new Uint8Array(4 * PICKED * PICKED)
  renderer.readRenderTargetPixels(pickTarget, 0, 0, PICKED, PICKED, pixels)
  renderer.setRenderTarget(null)
  uniforms.picking.value = false
  camera.clearViewOffset()
  let best = -1, nearest = Infinity
  for (let i = 0; i < PICKED * PICKED; i++) {
    const id = pixels[4 * i] + 256 * pixels[4 * i + 1] + 65536 * pixels[4 * i + 2]
    const distance = Math.hypot(i % PICKED - PICKED / 2, Math.floor(i / PICKED) - PICKED / 2)
    if (id && distance < nearest) [best, nearest] = [id - 1, distance]
  }
  return best
}

// ---------------------------------------------------------------- the page around it

function text(tag, content, className = "") {
  const made = document.createElement(tag)
  made.textContent = content
  made.className = className
  return made
}

// Buttons of which one is pressed: options are [value, label]; those of one option alone are left out.
function choice(name, title, options) {
  const group = document.createElement("fieldset")
  group.id = name
  group.append(text("legend", title))
  for (const [value, label] of options) {
    const button = text("label", "", "choice")
    const input = document.createElement("input")
    Object.assign(input, { type: "radio", name, value, checked: state[name] === value })
    input.addEventListener("change", () => { state[name] = value; update(name) })
    button.append(input, text("span", label))
    group.append(button)
  }
  if (options.length > 1) element("choices").append(group)
}

const numbered = titles => titles.map((title, i) => [i, title])
const existing = (titles, found) => Object.entries(titles).filter(([name]) => found[name])

function showChoices() {
  element("choices").querySelectorAll("fieldset:not(#sliders)").forEach(each => each.remove())
  choice("shape", "Shape", numbered(scene.shapes.map(each => each.title)))
  choice("level", "Level", numbered(scene.levels.map(each => each.name)))
  choice("view", "Colors", existing({ truth: "Ground truth", prediction: "Prediction", errors: "Errors" }, views()))
  choice("reading", "Read", numbered(level().readings.map(each => each.title)))
  choice("place", "Show", existing({ points: "As measured", surface: "Mesh", shifted: "Shifted" }, positions()))
  element("choices").append(element("sliders"))
}

function showParts() {
  const list = element("parts")
  const rows = view().entries.map((entry, i) => [entry, i]).filter(([entry]) => entry.size)
  if (state.view !== "errors") rows.sort(([a, i], [b, j]) => !i - !j || a.name.localeCompare(b.name) || b.size - a.size)
  list.replaceChildren(...rows.map(([entry, i]) => {
    const row = text("label", "", entry.wrong ? "part wrong" : "part")
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !state.hidden.has(i) })
    const swatch = document.createElement("i")
    swatch.style.background = entry.color
    const confidence = entry.confidence === undefined ? "" : ` · ${entry.confidence.toFixed(2)}`
    row.append(box, swatch, text("b", entry.name.split("/").pop()), text("small", entry.size.toLocaleString("en") + confidence))
    row.title = described(entry, i)
    row.dataset.entry = i
    box.addEventListener("change", () => { state.hidden[box.checked ? "delete" : "add"](i); paint() })
    row.addEventListener("pointerenter", () => highlight(i))
    row.addEventListener("pointerleave", () => highlight(-1))
    return row
  }))
  const number = rows.filter(([, i]) => i || state.view === "errors").length
  element("count").textContent = state.view === "errors" ? "points" : `${number} instance${number === 1 ? "" : "s"} · points`
    + (state.view === "prediction" ? " · confidence" : "")
}

function described(entry, i) {
  if (entry.confidence === undefined && (!i || state.view === "errors")) return entry.name
  const facts = [`${entry.name}, instance ${i - 1}`, `${entry.size.toLocaleString("en")} points`]
  if (entry.confidence !== undefined) facts.push(`confidence ${entry.confidence.toFixed(2)}`)
  if (entry.wrong) facts.push("matches no true instance")
  return facts.join(" · ")
}

// What each view says of a point or triangle.
function tip(row) {
  const named = existing({ truth: "truth", prediction: "prediction", errors: "" }, views())
  const lines = named.filter(([name]) => ids(views()[name])).map(([name, label]) => {
    const { entries, semantic } = views()[name]
    const number = ids(views()[name])[row]
    const part = semantic && state.place !== "surface" && scene.levels[state.level].classes[semantic[row]]
    const said = part && !number ? `${part}, in no instance` : described(entries[number], number)
    const line = document.createElement("div")
    line.append(text("span", label && `${label}: `), name === "errors" ? entries[number].name : said)
    return line
  })
  element("tip").replaceChildren(...lines)
}

function highlight(number) {
  if (uniforms.hovered.value === number) return
  uniforms.hovered.value = number
  for (const row of element("parts").children) row.classList.toggle("hovered", Number(row.dataset.entry) === number)
  draw()
}

function hover(event) {
  const row = event.buttons ? -1 : pick(event.offsetX, event.offsetY)
  highlight(row < 0 ? -1 : ids(view())[row])
  element("tip").hidden = row < 0
  if (row < 0) return
  tip(row)
  const { clientWidth: width, clientHeight: height } = canvas
  const { offsetWidth, offsetHeight } = element("tip")
  element("tip").style.left = `${Math.min(event.offsetX + 14, width - offsetWidth - 4)}px`
  element("tip").style.top = `${Math.min(event.offsetY + 14, height - offsetHeight - 4)}px`
}

// After a choice: what the new place lacks falls back to what it has.
function update(changed) {
  state.reading = Math.min(state.reading, level().readings.length - 1)
  if (!views()[state.view]) state.view = "prediction"
  if (!positions()[state.place]) state.place = "points"
  if (changed !== "place") state.hidden.clear()
  element("tip").hidden = true
  uniforms.hovered.value = -1
  place()
  cut()
  paint()
  resize()
  showParts()
  showChoices()
  document.querySelector(`#${changed} input:checked`)?.focus()
}

async function start() {
  scene = await unpacked(JSON.parse(element("scene").textContent))
  state.level = scene.levels.length - 1
  update()
  fit()
  controls.addEventListener("change", draw)
  controls.listenToKeyEvents(canvas)
  new ResizeObserver(fit).observe(canvas.parentElement)
  let last = null // where the pointer is, until the next frame
  canvas.addEventListener("pointermove", event => { // at most once a frame
    if (last === null) requestAnimationFrame(() => { if (last) hover(last); last = null })
    last = event
  })
  canvas.addEventListener("pointerleave", () => { last = null; element("tip").hidden = true; highlight(-1) })
  element("size").addEventListener("input", resize)
  element("height").addEventListener("input", cut)
  const switchAll = hidden => () => { state.hidden = new Set(hidden ? view().entries.keys() : []); showParts(); paint() }
  element("all").addEventListener("click", switchAll(false))
  element("none").addEventListener("click", switchAll(true))
}

start()
