// Draws the charts of spec.py as SVG. `charts(el, tell)` works on any page that has the
// style sheet (colors.css and chart.css); the default export is an anywidget.
// Nothing is loaded from anywhere.

const DASH = {dashed: '6 4', dotted: '1.5 4', dashdot: '7 4 1.5 4'}
const DIGITS = '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'
const clamp = (v, low, high) => Math.max(low, Math.min(high, v))
const pick = (value, i) => Array.isArray(value) ? value[Math.min(i, value.length - 1)] : value
const f1 = v => Math.round(v * 10) / 10
const range = n => Array.from({length: n}, (_, i) => i)

function color(name) {
  if (!name) return 'var(--hp-blue)'
  if (name[0] == '#') return name
  return name == 'ink' || name == 'ground' ? `var(--hpc-${name})` : `var(--hp-${name})`
}

export function num(v, digits = 4) {
  if (!isFinite(v)) return v > 0 ? '∞' : '–'
  const size = Math.abs(v)
  if (v == 0 || (size >= 9.99e-5 && size < 1e6)) return String(+v.toPrecision(digits))
  const power = Math.floor(Math.log10(size) + 1e-9), head = +(v / 10 ** power).toPrecision(3)
  const raised = String(power).replace(/./g, c => DIGITS['-0123456789'.indexOf(c)])
  return (head == 1 ? '' : head + '×') + '10' + raised
}

// ---- elements ------------------------------------------------------------------------

function make(tag, parent, attributes = {}) {
  const node = tag[0] == '<' ? document.createElement(tag.slice(1))
    : document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const name in attributes) node.setAttribute(name, attributes[name])
  return parent ? parent.appendChild(node) : node
}

function put(node, attributes) {  // writes only what is new: the browser lays out less
  const old = node.old || (node.old = {})
  for (const name in attributes) {
    const value = attributes[name]
    if (old[name] === value) continue
    old[name] = value
    if (name == 'said') node.textContent = value
    else if (value == null) node.removeAttribute(name)
    else node.setAttribute(name, value)
  }
  return node
}

function pool(group, tag, count) {  // exactly `count` children, old ones used again
  while (group.childNodes.length > count) group.lastChild.remove()
  while (group.childNodes.length < count) make(tag, group)
  return group.childNodes
}

// ---- numbers -------------------------------------------------------------------------

export function unpack(data) {  // a mark's data (DataView, or base64) as columns
  if (!data) return []
  if (typeof data == 'string')
    data = new DataView(Uint8Array.from(atob(data), c => c.charCodeAt(0)).buffer)
  const from = data.byteOffset || 0
  const bytes = (data.buffer || data).slice(from, from + data.byteLength)
  const whole = new Int32Array(bytes), floats = new Float32Array(bytes)
  let start = 1 + 2 * whole[0]
  return range(whole[0]).map(k => {
    const [rows, n] = whole.subarray(1 + 2 * k)
    return {rows, n, v: floats.subarray(start, start += rows * n)}
  })
}

function scaled(axis, from, to) {
  const log = axis.kind == 'log', f = log ? Math.log10 : v => v
  const [low, high] = axis.domain, a = f(low), k = (to - from) / (f(high) - a || 1)
  const at = v => from + (f(v) - a) * k
  at.back = p => { const v = a + (p - from) / k; return log ? 10 ** v : v }
  return at
}

// Lists of ticks [place, text, line], the densest first; the first that fits is taken.
function* tickings(axis, most) {
  const [low, high] = axis.domain
  const inside = v => v >= low - 1e-9 * Math.abs(low) && v <= high * (1 + 1e-9) + 1e-12
  const said = list => list.filter(inside).map(v => [v, num(v), 0])
  if (axis.kind == 'none') {
    yield []
  } else if (axis.texts) {
    const all = axis.texts.map((t, i) => [axis.ticks ? axis.ticks[i] : i, t, 0])
    yield all
    yield all.map(([v, t], i) => [v, t, i % 2])
    for (let k = 2; k < all.length; k++) yield all.map(([v, t], i) => [v, i % k ? '' : t, 0])
    yield all.map(([v, t], i) => [v, i && i < all.length - 1 ? '' : t, i ? 1 : 0])
  } else if (axis.ticks) {
    for (let k = 1; k < axis.ticks.length; k++) yield said(axis.ticks.filter((_, i) => i % k == 0))
  } else if (axis.kind == 'log') {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high))
    const tens = range(last - first + 1).map(i => +`1e${first + i}`)
    if (high / low < 30) yield said(tens.flatMap(t => [t, 2 * t, 5 * t]))
    yield said(tens.flatMap(t => [t, 3 * t]))
    for (let k = 1; k <= tens.length; k++) {
      const some = said(tens).filter((_, i) => i % k == 0)
      if (some.length > 1) yield some
    }
  } else {
    for (let n = most; n >= 1; n--) {
      const raw = (high - low) / n, ten = 10 ** Math.floor(Math.log10(raw))
      const step = [1, 2, 2.5, 5, 10].find(s => s * ten >= raw * (1 - 1e-9)) * ten
      const from = Math.ceil(low / step - 1e-9), to = Math.floor(high / step + 1e-9)
      if (to > from) yield said(range(to - from + 1).map(i => (from + i) * step))
    }
  }
  if (!axis.texts) yield said([low, high])
}

