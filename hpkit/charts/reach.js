// What can be reached in a chart: its spots under the mouse and the arrow keys, what is said
// of them, a curve that is drawn, a range that is set. chart.js draws.

export const clamp = (v, low, high) => Math.max(low, Math.min(high, v))
export const pick = (all, i) => Array.isArray(all) ? all[Math.min(i, all.length - 1)] : all
export const f1 = v => Math.round(v * 10) / 10
export const range = n => Array.from({length: n}, (_, i) => i)
const closest = (places, to) =>
  places.reduce((best, p, i) => Math.abs(p - to) < Math.abs(places[best] - to) ? i : best, 0)

export function num(v, digits = 4) {
  if (!isFinite(v)) return v > 0 ? '∞' : '–'
  const size = Math.abs(v)
  if (v == 0 || (size >= 9.99e-5 && size < 1e6)) return `${+v.toPrecision(digits)}`
  const power = Math.floor(Math.log10(size) + 1e-9), head = +(v / 10 ** power).toPrecision(3)
  const raised = `${power}`.replace(/./g, c => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(c)])
  return `${head == 1 ? '' : head + '×'}10${raised}`
}

export const fixed = (v, n) =>  // 0.110 beside 0.111
  Math.abs(v) >= 1e-4 && Math.abs(v) < 10 ** n ? v.toPrecision(n) : num(v, n)

export function put(node, attributes) {  // writes only what is new: the browser lays out less
  const old = node.old ||= {}
  for (const [name, value] of Object.entries(attributes || {})) if (old[name] !== value) {
    old[name] = value
    if (name == 'said') node.textContent = value
    else if (value == null) node.removeAttribute(name)
    else node.setAttribute(name, value)
  }
  return node
}

export function scaled({kind, domain: [low, high]}, from, to) {
  const [f, back] = kind == 'log' ? [Math.log10, v => 10 ** v] : [v => v, v => v]
  const a = f(low), k = (to - from) / (f(high) - a || 1), at = v => from + (f(v) - a) * k
  return Object.assign(at, {back: p => back(a + (p - from) / k)})
}

