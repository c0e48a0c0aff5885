// Mouse, touch and keyboard on a chart of chart.js: tooltips, choosing a mark, drawing a curve.

export const clamp = (v, low, high) => Math.max(low, Math.min(high, v))
export const pick = (all, i) => Array.isArray(all) ? all[Math.min(i, all.length - 1)] : all
export const round = v => Math.round(v * 10) / 10  // pixels
export const range = n => Array.from({length: n}, (_, i) => i)
const closestIndex = (values, target) => values.reduce((best, v, i) =>
  Math.abs(v - target) < Math.abs(values[best] - target) ? i : best, 0)

export function formatNumber(v, digits = 4) {
  if (!isFinite(v)) return v > 0 ? '∞' : '–'
  const size = Math.abs(v)
  if (v == 0 || (size >= 9.99e-5 && size < 1e6)) return `${+v.toPrecision(digits)}`
  const power = Math.floor(Math.log10(size) + 1e-9), head = +(v / 10 ** power).toPrecision(3)
  const exponent = `${power}`.replace(/./g, c => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(c)])
  return `${head == 1 ? '' : head + '×'}10${exponent}`
}

export const formatPadded = (v, n) =>  // with trailing zeros: 0.110 next to 0.111
  Math.abs(v) >= 1e-4 && Math.abs(v) < 10 ** n ? v.toPrecision(n) : formatNumber(v, n)

export function setAttrs(node, attributes = {}) {  // writes changes only: the browser lays out less
  const written = node.written ||= {}
  for (const [name, value] of Object.entries(attributes)) if (written[name] !== value) {
    written[name] = value
    if (name == 'text') node.textContent = value
    else if (value == null) node.removeAttribute(name)
    else node.setAttribute(name, value)
  }
  return node
}