// Places near the wanted ones, `gap` apart, between low and high: least squares, where
// labels crowd they move as a block (pool adjacent violators).
export function spread(wanted, gap, low, high) {
  const order = range(wanted.length).sort((a, b) => wanted[a] - wanted[b]), blocks = []
  order.forEach((i, k) => {
    blocks.push([wanted[i] - k * gap, 1])
    for (let n; (n = blocks.length) > 1 && blocks[n - 2][0] > blocks[n - 1][0];) {
      const [b, m] = blocks.pop(), [a, l] = blocks.pop()
      blocks.push([(a * l + b * m) / (l + m), l + m])
    }
  })
  const free = blocks.flatMap(([v, n]) => Array(n).fill(v)), placed = []
  const most = Math.max(low, high - (order.length - 1) * gap)
  order.forEach((i, k) => { placed[i] = clamp(free[k], low, most) + k * gap })
  return placed
}

const PLUS = [[-1, 1], [1, 1], [1, -1], [-1, -1]].flatMap(([a, b], i) => {
  const corner = [[a * .42, b * 1.3], [a * .42, b * .42], [a * 1.3, b * .42]]
  return i % 2 ? corner.reverse() : corner
})
const SHAPES = {
  square: [[-.88, -.88], [.88, -.88], [.88, .88], [-.88, .88]],
  diamond: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
  triangle: [[0, -1.15], [1.1, .8], [-1.1, .8]],
  plus: PLUS,
  x: PLUS.map(([a, b]) => [.71 * (a - b), .71 * (a + b)]),
}