// A spot is a point of a mark, with its place in the chart (u, v) and on the page (x, y).
export function reach({hit, tip, ring, svg}, {ask, draw, tell, isInside}) {
  let spec, data, box, X, Y, em, unit  // as last drawn: see `update`
  let series = [], here = [0, 0], hot = null, mouse = null, held = null, own = null, rest = 0

  // Lists of spots: the points from left to right, then each line; or rows of cells.
  function spots() {
    const dots = [], lists = []
    spec.marks.forEach((m, k) => {
      const [x, y] = data[k], many = m.kind == 'line' && y.rows > 1
      const spot = (i, u, v, more) => ({mark: m, k, i, u, v, x: X(u), y: Y(v), ...more})
      const rows = (count, n, at) => lists.push(...range(count).map(row =>
        range(n).map(j => at(row * n + j, j, row))))
      if (m.hover === false && !m.click) return
      if (m.kind == 'points') dots.push(...range(y.n).map(i => spot(i, x.v[i], y.v[i])))
      if (m.kind == 'cross') dots.push(...range(x.n).map(i => spot(i, x.v[i], spec.y.domain[1])))
      if (m.kind == 'line') rows(y.rows, y.n, (i, j, row) =>
        spot(i, x.v[x.rows > 1 ? i : j], y.v[i], {row, many}))
      if (m.kind == 'cells') rows(x.rows, x.n, (i, j, row) => spot(i, j, row, {cell: true}))
    })
    const all = [dots.sort((a, b) => a.x - b.x), ...lists]
      .map(list => list.filter(s => isInside(s.x, s.y))).filter(list => list.length)
    const own = all.filter(list => list[0].mark.draw)  // the keys change these
    return own.length ? own : all
  }

  function said({mark: m, k, i, row, u, v}) {
    const {words, x, y} = spec, n = m.kind == 'line' && !m.draw ? row : i, name = pick(m.name, n)
    const own = pick(m.tip, n), label = axis => `${axis.label} `.replace(/^ | \(.*\)/g, '')
    const at = (axis, place, say = num) => label(axis) +  // brackets explain it on the axis
      (axis.texts && !axis.ticks ? axis.texts[Math.round(place)] : say(place, 3))
    if (own || m.kind != 'cells') return own || (name ? name + '\n' : '') + at(x, u) + '\n' +
      (m.kind == 'cross' ? pick(m.label, i) || words.diverged : at(y, v, m.draw ? num : fixed))
    const value = data[k][0].v[i], strange = value == Infinity ? words.diverged : words.unknown
    const state = isFinite(value) ? `${name} ${fixed(value, 3)}` : strange
    return `${at(x, u)}, ${at(y, v)}\n${state}${pick(m.label, i)}`
  }

  function nearest(px, py) {
    const far = s => (s.x - px) ** 2 * (s.many ? 1.6 : .8) + (s.y - py) ** 2
    return series.flat().filter(s => s.cell || far(s) < (2.6 * em) ** 2)
      .sort((a, b) => far(a) - far(b))[0]
  }

  function point(h) {  // shows what is said of a spot
    const before = hot, other = !before != !h || (h && (before.k != h.k || before.row != h.row))
    hot = h
    tip.style.visibility = ring.style.visibility = h ? 'visible' : 'hidden'
    hit.classList.toggle('can', !!(h && h.mark.click))
    if (other && [before, h].some(s => s && s.many)) ask()  // the other lines fade
    if (!h) return
    put(tip, {said: said(h)})
    const wide = tip.offsetWidth, up = h.y - tip.offsetHeight - em, r = 6 * unit
    tip.style.left = clamp(h.x - wide / 2, 0, Math.max(0, box.W - wide)) + 'px'
    tip.style.top = (up > 0 ? up : h.y + em) + 'px'
    const [a, b, rx] = h.cell ? [(X(1) - X(0)) / 2, (Y(0) - Y(1)) / 2, 2] : [r, r, r]
    put(ring, {x: f1(h.x - a), y: f1(h.y - b), width: f1(2 * a), height: f1(2 * b), rx})
  }

  const choose = h => h && h.mark.click && tell({type: 'click', name: h.mark.click, mark: h.k,
    value: h.mark.kind == 'line' ? h.row : h.i})

  function changed(k) {  // tells what a learner has drawn
    tell({type: 'draw', name: spec.marks[k].draw, mark: k, value: [...data[k][1].v]})
    ask()
  }

  function focus(moved) {
    const list = series[here[0]] || series[0] || [], at = clamp(here[1], 0, list.length - 1)
    const s = list[at], some = value => s ? value : null
    put(hit, {tabindex: some(0), role: some('slider'), 'aria-valuemin': some(0),
      'aria-valuemax': some(list.length - 1), 'aria-valuenow': some(at),
      'aria-label': some(spec.choose || spec.y.label), 'aria-description': some(spec.alt),
      'aria-valuetext': s ? said(s).replace(/\n/g, ', ') : null})
    if (s && (moved || (hot && !mouse)) && hit.matches(':focus')) point(s)
  }

  function lift(s, by) {  // a height that is drawn
    const [low, high] = spec.y.domain, {v} = data[s.k][1]
    v[s.i] = clamp(v[s.i] + by * (high - low) / 40, low, high)
    changed(s.k)
    // What the kernel says of the keys before may come later.
    own = {k: s.k, data: data[s.k], until: performance.now() + 1500}
    draw()
  }

  hit.addEventListener('keydown', e => {
    const row = clamp(here[0], 0, series.length - 1), list = series[row]
    if (!list || e.ctrlKey || e.altKey || e.metaKey) return
    const last = list.length - 1, at = clamp(here[1], 0, last), spot = list[at]
    const up = {ArrowUp: 1, ArrowDown: -1, ...spot.mark.draw && {PageUp: 8, PageDown: -8}}[e.key]
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last}[e.key]
    mouse = null
    if (to != null)  // the first key shows where it is
      here = [row, hot || e.key.length < 5 ? clamp(to, 0, last) : at]
    else if (up && spot.mark.draw) lift(spot, up)
    else if (up) {
      const next = clamp(row + up, 0, series.length - 1)
      here = [next, closest(series[next].map(s => s.x), spot.x)]
    } else if (e.key == 'Enter' || e.key == ' ') choose(spot)
    else return e.key == 'Escape' && point(null)  // what is said may lie over other marks
    focus(true)
    e.preventDefault()
    e.stopPropagation()
  })
  hit.addEventListener('focus', () => { series = spots(); if (!mouse) focus(true) })
  hit.addEventListener('blur', () => { own = null; point(null) })

  const local = ({clientX, clientY}, {left, top} = svg.getBoundingClientRect()) =>
    [clientX - left, clientY - top]

  function pull(px, py) {  // what is held follows the mouse
    const [x, y] = data[held.k], height = clamp(Y.back(py), ...spec.y.domain)
    const [a, b] = [held.last || [px, height], [px, height]].sort((p, q) => p[0] - q[0])
    const places = Array.from(x.v, X), near = closest(places, px)
    places.forEach((p, i) => {
      if (i == near) y.v[i] = height
      else if (p > a[0] && p < b[0]) y.v[i] = a[1] + (b[1] - a[1]) * (p - a[0]) / (b[0] - a[0])
    })
    held.last = [px, height]
    ask()
  }

  hit.addEventListener('pointerdown', e => {
    const k = spec.marks.findIndex(m => m.draw)
    if (k < 0) return
    held = {k, data: data[k]}
    pull(...local(e))
    hit.setPointerCapture(e.pointerId)
  })
  hit.addEventListener('pointermove', e => {
    if (!mouse) series = spots()
    mouse = local(e)
    if (held) pull(...mouse)
    else point(nearest(...mouse))
  })
  hit.addEventListener('lostpointercapture', () => {  // let go, or taken away by the system
    if (held) changed(held.k)
    held = null
  })
  for (const name of ['selectstart', 'dragstart'])  // of texts, by which a drawing would end
    hit.addEventListener(name, e => e.preventDefault())
  hit.addEventListener('pointerleave', () => { mouse = null; if (!held) point(null) })
  hit.addEventListener('click', e => {
    const h = nearest(...local(e))
    series.forEach((list, row) => { if (list.includes(h)) here = [row, list.indexOf(h)] })
    choose(h)
    if (!mouse && !h?.mark.draw) point(h)  // a finger has left before
  })

  function refresh() {
    series = spots()
    if (mouse) point(nearest(...mouse))
    focus(false)
  }

  return {
    hot: () => hot, held: () => held || (performance.now() < own?.until && own),
    close: () => clearTimeout(rest),
    update(drawn) {  // after each picture; where nobody is, when none follows for a while
      ({spec, data, box, X, Y, em, unit} = drawn)
      clearTimeout(rest)
      const anyone = mouse || !series.length || hit.matches(':focus')
      rest = anyone ? refresh() : setTimeout(refresh, 150)
    },
  }
}