// A spot is a point of a mark: its value on the axes (u, v) and its pixels in the chart (x, y).
export function interact({hit, tip, ring, svg}, {requestDraw, draw, onEvent, isInside}) {
  let spec, data, box, X, Y, em, unit  // as last drawn: see `update`
  let series = [], cursor = [0, 0], shown = null  // the keys' series and spot; the tip's spot
  let mouse = null, drag = null, keyEdit = null, timer = 0

  // Lists of spots: all points from left to right, then each line; or the rows of cells.
  function findSeries() {
    const points = [], lists = []
    spec.marks.forEach((m, k) => {
      if (m.hover === false && !m.click) return
      const [x, y] = data[k], many = m.kind == 'line' && y.rows > 1
      const spot = (i, u, v, more) => ({mark: m, k, i, u, v, x: X(u), y: Y(v), ...more})
      const addRows = ({rows, n}, spotAt) => lists.push(...range(rows).map(row =>
        range(n).map(j => spotAt(row * n + j, j, row))))
      if (m.kind == 'points') points.push(...range(y.n).map(i => spot(i, x.v[i], y.v[i])))
      if (m.kind == 'cross') points.push(...range(x.n).map(i => spot(i, x.v[i], spec.y.domain[1])))
      if (m.kind == 'line') addRows(y, (i, j, row) =>
        spot(i, x.v[x.rows > 1 ? i : j], y.v[i], {row, many}))
      if (m.kind == 'cells') addRows(x, (i, j, row) => spot(i, j, row, {cell: true}))
    })
    const all = [points.sort((a, b) => a.x - b.x), ...lists]
      .map(list => list.filter(s => isInside(s.x, s.y))).filter(list => list.length)
    const drawn = all.filter(list => list[0].mark.draw)  // the keys change these
    return drawn.length ? drawn : all
  }

  function describe({mark: m, k, i, row, u, v}) {  // what the tip says of a spot
    const {words, x, y} = spec, n = m.kind == 'line' && !m.draw ? row : i
    const name = pick(m.name, n), ownTip = pick(m.tip, n)
    const label = axis => `${axis.label} `.replace(/^ | \(.*\)/g, '')  // without explanations
    const read = (axis, value, format = formatNumber) => label(axis) +
      (axis.texts && !axis.ticks ? axis.texts[Math.round(value)] : format(value, 3))
    if (ownTip && m.kind != 'cells') return ownTip
    if (m.kind == 'cells') {
      const loss = data[k][0].v[i], missing = loss == Infinity ? words.diverged : words.unknown
      const result = isFinite(loss) ? `${name} ${formatPadded(loss, 3)}` : missing
      return (ownTip || `${read(x, u)}, ${read(y, v)}\n${result}`) + pick(m.label, i)
    }
    return (name ? name + '\n' : '') + read(x, u) + '\n' + (m.kind == 'cross'
      ? pick(m.label, i) || words.diverged : read(y, v, m.draw ? formatNumber : formatPadded))
  }

  function nearest(px, py) {
    const distance = s => (s.x - px) ** 2 * (s.many ? 1.6 : .8) + (s.y - py) ** 2
    return series.flat().filter(s => s.cell || distance(s) < (2.6 * em) ** 2)
      .sort((a, b) => distance(a) - distance(b))[0]
  }

  function showTip(spot) {  // hides it if there is no spot
    const before = shown, sameLine = before?.k == spot?.k && before?.row == spot?.row
    shown = spot
    tip.style.visibility = ring.style.visibility = spot ? 'visible' : 'hidden'
    hit.classList.toggle('can', !!spot?.mark.click)
    if (!sameLine && (before?.many || spot?.many)) requestDraw()  // the other lines fade
    if (!spot) return
    setAttrs(tip, {text: describe(spot)})
    const {x, y} = spot, tipWidth = tip.offsetWidth, above = y - tip.offsetHeight - em, r = 6 * unit
    tip.style.left = clamp(x - tipWidth / 2, 0, Math.max(0, box.W - tipWidth)) + 'px'
    tip.style.top = (above > 0 ? above : y + em) + 'px'
    const [width, height, rx] = spot.cell ? [X(1) - X(0), Y(0) - Y(1), 2] : [2 * r, 2 * r, r]
    setAttrs(ring, {x: round(x - width / 2), y: round(y - height / 2), width, height, rx})
  }

  const reportClick = spot => spot?.mark.click && onEvent({type: 'click', name: spot.mark.click,
    mark: spot.k, value: spot.mark.kind == 'line' ? spot.row : spot.i})

  function reportDrawing(k) {
    onEvent({type: 'draw', name: spec.marks[k].draw, mark: k, value: [...data[k][1].v]})
    requestDraw()
  }

  function updateSlider(moved) {  // `hit` as a slider over a series, for screen readers
    const list = series[cursor[0]] || series[0] || [], i = clamp(cursor[1], 0, list.length - 1)
    const spot = list[i]  // without one, all attributes are removed
    setAttrs(hit, {tabindex: spot && 0, role: spot && 'slider', 'aria-valuemin': spot && 0,
      'aria-valuemax': spot && list.length - 1, 'aria-valuenow': spot && i,
      'aria-label': spot && (spec.choose || spec.y.label), 'aria-description': spot && spec.alt,
      'aria-valuetext': spot && describe(spot).replace(/\n/g, ', ')})
    if (spot && (moved || (shown && !mouse)) && hit.matches(':focus')) showTip(spot)
  }

  function raise({k, i}, steps) {  // a point of the curve that is drawn
    const [low, high] = spec.y.domain, {v} = data[k][1]
    v[i] = clamp(v[i] + steps * (high - low) / 40, low, high)
    reportDrawing(k)
    // The kernel's answers to earlier keys may still arrive: they must not undo this.
    keyEdit = {k, data: data[k], until: performance.now() + 1500}
    draw()
  }

  hit.addEventListener('keydown', e => {
    const row = clamp(cursor[0], 0, series.length - 1), list = series[row]
    if (!list || e.ctrlKey || e.altKey || e.metaKey) return
    const last = list.length - 1, at = clamp(cursor[1], 0, last), spot = list[at]
    const up = {ArrowUp: 1, ArrowDown: -1, ...spot.mark.draw && {PageUp: 8, PageDown: -8}}[e.key]
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last}[e.key]
    mouse = null
    if (e.key == 'Escape') showTip(null)  // it may cover other marks
    if (to != null)  // the first arrow key only shows the cursor
      cursor = [row, shown || e.key.length < 5 ? clamp(to, 0, last) : at]
    else if (up && spot.mark.draw) raise(spot, up)
    else if (up) {
      const next = clamp(row + up, 0, series.length - 1)
      cursor = [next, closestIndex(series[next].map(s => s.x), spot.x)]
    } else if (e.key == 'Enter' || e.key == ' ') reportClick(spot)
    else return
    updateSlider(true)
    e.preventDefault()
    e.stopPropagation()
  })
  hit.addEventListener('focus', () => { series = findSeries(); if (!mouse) updateSlider(true) })
  hit.addEventListener('blur', () => { keyEdit = null; showTip(null) })

  const position = ({clientX, clientY}, {left, top} = svg.getBoundingClientRect()) =>
    [clientX - left, clientY - top]

  function drawTo(px, py) {  // the curve follows the mouse, also between two events
    const [x, y] = data[drag.k], height = clamp(Y.invert(py), ...spec.y.domain)
    const [a, b] = [drag.last || [px, height], [px, height]].sort((p, q) => p[0] - q[0])
    const places = Array.from(x.v, X), near = closestIndex(places, px)
    places.forEach((p, i) => {
      if (i == near) y.v[i] = height
      else if (p > a[0] && p < b[0]) y.v[i] = a[1] + (b[1] - a[1]) * (p - a[0]) / (b[0] - a[0])
    })
    drag.last = [px, height]
    requestDraw()
  }

  hit.addEventListener('pointerdown', e => {
    const k = spec.marks.findIndex(m => m.draw)
    if (k < 0) return
    drag = {k, data: data[k]}
    drawTo(...position(e))
    hit.setPointerCapture(e.pointerId)
  })
  hit.addEventListener('pointermove', e => {
    if (!mouse) series = findSeries()
    mouse = position(e)
    if (drag) drawTo(...mouse)
    else showTip(nearest(...mouse))
  })
  hit.addEventListener('lostpointercapture', () => {  // let go, or taken away by the system
    if (drag) reportDrawing(drag.k)
    showTip(drag = mouse = null)  // which would lie on what was drawn
  })
  for (const name of ['selectstart', 'dragstart'])  // of text, which would end a drawing
    hit.addEventListener(name, e => e.preventDefault())
  hit.addEventListener('pointerleave', () => { mouse = null; if (!drag) showTip(null) })
  hit.addEventListener('click', e => {
    const spot = nearest(...position(e))
    series.forEach((list, row) => { if (list.includes(spot)) cursor = [row, list.indexOf(spot)] })
    reportClick(spot)
    if (!mouse && !spot?.mark.draw) showTip(spot)  // a finger has left before the click
  })

  function refresh() {
    series = findSeries()
    if (mouse) showTip(nearest(...mouse))
    updateSlider(false)
  }

  return {
    shown: () => shown, edited: () => drag || (performance.now() < keyEdit?.until && keyEdit),
    close: () => clearTimeout(timer),
    update(drawing) {  // after each draw(); while nobody uses the chart, after the last
      ({spec, data, box, X, Y, em, unit} = drawing)
      clearTimeout(timer)
      if (mouse || !series.length || hit.matches(':focus')) refresh()
      else timer = setTimeout(refresh, 150)
    },
  }
}