function shape(kind, x, y, r) {
  const corners = (SHAPES[kind] || []).map(([a, b]) => `${f1(x + a * r)} ${f1(y + b * r)}`)
  return corners.length ? `M${corners.join('L')}Z`
    : `M${f1(x - r)} ${f1(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
}

function ramp(stops, share) {
  const at = clamp(share, 0, 1) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at))
  const [a, b] = [stops[i], stops[i + 1]].map(hex => [1, 3, 5].map(k => parseInt(hex.substr(k, 2), 16)))
  return a.map((v, k) => Math.round(v + (b[k] - v) * (at - i)))
}

const isBright = rgb =>
  rgb.reduce((sum, p, k) => sum + [.2126, .7152, .0722][k] * (p / 255) ** 2.2, 0) > .18

function fixed(v, digits) {  // 0.70, not 0.7
  const text = v.toPrecision(digits)
  return text.length > digits + 2 ? num(v, digits) : text
}

function valueAt(axis, share) {  // what stands at a share of an axis
  const [low, high] = axis.domain
  if (axis.texts) return axis.texts[Math.round(share * (axis.texts.length - 1))]
  return num(axis.kind == 'log' ? low * (high / low) ** share : low + share * (high - low), 3)
}

// ---- one chart -----------------------------------------------------------------------

function chart(el, tell) {
  const root = make('<div', el, {class: 'hpc'})
  const title = make('<div', root, {class: 'hpc-title'})
  const head = make('<div', root, {class: 'hpc-head', 'aria-hidden': 'true'})
  const frame = make('<div', root, {class: 'hpc-frame'})
  const svg = make('svg', frame, {role: 'img'})
  const hit = make('<div', frame, {class: 'hpc-hit'})
  const tip = make('<div', frame, {class: 'hpc-tip', 'aria-hidden': 'true'})
  const probe = make('<div', root, {class: 'hpc-probe'})
  const clip = 'hpc' + Math.random().toString(36).slice(2)
  const area = make('rect', make('clipPath', make('defs', svg), {id: clip}))
  const [grid, ticksX, ticksY, plot, over, ends, leads, notes] = range(8).map(() => make('g', svg))
  const base = make('line', grid, {class: 'base'}), gridlines = make('g', grid, {class: 'grid'})
  const nameX = make('text', svg), ring = make('rect', svg, {class: 'hpc-at'})
  const pen = document.createElement('canvas').getContext('2d'), widths = new Map()
  ticksX.setAttribute('class', 'tick')
  ticksY.setAttribute('class', 'tick')
  notes.setAttribute('class', 'notes')
  // What is shown; where (box, X and Y: places in pixels); what waits for room, what has it;
  // the spots that can be reached; under the pointer or the keys, and what the mouse holds.
  let spec = null, data = [], raw = [], groups = [], headed = '', asked = 0
  let box, X, Y, em = 13, family = '', small = 1
  let waiting = [], taken = []
  let series = [], here = [0, 0], hot = null, mouse = null, held = null

  const unit = () => clamp(em / 13, 1, 2.2)
  const ask = () => { asked = asked || requestAnimationFrame(draw) }

  function width(text, size = 1, strong = false) {
    const key = `${size} ${strong} ${text}`
    if (!widths.has(key)) {
      pen.font = `${strong ? 700 : 400} ${size * em}px ${family}`
      widths.set(key, pen.measureText(text).width)
    }
    return widths.get(key)
  }

  // A text around (x, y). A tint is mixed with the page's own color, where browsers can.
  function write(node, said, x, y, {anchor = 'middle', fill, tint, size = 1, strong}) {
    const ink = color('ink'), plain = tint && tint[0] != '#' ? tint : fill || ink
    const mixed = tint ? `fill:color-mix(in srgb,${tint} 50%,${ink});` : ''
    put(node, {said, x: f1(x), y: f1(y + .33 * em * size), 'text-anchor': anchor,
      style: `fill:${plain};${mixed}font-size:${size}em;font-weight:${strong ? 700 : 400}`})
  }

  function occupy(x, y, wide, high = 1.2 * em) {
    taken.push([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])
  }

  function show(newSpec, newRaw) {
    if (newSpec === spec && newRaw.every((r, i) => r === raw[i])) return
    data = newRaw.map((r, i) => r === raw[i] && data[i] ? data[i] : unpack(r))
    if (held && held.data) data[held.k] = held.data  // not while a learner draws
    raw = newRaw
    spec = newSpec
    svg.style.height = `min(max(11em, ${spec.height}em), max(11em, 66vh))`
    ask()
  }

  function draw() {
    asked = 0
    if (!spec || !root.clientWidth) return
    waiting = []
    taken = []
    layout()
    spec.marks.forEach((m, i) => DRAW[m.kind](group(i, m.kind), m, ...data[i]))
    while (groups.length > spec.marks.length) groups.pop().forEach(g => g.remove())
    labels()
    besides()
    series = spots()
    if (mouse) point(nearest(...mouse))
    focus(false)
  }

  function group(i, kind) {  // where mark i draws: below the texts, and above all marks
    if (!groups[i] || groups[i].kind != kind) {
      if (groups[i]) groups[i].forEach(g => g.remove())
      groups[i] = [plot, over].map(g => g.insertBefore(make('g'), g.childNodes[i] || null))
      groups[i].kind = kind
      groups[i][0].setAttribute('class', kind)
      if (['line', 'band', 'rule', 'image'].includes(kind))
        groups[i][0].setAttribute('clip-path', `url(#${clip})`)
    }
    return groups[i]
  }

  // ---- axes --------------------------------------------------------------------------

  function ticks(axis, most, apart) {  // the densest ones of which no text meets the next
    let last = []
    for (last of tickings(axis, most)) {
      const meet = last.some((a, i) => {
        const b = a[1] && last.slice(i + 1).find(o => o[1] && o[2] == a[2])
        return b && !apart(a, b)
      })
      if (!meet) break
    }
    return last
  }

  function layout() {
    const style = getComputedStyle(root)
    if (parseFloat(style.fontSize) != em || family != style.fontFamily) widths.clear()
    em = parseFloat(style.fontSize)
    family = style.fontFamily
    put(title, {said: spec.title, hidden: spec.title ? null : ''})
    header()
    const W = root.clientWidth, H = Math.round(svg.getBoundingClientRect().height)
    const line = 1.35 * em, top = em, rough = scaled(spec.y, H - top - 3 * em, 0)
    const up = ticks(spec.y, clamp(Math.round((H - 4 * em) / (3.2 * em)), 2, 6), (a, b) =>
      a[2] == b[2] && Math.abs(rough(a[0]) - rough(b[0])) > line).filter(t => !t[2])
    const wanted = Math.max(.6 * em, ...spec.marks.map(m => m.kind != 'line' ? 0 : Math.max(0,
      ...[m.label].flat().map(t => t ? width(t, 1, true) + 1.2 * em : 0))))
    let left = Math.max(...up.map(t => width(t[1], .92)), .2 * em) + .75 * em
    let right = Math.min(wanted, W * .38), across = []
    small = clamp((right - 1.2 * em) / (wanted - 1.2 * em), .5, 1)
    const half = t => width(t[1], .92) / 2
    for (let turn = 0; turn < 3; turn++) {  // the texts at both ends widen the margins
      const wide = scaled(spec.x, left, W - right)
      across = ticks(spec.x, clamp(Math.round((W - left - right) / (5 * em)), 2, 9),
        (a, b) => wide(b[0]) - wide(a[0]) > half(a) + half(b) + .7 * em)
      left += Math.max(0, ...across.map(t => half(t) + 1 - wide(t[0])))
      right += Math.max(0, ...across.map(t => wide(t[0]) + half(t) + 1 - W))
    }
    const below = (spec.x.label ? 2.9 : 1.6) * em + (across.some(t => t[2]) ? line : 0)
    box = {W, H, left, right: W - right, top, bottom: H - below}
    X = scaled(spec.x, box.left, box.right)
    Y = scaled(spec.y, box.bottom, box.top)
    put(svg, {viewBox: `0 0 ${W} ${H}`,
      'aria-label': spec.alt || spec.title || `${spec.y.label} by ${spec.x.label}`})
    put(area, {x: box.left - 1, y: box.top, width: Math.max(0, box.right - box.left + 2),
      height: Math.max(0, box.bottom - box.top + 1)})
    const look = {size: .92, fill: color('soft')}, nodesX = pool(ticksX, 'text', across.length)
    across.forEach(([v, t, row], i) =>
      write(nodesX[i], t, X(v), box.bottom + .95 * em + (row ? line : 0), look))
    const nodesY = pool(ticksY, 'text', up.length)
    up.forEach(([v, t], i) => {
      write(nodesY[i], t, box.left - .5 * em, Y(v), {...look, anchor: 'end'})
      occupy(box.left - .5 * em - half([v, t]), Y(v), 2 * half([v, t]))
    })
    const lines = !spec.grid ? [] : up.map(([v]) => `M${f1(box.left)} ${f1(Y(v))}H${f1(box.right)}`)
    if (spec.grid && spec.x.kind != 'band')
      lines.push(...across.map(([v]) => `M${f1(X(v))} ${box.top}V${f1(box.bottom)}`))
    put(pool(gridlines, 'path', 1)[0], {d: lines.join('')})
    put(base, {x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom,
      visibility: spec.grid ? null : 'hidden'})
    const words = spec.x.label && spec.x.label + (spec.x.kind == 'band' ? '' : ' →')
    write(nameX, words, box.right, H - .8 * em,
      {anchor: 'end', size: .96 * Math.min(1, (box.right - 2) / (width(words, .96) || 1))})
    hit.style.cssText = `left:${box.left}px;top:${box.top - em / 2}px;` +
      `width:${box.right - box.left}px;height:${box.bottom - box.top + em / 2}px`
    hit.classList.toggle('pen', spec.marks.some(m => m.draw || m.kind == 'ranges'))
  }

  // The name of the axis upwards, and marks that have no place for a label of their own.
  function header() {
    const list = spec.marks.filter((m, i) => m.legend && data[i].some(c => c.v.length))
    const key = JSON.stringify([spec.y.label, spec.ends, list.map(m => [m, 0])])
    if (key == headed) return
    headed = key
    head.textContent = ''
    if (spec.y.label) make('<b', head).textContent = '↑ ' + spec.y.label
    for (const m of list) {
      const entry = make('<span', head), icon = make('svg', entry, {viewBox: '0 0 24 12'})
      const c = color(pick(m.color, 0)), points = m.kind == 'points' && m.filled !== false
      const d = {line: 'M1 6H23', rule: 'M1 6H23', band: 'M1 1H23V11H1Z', frames: 'M4 1H20V11H4Z',
        cross: 'M8 2l8 8m0-8l-8 8'}[m.kind] || shape(pick(m.shape, 0), 12, 6, 5)
      make('path', icon, {d, stroke: m.kind == 'band' ? 'none' : c, opacity: m.kind == 'band' ? .3 : 1,
        'stroke-width': Math.min(3, pick(m.width, 0) || 2.2), 'stroke-dasharray': DASH[pick(m.dash, 0)] || '',
        style: points || m.kind == 'band' ? `fill:${c}` : ''})
      entry.append(m.legend)
    }
    if (spec.ends) make('<i', head).textContent = spec.ends
  }

  // ---- marks -------------------------------------------------------------------------

  const isInside = (x, y) => x > box.left - 1 && x < box.right + 1 && y > box.top - 1 && y < box.bottom + 1

  const stroke = (m, i, wide = 2) => ({stroke: color(pick(m.color, i)), opacity: pick(m.opacity, i),
    'stroke-width': (pick(m.width, i) || wide) * unit(), 'stroke-dasharray': DASH[pick(m.dash, i)]})

  function beside(m, i, x, y, r, rank, more = {}) {  // a label that looks for room
    const text = pick(m.label, i)
    if (text) waiting.push({x, y, r, rank, text, tint: color(pick(m.color, i)), strong: pick(m.strong, i), ...more})
  }

  function path(x, y, row, step) {
    const xs = x.rows > 1 ? row * x.n : 0, ys = row * y.n
    const far = box.bottom - 20 * (box.bottom - box.top)
    let d = '', pen = 'M', px = 0, py = 0
    for (let i = 0; i < y.n; i++) {
      const v = y.v[ys + i], u = x.v[xs + i]
      if (!isFinite(v) || !isFinite(u)) { pen = 'M'; continue }
      const a = X(u), b = clamp(Y(v), far, 4 * box.H)
      if (pen == 'L' && Math.abs(a - px) < .8 && Math.abs(b - py) < .8 && i < y.n - 1) continue
      if (step && pen == 'L') d += 'H' + f1(a)
      d += pen + f1(a) + ' ' + f1(b)
      px = a
      py = b
      pen = 'L'
    }
    return d
  }

  const DRAW = {
    line([g, top], m, x, y) {
      const each = m.halo ? 2 : 1, nodes = pool(g, 'path', each * y.rows)
      for (let r = 0; r < y.rows; r++) {
        const faded = hot && hot.many && !pick(m.strong, r) && !(hot.mark == m && hot.row == r)
        const d = path(x, y, r, m.step), look = stroke(m, r)
        if (m.halo)
          put(nodes[2 * r], {d, stroke: color('ground'), 'stroke-width': look['stroke-width'] + 3, opacity: .8})
        put(nodes[each * r + each - 1], {d, ...look, class: faded ? 'dim' : null})
      }
      pool(top, 'circle', m.draw ? y.n : 0).forEach((knob, i) => put(knob, {cx: f1(X(x.v[i])),
        cy: f1(Y(y.v[i])), r: 4.5 * unit(), fill: color(m.color), stroke: color('ground'), 'stroke-width': 1.5}))
    },
    band([g], m, x, low, high) {
      const there = range(x.n).filter(i => isFinite(low.v[i]) && isFinite(high.v[i]))
      const place = (c, i) => `${f1(X(x.v[i]))} ${f1(Y(c.v[i]))}`
      const around = [...there.map(i => place(high, i)), ...there.reverse().map(i => place(low, i))]
      put(pool(g, 'path', 1)[0], {d: there.length ? `M${around.join('L')}Z` : '',
        style: `fill:${color(m.color)}`, opacity: m.opacity || .16})
    },
    points([g], m, x, y) {
      pool(g, 'path', y.n).forEach((node, i) => {
        const r = (pick(m.size, i) || 4.5) * unit(), px = X(x.v[i]), py = Y(y.v[i])
        const c = color(pick(m.color, i)), there = isInside(px, py)
        put(node, {d: there ? shape(pick(m.shape, i), px, py, r) : '', opacity: pick(m.opacity, i),
          style: m.filled === false ? `stroke:${c};stroke-width:${2 * unit()}`
            : `fill:${c};stroke:${color('ground')};stroke-width:${/plus|x/.test(pick(m.shape, i)) ? .6 : 1.2}`})
        if (there) beside(m, i, px, py, r, 2)
      })
    },
    ring([g], m, x, y) {
      const r = 8.5 * unit()
      pool(g, 'circle', 2 * y.n).forEach((node, j) => {
        const i = j >> 1, c = color(j % 2 ? pick(m.color, i) : 'ground')
        put(node, {cx: f1(X(x.v[i])), cy: f1(Y(y.v[i])), r, fill: 'none', stroke: c,
          'stroke-width': (j % 2 ? 2.4 : 5) * unit()})
      })
      if (y.n) beside(m, 0, X(x.v[0]), Y(y.v[0]), r, 0, {strong: true})
    },
    cross([g], m, x) {
      const s = 5 * unit()
      pool(g, 'path', x.n).forEach((node, i) => {
        const d = `M${f1(X(x.v[i]) - s)} ${box.top - s}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}`
        put(node, {d, ...stroke(m, i, 2.6)})
        occupy(X(x.v[i]), box.top, 2 * s, 2 * s)
      })
      const first = x.v.indexOf(Math.min(...x.v))
      if (x.n) beside(m, first, X(x.v[first]), box.top, s, 1, {edge: true})
    },
    rule([g], m, ats) {
      pool(g, 'path', ats.n).forEach((node, i) => {
        const place = f1((m.across ? Y : X)(ats.v[i]))
        put(node, {...stroke(m, i, 1.5), d: m.across ? `M${f1(box.left)} ${place}H${f1(box.right)}`
          : `M${place} ${f1(box.bottom)}V${box.top}`})
        beside(m, i, m.across ? box.right : place, m.across ? place : box.top, 2, 1)
      })
    },
    text([g], m, x, y) {
      pool(g, 'text', x.n).forEach((node, i) => {
        const size = m.size || 1, px = X(x.v[i]), py = Y(y.v[i]), said = m.texts[i], anchor = m.anchor
        write(node, said, px, py, {anchor, size, strong: pick(m.strong, i), fill: color(pick(m.color, i) || 'ink')})
        const wide = width(said, size, pick(m.strong, i))
        occupy(px + ({start: .5, end: -.5}[anchor] || 0) * wide, py, wide, 1.2 * em * size)
      })
    },
    cells([g, top], m, {rows, n, v}) {
      const w = Math.abs(X(1) - X(0)), h = Math.abs(Y(1) - Y(0)), words = pool(top, 'text', rows * n)
      const logs = Array.from(v).filter(u => isFinite(u) && u > 0).map(Math.log)
      const low = Math.min(...logs), span = Math.max(Math.max(...logs) - low, Math.log(2))
      const [digits, size] = [[3, .95], [3, .85], [2, .95], [2, .85], [2, .72]].find(([d, s]) =>
        width('0.' + '8'.repeat(d), s) < w - .3 * em && 1.25 * s * em < h) || [0, .8]
      top.setAttribute('class', 'cell')
      pool(g, 'rect', rows * n).forEach((node, i) => {
        const known = isFinite(v[i]), out = v[i] == Infinity, px = X(i % n), py = Y(Math.floor(i / n))
        const c = known && ramp(m.ramp, logs.length == 1 ? .5 : (Math.log(v[i]) - low) / span)
        put(node, {x: f1(px - w / 2 + .75), y: f1(py - h / 2 + .75), rx: 2,
          width: f1(Math.max(0, w - 1.5)), height: f1(Math.max(0, h - 1.5)),
          fill: known ? `rgb(${c})` : color('gray'), opacity: known ? 1 : out ? .45 : .13})
        const said = out ? '✕' : known && digits ? fixed(v[i], digits) : ''
        const fill = !known ? color('ink') : isBright(c) ? 'black' : 'white'
        write(words[i], said, px, py - (m.lift || 0) * h, {size, fill})
        if (said) occupy(px, py - (m.lift || 0) * h, width(said, size))
      })
    },
    frames([g], m, columns, rows) {
      const there = new Set(Array.from(columns.v, (c, i) => c + ',' + rows.v[i]))
      const k = .5 - (there.size == 1 ? m.inset || 0 : 0), sides = [[1, 0], [-1, 0], [0, 1], [0, -1]]
      const d = Array.from(columns.v).flatMap((c, i) => sides.map(([a, b]) => {
        const x = c + a * k, y = rows.v[i] + b * k
        return there.has(`${c + a},${rows.v[i] + b}`) ? '' : `M${f1(X(x - b * k))} ` +
          `${f1(Y(y + a * k))}L${f1(X(x + b * k))} ${f1(Y(y - a * k))}`
      })).join('')
      const two = pool(g, 'path', 2), look = stroke(m, 0, 3)
      put(two[0], {d, stroke: color('ground'), 'stroke-width': look['stroke-width'] + 3, opacity: .8})
      put(two[1], {d, ...look})
    },
    image([g], m, pixels) {
      const node = pool(g, 'image', 1)[0], {rows, n, v} = pixels
      if (node.pixels !== v) {
        const canvas = make('<canvas', null, {width: n, height: rows}), ink = canvas.getContext('2d')
        const one = ink.createImageData(n, rows), bytes = new Uint8Array(v.buffer, v.byteOffset, 4 * n * rows)
        for (let r = 0; r < rows; r++)  // ours begin below
          one.data.set(bytes.subarray(4 * n * r, 4 * n * (r + 1)), 4 * n * (rows - 1 - r))
        ink.putImageData(one, 0, 0)
        node.setAttribute('href', canvas.toDataURL())
        node.pixels = v
      }
      const [l, r, b, t] = m.extent || [...spec.x.domain, ...spec.y.domain]
      put(node, {x: f1(X(l)), y: f1(Y(t)), width: f1(X(r) - X(l)), height: f1(Y(b) - Y(t)),
        preserveAspectRatio: 'none', style: m.smooth === false ? 'image-rendering:pixelated' : null})
    },
    ranges([g, top], m, low, high) {
      const nodes = pool(g, 'path', 2 * low.n), words = pool(top, 'text', 2 * low.n), s = 5 * unit()
      range(low.n).forEach(i => {
        const x = f1(X(i)), [from, to] = [low, high].map(c => f1(Y(c.v[i])))
        put(nodes[2 * i], {d: `M${x} ${f1(Y(0))}V${f1(Y(1))}`, stroke: color('ink'), 'stroke-width': 1})
        const whole = low.v[i] <= 0 && high.v[i] >= 1
        put(nodes[2 * i + 1], {d: `M${x - s} ${from}h${2 * s}M${x - s} ${to}h${2 * s}M${x} ${from}V${to}`,
          stroke: color(whole ? 'gray' : m.color || 'orange'), 'stroke-width': 3 * unit(), opacity: .8})
        for (const end of [0, 1]) {
          const said = valueAt(m.axes[i], end), half = width(said, .9) / 2 + 1
          write(words[2 * i + end], said, clamp(X(i), half, box.W - half), Y(end) + (end ? -.9 : .9) * em, {size: .9})
        }
      })
    },
  }

  // ---- texts beside marks --------------------------------------------------------------

  function samples() {  // places in pixels that a text should not cover
    const seen = []
    const between = (a, b) => {
      const steps = clamp(Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / (.4 * em)), 1, 60)
      for (let s = 1; s <= steps; s++)
        seen.push([a[0] + (b[0] - a[0]) * s / steps, a[1] + (b[1] - a[1]) * s / steps])
    }
    spec.marks.forEach((m, k) => {
      const [u, ...columns] = data[k], joined = m.kind == 'line' || m.kind == 'band'
      if (m.kind == 'rule') u.v.forEach(v => m.across ? between([box.left, Y(v)], [box.right, Y(v)])
        : between([X(v), box.top], [X(v), box.bottom]))
      if (joined || m.kind == 'points' || m.kind == 'ring') for (const {n, v} of columns)
        for (let i = 0, before = null; i < v.length; i++) {
          const p = [X(u.v[u.rows > 1 ? i : i % u.n]), Y(v[i])], there = isFinite(p[0] + p[1])
          if (there) between(joined && i % n && before ? before : p, p)
          before = there ? p : null
        }
    })
    return seen
  }

  function besides() {
    const nodes = pool(notes, 'text', waiting.length), lines = pool(leads, 'path', waiting.length)
    const seen = waiting.length ? samples() : []
    waiting.sort((a, b) => a.rank - b.rank).forEach((w, i) => {
      const full = width(w.text, 1, w.strong), size = Math.min(1, (box.W - 6) / full)
      const spot = free(w, full * size + 2, size * em, seen)
      write(nodes[i], spot ? w.text : '', ...(spot || [0, 0]), {...w, size})
      if (spot) occupy(...spot, full * size)
      const far = spot && Math.abs(spot[1] - w.y) - w.r > 1.8 * em, up = far && spot[1] < w.y ? -1 : 1
      put(lines[i], {d: far ? `M${f1(w.x)} ${f1(w.y + up * w.r)}L${f1(clamp(w.x, spot[0] - full / 2,
        spot[0] + full / 2))} ${f1(spot[1] - up * .6 * em)}` : '', stroke: w.tint, opacity: .7})
    })
  }

  const SIDES = [0, -1, 1, -.5, .5, -1.5, 1.5, -2, 2]

  // The middle of a text near a point, where it covers no text and the least of lines.
  function free({x, y, r, edge}, wide, high, seen) {
    let best = null, least = Infinity
    for (let dy = -14; dy <= 14; dy++) for (const dx of dy ? SIDES : [-1, 1]) {
      const beyond = dy ? dx / 2 * wide : dx * (wide / 2 + r + .5 * em)
      const cx = clamp(x + beyond, wide / 2, box.W - wide / 2)
      const cy = y + dy * .7 * high + Math.sign(dy) * Math.max(0, r - .1 * em)
      const a = cx - wide / 2, b = cx + wide / 2, c = cy - .6 * high, d = cy + .6 * high
      if (cy > box.bottom - .55 * high || cy < box.top - (edge ? .1 : -.5) * high) continue
      if (a < x + r && b > x - r && c < y + r && d > y - r) continue
      if (taken.some(t => a < t[2] + 2 && b > t[0] - 2 && c < t[3] && d > t[1])) continue
      let cost = .3 * Math.abs(dx) + .25 * Math.abs(dy)
      cost += Math.max(0, box.left - a) + Math.max(0, b - box.right)
      for (let i = 0; i < seen.length && cost < least; i++) {
        const [px, py] = seen[i]
        if (px > a - 2 && px < b + 2 && py > c && py < d) cost += 3
      }
      if (cost < least) { least = cost; best = [cx, cy] }
    }
    return best
  }

  function labels() {  // at the ends of lines
    let list = []
    spec.marks.forEach((m, i) => {
      const [x, y] = data[i]
      if (m.kind == 'line' && m.label) for (let r = 0; r < y.rows; r++) {
        let k = y.n - 1
        while (k >= 0 && !isFinite(y.v[r * y.n + k])) k--
        const text = pick(m.label, r), tint = color(pick(m.color, r)), strong = pick(m.strong, r)
        if (k >= 0 && text) list.push({text, tint, strong, y: clamp(Y(y.v[r * y.n + k]), box.top, box.bottom),
          x: Math.min(box.right, X(x.v[(x.rows > 1 ? r * x.n : 0) + k]))})
      }
    })
    const gap = 1.2 * em, most = Math.floor((box.bottom - box.top) / gap) + 1
    if (list.length > most) {  // what is strong, then evenly
      const strong = list.filter(e => e.strong).length
      const keep = Math.ceil((list.length - strong) / Math.max(1, most - strong))
      list = list.sort((a, b) => a.y - b.y).filter((e, i) => e.strong || i % keep == 0).slice(0, most)
    }
    const places = spread(list.map(e => e.y), gap, box.top, box.bottom), from = box.right + .9 * em
    pool(ends, 'g', list.length).forEach((node, i) => {
      const e = list[i], lead = node.firstChild || make('path', node), wide = width(e.text, small, e.strong)
      put(lead, {stroke: e.tint, 'stroke-width': 1, opacity: .55, d: `M${f1(e.x + 3)} ${f1(e.y)}` +
        `L${f1(box.right + 3)} ${f1(e.y)}L${f1(from - 2)} ${f1(places[i])}`})
      write(node.childNodes[1] || make('text', node), e.text, from, places[i], {...e, anchor: 'start', size: small})
      occupy(from + wide / 2, places[i], wide)
    })
  }

  // ---- what can be reached ---------------------------------------------------------------

  // Lists of spots: the points from left to right, then each line; or rows of cells.
  function spots() {
    const dots = [], lists = []
    spec.marks.forEach((m, k) => {
      const [x, y] = data[k], spot = (i, u, v, more) => ({mark: m, k, i, u, v, x: X(u), y: Y(v), ...more})
      if (m.hover === false && !m.click) return
      if (m.kind == 'points') dots.push(...range(y.n).map(i => spot(i, x.v[i], y.v[i])))
      if (m.kind == 'cross') dots.push(...range(x.n).map(i => spot(i, x.v[i], spec.y.domain[1])))
      if (m.kind == 'line') range(y.rows).forEach(row => lists.push(range(y.n).map(j => {
        const i = row * y.n + j
        return spot(i, x.v[x.rows > 1 ? i : j], y.v[i], {row, many: y.rows > 1})
      })))
      if (m.kind == 'cells') range(x.rows).forEach(row => lists.push(range(x.n).map(c =>
        spot(row * x.n + c, c, row, {cell: true}))))
      if (m.kind == 'ranges') lists.push(range(2 * x.n).map(i =>
        spot(i, i >> 1, data[k][i % 2].v[i >> 1], {own: true})))
    })
    const all = [dots.sort((a, b) => a.x - b.x), ...lists]
      .map(list => list.filter(s => isInside(s.x, s.y))).filter(list => list.length)
    const own = all.filter(list => list[0].own || list[0].mark.draw)  // the keys change these
    return own.length ? own : all
  }

  function said({mark: m, k, i, row, u, v}) {
    const n = m.kind == 'line' ? row : i, name = pick(m.name, n), own = pick(m.tip, n)
    const at = (axis, place) => (axis.label ? axis.label + ' ' : '') +
      (axis.texts && !axis.ticks ? axis.texts[Math.round(place)] : num(place, 3))
    if (m.kind == 'ranges')
      return `${m.axes[u].label}\n${i % 2 ? 'to' : 'from'} ${valueAt(m.axes[u], v)}`
    if (own) return own
    if (m.kind == 'cells') {
      const value = data[k][0].v[i], known = `${m.name || 'value'} ${num(value, 3)}`
      return `${at(spec.x, u)}, ${at(spec.y, v)}\n` +
        (isFinite(value) ? known : value == Infinity ? 'diverged' : 'not trained')
    }
    return (name ? name + '\n' : '') + at(spec.x, u) + '\n' +
      (m.kind == 'cross' ? 'diverged' : at(spec.y, v))
  }

  function nearest(px, py) {
    let best = null, least = Infinity
    for (const list of series) for (const s of list) {
      const far = (s.x - px) ** 2 * (s.many ? 1.6 : .8) + (s.y - py) ** 2
      if (far < least && (s.cell || far < (2.6 * em) ** 2)) { least = far; best = s }
    }
    return best
  }

  function point(h) {  // shows what is said of a spot
    const before = hot, shown = h ? 'visible' : 'hidden'
    hot = h
    tip.style.visibility = ring.style.visibility = shown
    hit.classList.toggle('can', !!(h && h.mark.click))
    const other = !before != !h || (h && (before.k != h.k || before.row != h.row))
    if (other && [before, h].some(s => s && s.many)) ask()  // the other lines fade
    if (!h) return
    put(tip, {said: said(h)})
    const wide = tip.offsetWidth, r = 6 * unit(), up = h.y - tip.offsetHeight - em
    tip.style.left = clamp(h.x - wide / 2, 0, Math.max(0, box.W - wide)) + 'px'
    tip.style.top = (up > 0 ? up : h.y + em) + 'px'
    const [a, b] = h.cell ? [Math.abs(X(1) - X(0)) / 2, Math.abs(Y(1) - Y(0)) / 2] : [r, r]
    put(ring, {x: f1(h.x - a), y: f1(h.y - b), width: f1(2 * a), height: f1(2 * b), rx: h.cell ? 2 : r})
  }

  const send = (k, type, name, value) => { if (name) tell({type, name, mark: k, value}) }
  const choose = h => h && send(h.k, 'click', h.mark.click, h.mark.kind == 'line' ? h.row : h.i)

  function changed(k, axis) {  // tells what a learner has set
    const m = spec.marks[k], [x, y] = data[k]
    if (m.draw) send(k, 'draw', m.draw, Array.from(y.v))
    else send(k, 'range', m.name, [axis, x.v[axis], y.v[axis]])
    ask()
  }

  // ---- keys ----------------------------------------------------------------------------

  function focus(moved) {
    const list = series[here[0]] || series[0] || [], at = clamp(here[1], 0, list.length - 1), s = list[at]
    put(hit, {tabindex: s ? 0 : null, role: s ? 'slider' : null, 'aria-valuemin': s ? 1 : null,
      'aria-label': s ? spec.choose || svg.getAttribute('aria-label') : null,
      'aria-valuemax': s ? list.length : null, 'aria-valuenow': s ? at + 1 : null,
      'aria-valuetext': s ? said(s).replace(/\n/g, ', ') : null})
    if (s && (moved || (hot && !mouse)) && hit.matches(':focus')) point(s)
  }

  function lift(s, by) {  // a height that is drawn, or the end of a range
    const [low, high] = spec.y.domain, [x, y] = data[s.k], axis = s.i >> 1, top = s.i % 2
    if (s.mark.draw) y.v[s.i] = clamp(y.v[s.i] + by * (high - low) / 40, low, high)
    else if (top) y.v[axis] = clamp(y.v[axis] + by / 20, x.v[axis], 1)
    else x.v[axis] = clamp(x.v[axis] + by / 20, 0, y.v[axis])
    changed(s.k, axis)
    draw()
  }

  hit.addEventListener('keydown', e => {
    const row = clamp(here[0], 0, series.length - 1), list = series[row]
    if (!list || e.ctrlKey || e.altKey || e.metaKey) return
    const at = clamp(here[1], 0, list.length - 1), now = list[at], last = list.length - 1
    const up = {ArrowUp: 1, ArrowDown: -1}[e.key]
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last}[e.key]
    mouse = null
    if (to != null) {
      here = [row, hot || e.key.length < 5 ? clamp(to, 0, last) : at]  // the first key shows the first
    } else if (up && (now.own || now.mark.draw)) {
      lift(now, up)
    } else if (up) {
      const next = clamp(row + up, 0, series.length - 1), far = series[next].map(s => Math.abs(s.x - now.x))
      here = [next, far.indexOf(Math.min(...far))]
    } else if (e.key == 'Enter' || e.key == ' ') {
      choose(now)
    } else {
      return
    }
    focus(true)
    e.preventDefault()
    e.stopPropagation()
  })
  hit.addEventListener('focus', () => { if (hit.matches(':focus-visible')) focus(true) })
  hit.addEventListener('blur', () => point(null))
  hit.dataset.lmSuppressShortcuts = 'true'  // JupyterLab's own keys stay out

  // ---- the mouse -----------------------------------------------------------------------

  function local(e) {
    const r = svg.getBoundingClientRect()
    return [e.clientX - r.left, e.clientY - r.top]
  }

  function pull(px, py) {  // what is held follows the mouse
    const [x, y] = data[held.k], height = clamp(Y.back(py), ...spec.y.domain)
    if (held.axis != null) {
      const ends = [held.from, height].map(v => clamp(v, 0, 1)).sort((a, b) => a - b)
      x.v[held.axis] = ends[0]
      y.v[held.axis] = ends[1]
    } else {
      const [a, b] = [held.last || [px, height], [px, height]].sort((p, q) => p[0] - q[0])
      const places = Array.from(x.v, X), far = places.map(p => Math.abs(p - px))
      const closest = far.indexOf(Math.min(...far))
      places.forEach((p, i) => {
        if (i == closest) y.v[i] = height
        else if (p > a[0] && p < b[0]) y.v[i] = a[1] + (b[1] - a[1]) * (p - a[0]) / (b[0] - a[0])
      })
      held.last = [px, height]
    }
    ask()
  }

  hit.addEventListener('pointerdown', e => {
    const k = spec.marks.findIndex(m => m.draw || m.kind == 'ranges'), [px, py] = local(e)
    if (k < 0) return
    held = {k, data: data[k], start: py}
    if (spec.marks[k].kind == 'ranges') {
      const [low, high] = data[k], axis = clamp(Math.round(X.back(px)), 0, low.n - 1), ends = [low, high].map(c => c.v[axis])
      const near = ends.findIndex(v => Math.abs(Y(v) - py) < .7 * em)  // the other end stays
      held = {...held, axis, from: near < 0 ? Y.back(py) : ends[1 - near], near}
    } else pull(px, py)
    hit.setPointerCapture(e.pointerId)
  })
  hit.addEventListener('pointermove', e => {
    if (!box) return
    mouse = local(e)
    if (held) pull(...mouse)
    else point(nearest(...mouse))
  })
  hit.addEventListener('pointerup', e => {
    if (!held) return
    const {k, axis} = held, [low, high] = data[k]
    if (axis != null && Math.abs(local(e)[1] - held.start) < .3 * em) {  // a click: all of the axis
      low.v[axis] = 0
      high.v[axis] = 1
    }
    changed(k, axis)
    held = null
  })
  hit.addEventListener('pointercancel', () => { held = null })
  hit.addEventListener('pointerleave', () => { mouse = null; if (!held) point(null) })
  hit.addEventListener('click', e => {
    const h = nearest(...local(e))
    series.forEach((list, row) => { if (list.includes(h)) here = [row, list.indexOf(h)] })
    choose(h)
  })

  const watch = new ResizeObserver(ask)  // the container's width, and the size of a letter
  watch.observe(root)
  watch.observe(probe)
  return {show, close() { watch.disconnect(); cancelAnimationFrame(asked); root.remove() }}
}

// ---- charts side by side ---------------------------------------------------------------

export function charts(el, tell = () => {}) {
  const row = make('<div', el, {class: 'hpc-row'}), list = []
  const sentence = make('<div', el, {class: 'hpc-sentence', hidden: ''})
  function show(get) {
    const widths = get('widths') || [1], said = get('sentence') || ''
    while (list.length > widths.length) list.pop().close()
    widths.forEach((width, i) => {
      if (!list[i]) list[i] = chart(row, event => tell({...event, chart: i}))
      row.children[i].style.flexGrow = width
      const spec = get('c' + i)
      if (spec) list[i].show(spec, spec.marks.map((_, k) => get(`c${i}m${k}`)))
    })
    if (sentence.said !== said) sentence.innerHTML = sentence.said = said
    sentence.hidden = !said
  }
  return {show, close() { list.forEach(one => one.close()); row.remove(); sentence.remove() }}
}

export default {
  render({model, el}) {
    const view = charts(el, event => model.send(event)), show = () => view.show(key => model.get(key))
    model.on('change:picture', show)
    show()
    return () => { model.off('change:picture', show); view.close() }
  },
}
