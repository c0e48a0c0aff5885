// Draws the charts of spec.py as SVG. `charts(el, tell)` works on any page that has the
// style sheet (colors.css and chart.css); the default export is an anywidget.
// Nothing is loaded from anywhere.

import {clamp, f1, num, pick, put, range, reach, valueAt} from './reach.js'

const DASH = {dashed: [6, 4], dotted: [1.5, 4], dashdot: [7, 4, 1.5, 4]}
const color = name => !name ? 'var(--hp-blue)' : name[0] == '#' ? name
  : `var(--hp${name == 'ink' || name == 'ground' ? 'c' : ''}-${name})`

function make(tag, parent, attributes = {}) {
  const node = tag[0] == '<' ? document.createElement(tag.slice(1))
    : document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const name in attributes) node.setAttribute(name, attributes[name])
  return parent ? parent.appendChild(node) : node
}

function pool(group, tag, count) {  // exactly `count` children, old ones used again
  while (group.childNodes.length > count) group.lastChild.remove()
  while (group.childNodes.length < count) make(tag, group)
  return group.childNodes
}

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
  at.back = p => log ? 10 ** (a + (p - from) / k) : a + (p - from) / k
  return at
}

// Lists of ticks [place, text, line], the densest first; the first that fits is taken.
function* tickings({kind, domain: [low, high], texts, ticks}, most) {
  const inside = v => v >= low - 1e-9 * Math.abs(low) && v <= high * (1 + 1e-9) + 1e-12
  const said = list => list.filter(inside).map(v => [v, num(v), 0])
  if (kind == 'none') {
    yield []
  } else if (texts) {
    const all = texts.map((t, i) => [ticks ? ticks[i] : i, t]), last = all.length - 1
    yield all.map(([v, t]) => [v, t, 0])
    yield all.map(([v, t], i) => [v, t, i % 2])
    for (let k = 2; k <= last; k++) yield all.map(([v, t], i) => [v, i % k ? '' : t, 0])
    yield all.map(([v, t], i) => [v, i && i < last ? '' : t, i ? 1 : 0])
  } else if (ticks) {
    for (let k = 1; k < ticks.length; k++) yield said(ticks.filter((_, i) => i % k == 0))
  } else if (kind == 'log') {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high))
    const tens = range(last - first + 1).map(i => +`1e${first + i}`)
    if (high / low < 30) yield said(tens.flatMap(t => [t, 2 * t, 5 * t]))
    yield said(tens.flatMap(t => [t, 3 * t]))
    const some = k => said(tens).filter((_, i) => i % k == 0)
    for (let k = 1; k <= tens.length; k++) if (some(k).length > 1) yield some(k)
  } else for (let n = most; n >= 1; n--) {
    const raw = (high - low) / n, ten = 10 ** Math.floor(Math.log10(raw))
    const step = [1, 2, 2.5, 5, 10].find(s => s * ten >= raw * (1 - 1e-9)) * ten
    const from = Math.ceil(low / step - 1e-9), to = Math.floor(high / step + 1e-9)
    if (to > from) yield said(range(to - from + 1).map(i => (from + i) * step))
  }
  if (!texts) yield said([low, high])
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

const PLUS = [[-.42, -1.3], [.42, -1.3], [.42, -.42], [1.3, -.42], [1.3, .42], [.42, .42],
  [.42, 1.3], [-.42, 1.3], [-.42, .42], [-1.3, .42], [-1.3, -.42], [-.42, -.42]]
const SHAPES = {square: [[-.88, -.88], [.88, -.88], [.88, .88], [-.88, .88]],
  diamond: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]], plus: PLUS,
  triangle: [[0, -1.15], [1.1, .8], [-1.1, .8]],
  x: PLUS.map(([a, b]) => [.71 * (a - b), .71 * (a + b)])}

function shape(kind, x, y, r) {
  const corners = (SHAPES[kind] || []).map(([a, b]) => `${f1(x + a * r)} ${f1(y + b * r)}`)
  return corners.length ? `M${corners.join('L')}Z`
    : `M${f1(x - r)} ${f1(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
}

// In the legend; a line is what is not in here.
const SIGNS = {points: '●', circle: '●', square: '■', diamond: '◆', triangle: '▲', plus: '✚',
  x: '✖', band: '█', ring: '○', cross: '✕', frames: '▢'}
const BARE = {...SIGNS, points: '○', circle: '○', square: '□', diamond: '◇', triangle: '△'}

const isBright = rgb =>
  rgb.reduce((sum, p, k) => sum + [.2126, .7152, .0722][k] * (p / 255) ** 2.2, 0) > .18
const bytesOf = ({v}) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)  // of colors
const fixed = (v, digits) =>  // 0.70, not 0.7
  v.toPrecision(digits).length > digits + 2 ? num(v, digits) : v.toPrecision(digits)

// ---- one chart -----------------------------------------------------------------------

function chart(el, tell) {
  const root = make('<div', el, {class: 'hpc'})
  const title = make('<div', root, {class: 'hpc-title'})
  const head = make('<div', root, {class: 'hpc-head', 'aria-hidden': 'true'})
  const frame = make('<div', root, {class: 'hpc-frame'})
  const svg = make('svg', frame, {role: 'img'}), hit = make('<div', frame, {class: 'hpc-hit'})
  const tip = make('<div', frame, {class: 'hpc-tip', 'aria-hidden': 'true'})
  const probe = make('<div', root, {class: 'hpc-probe'})
  const clip = 'hpc' + Math.random().toString(36).slice(2)
  const area = make('rect', make('clipPath', make('defs', svg), {id: clip}))
  const [grid, ticksX, ticksY, plot, over, ends, leads, notes] =
    ['', 'tick', 'tick', '', '', '', '', 'notes'].map(name => make('g', svg, {class: name}))
  const base = make('line', grid, {class: 'base'}), gridlines = make('g', grid, {class: 'grid'})
  const nameX = make('text', svg), ring = make('rect', svg, {class: 'hpc-at'})
  const pen = document.createElement('canvas').getContext('2d'), widths = new Map()
  // What is shown; where (box, X and Y: places in pixels); what waits for room, what has it.
  let spec = null, data = [], raw = [], groups = [], headed = '', asked = 0
  let room = 0, box, X, Y, em = 13, family = '', small = 1, waiting = [], taken = [], led = []
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

  const occupy = (x, y, wide, high = 1.2 * em) =>
    taken.push([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])

  function show(newSpec, newRaw) {
    if (newSpec === spec && newRaw.every((r, i) => r === raw[i])) return
    data = newRaw.map((r, i) => r === raw[i] && data[i] ? data[i] : unpack(r))
    const held = reached.held()
    if (held) data[held.k] = held.data  // not while a learner draws
    raw = newRaw
    spec = newSpec
    svg.style.height = `min(max(11em, ${spec.height}em), max(11em, 66vh))`
    ask()
  }

  function draw() {
    [asked, waiting, taken, led] = [0, [], [], []]
    if (!room) measure()
    if (!spec || !room) return
    layout()
    spec.marks.forEach((m, i) => DRAW[m.kind](group(i, m.kind), m, ...data[i]))
    while (groups.length > spec.marks.length) groups.pop().forEach(g => g.remove())
    labels()
    besides()
    reached.update()
  }

  function group(i, kind) {  // where mark i draws: below the texts, and above all marks
    if (groups[i] && groups[i].kind == kind) return groups[i]
    if (groups[i]) groups[i].forEach(g => g.remove())
    groups[i] = [plot, over].map(g => g.insertBefore(make('g'), g.childNodes[i] || null))
    groups[i].kind = kind
    groups[i][0].setAttribute('class', kind)
    if (['line', 'band', 'rule', 'image'].includes(kind))
      groups[i][0].setAttribute('clip-path', `url(#${clip})`)
    return groups[i]
  }

  // ---- axes --------------------------------------------------------------------------

  function ticks(axis, most, apart) {  // the densest ones of which no text meets the next
    let last = []
    const meets = (a, i) => {
      const b = a[1] && last.slice(i + 1).find(o => o[1] && o[2] == a[2])
      return b && !apart(a, b)
    }
    for (last of tickings(axis, most)) if (!last.some(meets)) break
    return last
  }

  function measure() {  // not while a chart is drawn: the browser would lay out each time
    const style = getComputedStyle(root)
    em = parseFloat(style.fontSize)
    family = style.fontFamily
    room = root.clientWidth
    widths.clear()
    ask()
  }

  function layout() {
    put(title, {said: spec.title, hidden: spec.title ? null : ''})
    header()
    const W = room, most = Math.max(11 * em, .66 * innerHeight)  // as svg.style.height
    const H = clamp(spec.height * em, 11 * em, most)
    const line = 1.35 * em, top = em, rough = scaled(spec.y, H - top - 3 * em, 0)
    const up = ticks(spec.y, clamp(Math.round((H - 4 * em) / (3.2 * em)), 2, 6), (a, b) =>
      a[2] == b[2] && Math.abs(rough(a[0]) - rough(b[0])) > line).filter(t => !t[2])
    const said = spec.marks.flatMap(m => m.kind == 'line' && m.label || []).filter(t => t)
    const wanted = Math.max(.6 * em, ...said.map(t => width(t, 1, true) + 1.2 * em))
    const half = t => width(t[1], .92) / 2
    let left = Math.max(...up.map(t => 2 * half(t)), .2 * em) + .75 * em
    let right = Math.min(wanted, W * .38), across = []
    small = clamp((right - 1.2 * em) / (wanted - 1.2 * em), .5, 1)
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
    const [wide, high] = [Math.max(0, box.right - left), Math.max(0, box.bottom - top)]
    const both = spec.words.both.replace('{y}', spec.y.label).replace('{x}', spec.x.label)
    const spoken = spec.alt || spec.title || both
    put(svg, {viewBox: `0 0 ${W} ${H}`, 'aria-label': spoken})
    put(area, {x: left - 1, y: top, width: wide + 2, height: high + 1})
    const look = {size: .92, fill: color('soft')}, nodesX = pool(ticksX, 'text', across.length)
    across.forEach(([v, t, row], i) =>
      write(nodesX[i], t, X(v), box.bottom + .95 * em + (row ? line : 0), look))
    const nodesY = pool(ticksY, 'text', up.length)
    up.forEach(([v, t], i) => {
      write(nodesY[i], t, left - .5 * em, Y(v), {...look, anchor: 'end'})
      occupy(left - .5 * em - half([v, t]), Y(v), 2 * half([v, t]))
    })
    const lines = spec.grid ? up.map(([v]) => `M${f1(left)} ${f1(Y(v))}h${f1(wide)}`) : []
    if (spec.grid && spec.x.kind != 'band')
      lines.push(...across.map(([v]) => `M${f1(X(v))} ${top}v${f1(high)}`))
    put(pool(gridlines, 'path', 1)[0], {d: lines.join('')})
    put(base, {x1: left, x2: box.right, y1: box.bottom, y2: box.bottom,
      visibility: spec.grid ? null : 'hidden'})
    const words = spec.x.label && spec.x.label + (spec.x.kind == 'band' ? '' : ' →')
    write(nameX, words, box.right, H - .8 * em,
      {anchor: 'end', size: .96 * Math.min(1, (box.right - 2) / (width(words, .96) || 1))})
    hit.style.cssText = `left:${left}px;top:${top - em / 2}px;width:${box.right - left}px;` +
      `height:${box.bottom - top + em / 2}px`
    hit.classList.toggle('pen', spec.marks.some(m => m.draw || m.kind == 'ranges'))
  }

  // The name of the axis upwards, and marks that have no place for a label of their own.
  function header() {
    const list = spec.marks.filter((m, i) => m.legend && data[i].some(c => c.v.length))
    const key = JSON.stringify([spec.y.label, spec.ends, list])
    if (key == headed) return
    headed = key
    head.textContent = ''
    if (spec.y.label) make('<b', head).textContent = '↑ ' + spec.y.label
    for (const m of list) {
      const entry = make('<span', head), sign = make('<span', entry)
      const plain = (m.filled === false ? BARE : SIGNS)[m.shape || m.kind] || '━'
      sign.textContent = pick(m.dash, 0) ? '┅' : plain
      sign.style.color = color(pick(m.color, 0))
      sign.style.opacity = m.kind == 'band' ? .4 : 1
      entry.append(m.legend)
    }
    if (spec.ends) make('<i', head).textContent = spec.ends
  }

  // ---- marks -------------------------------------------------------------------------

  const isInside = (x, y) =>
    x > box.left - 1 && x < box.right + 1 && y > box.top - 1 && y < box.bottom + 1

  function stroke(m, i, usual = 2) {  // dashes grow with the width, whose round ends fill gaps
    const wide = (pick(m.width, i) || usual) * unit(), dash = DASH[pick(m.dash, i)]
    return {stroke: color(pick(m.color, i)), opacity: pick(m.opacity, i), 'stroke-width': wide,
      'stroke-dasharray': dash && dash.map(d => f1(d * Math.max(1, wide / 2.2))).join(' ')}
  }

  // A line in the page's color under another sets that off from cells and other lines.
  const halo = look =>
    ({stroke: color('ground'), opacity: .8, 'stroke-width': look['stroke-width'] + 3})

  function beside(m, i, x, y, r, rank, more = {}) {  // a label that looks for room
    const text = pick(m.label, i), tint = color(pick(m.color, i)), strong = pick(m.strong, i)
    if (text) waiting.push({x, y, r, rank, text, tint, strong, ...more})
  }

  function path(x, y, row, step) {
    const xs = x.rows > 1 ? row * x.n : 0, far = box.bottom - 20 * (box.bottom - box.top)
    let d = '', pen = 'M', px = 0, py = 0
    for (let i = 0; i < y.n; i++) {
      const v = y.v[row * y.n + i], u = x.v[xs + i]
      if (!isFinite(v) || !isFinite(u)) { pen = 'M'; continue }
      const a = X(u), b = clamp(Y(v), far, 4 * box.H)
      if (pen == 'L' && Math.abs(a - px) < .8 && Math.abs(b - py) < .8 && i < y.n - 1) continue
      d += (step && pen == 'L' ? 'H' + f1(a) : '') + pen + f1(a) + ' ' + f1(b);
      [px, py, pen] = [a, b, 'L']
    }
    return d
  }

  const DRAW = {
    line([g, top], m, x, y) {
      const each = m.halo ? 2 : 1, nodes = pool(g, 'path', each * y.rows), hot = reached.hot()
      range(y.rows).forEach(r => {
        const faded = hot && hot.many && !pick(m.strong, r) && !(hot.mark == m && hot.row == r)
        const d = path(x, y, r, m.step), look = stroke(m, r)
        if (m.halo) put(nodes[2 * r], {d, ...halo(look)})
        put(nodes[each * r + each - 1], {d, ...look, class: faded ? 'dim' : null})
      })
      pool(top, 'path', m.draw ? y.n : 0).forEach((knob, i) => put(knob,
        {d: shape('circle', X(x.v[i]), Y(y.v[i]), 5 * unit()), style: `fill:${color(m.color)}`}))
    },
    band([g], m, x, low, high) {
      const there = range(x.n).filter(i => isFinite(low.v[i] + high.v[i]))
      const place = (c, i) => `${f1(X(x.v[i]))} ${f1(Y(c.v[i]))}`
      const around = [...there.map(i => place(high, i)), ...there.reverse().map(i => place(low, i))]
      put(pool(g, 'path', 1)[0], {d: there.length ? `M${around.join('L')}Z` : '',
        style: `fill:${color(m.color)}`, opacity: m.opacity || .16})
    },
    points([g], m, x, y) {
      pool(g, 'path', y.n).forEach((node, i) => {
        const r = (pick(m.size, i) || 4.5) * unit(), px = X(x.v[i]), py = Y(y.v[i])
        const c = color(pick(m.color, i)), there = isInside(px, py)
        const edge = m.shape in {plus: 0, x: 0} ? .6 : 1.2  // their arms are thin
        put(node, {d: there ? shape(pick(m.shape, i), px, py, r) : '', opacity: pick(m.opacity, i),
          style: m.filled === false ? `stroke:${c};stroke-width:${2 * unit()}`
            : `fill:${c};stroke:${color('ground')};stroke-width:${edge}`})
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
      const s = 5 * unit(), first = x.v.indexOf(Math.min(...x.v))
      pool(g, 'path', x.n).forEach((node, i) => {
        const lines = `l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}`
        put(node, {d: `M${f1(X(x.v[i]) - s)} ${box.top - s}${lines}`, ...stroke(m, i, 2.6)})
        occupy(X(x.v[i]), box.top, 2 * s, 2 * s)
      })
      if (x.n) beside(m, first, X(x.v[first]), box.top, s, 1, {edge: true})
    },
    rule([g], m, ats) {
      pool(g, 'path', ats.n).forEach((node, i) => {
        const place = f1((m.across ? Y : X)(ats.v[i]))
        put(node, {...stroke(m, i, 1.5), d: m.across ? `M${f1(box.left)} ${place}H${f1(box.right)}`
          : `M${place} ${f1(box.bottom)}V${box.top}`})
        beside(m, i, ...(m.across ? [box.right, place] : [place, box.top]), 2, 1)
      })
    },
    text([g], m, x, y) {
      const widest = Math.max(...m.texts.map((t, i) => width(t, m.size || 1, pick(m.strong, i))))
      const fit = m.room ? Math.min(1, (m.room * (X(1) - X(0)) - .4 * em) / widest) : 1
      pool(g, 'text', x.n).forEach((node, i) => {
        const {anchor} = m, size = fit * (m.size || 1), px = X(x.v[i]), py = Y(y.v[i])
        const strong = pick(m.strong, i), fill = color(pick(m.color, i) || 'ink')
        const wide = width(m.texts[i], size, strong)
        write(node, m.texts[i], px, py, {anchor, size, strong, fill})
        occupy(px + ({start: .5, end: -.5}[anchor] || 0) * wide, py, wide, 1.2 * em * size)
      })
    },
    cells([g, top], m, {rows, n, v}, colors) {
      const w = X(1) - X(0), h = Y(0) - Y(1), words = pool(top, 'text', rows * n)
      const room = (m.lift ? .76 : 1) * w - .3 * em, bytes = bytesOf(colors)  // a path at the left
      const [digits, size] = [[3, .95], [3, .85], [2, .95], [2, .85], [2, .72]].find(([d, s]) =>
        width('0.' + '8'.repeat(d), s) < room && 1.25 * s * em < h) || [0, .8]
      top.setAttribute('class', 'cell')
      pool(g, 'rect', rows * n).forEach((node, i) => {
        const known = isFinite(v[i]), px = X(i % n), py = Y(Math.floor(i / n))
        const c = Array.from(bytes.subarray(4 * i, 4 * i + 3)), ty = py - (m.lift || 0) * h
        put(node, {x: f1(px - w / 2 + .75), y: f1(py - h / 2 + .75), rx: 2,
          width: f1(Math.max(0, w - 1.5)), height: f1(Math.max(0, h - 1.5)),
          fill: known ? `rgb(${c})` : color('gray'), opacity: bytes[4 * i + 3] / 255})
        const said = v[i] == Infinity ? '✕' : known && digits ? fixed(v[i], digits) : ''
        const fill = !known ? color('ink') : isBright(c) ? 'black' : 'white'
        write(words[i], said, px, ty, {size, fill})
        if (said) occupy(px, ty, width(said, size))
      })
    },
    frames([g], m, columns, rows) {
      const there = new Set(Array.from(columns.v, (c, i) => c + ',' + rows.v[i]))
      const k = .5 - (there.size == 1 ? m.inset || 0 : 0), two = pool(g, 'path', 2)
      const d = Array.from(columns.v).flatMap((c, i) => [[1, 0], [-1, 0], [0, 1], [0, -1]].map(
        ([a, b]) => {
          const x = c + a * k, y = rows.v[i] + b * k
          return there.has(`${c + a},${rows.v[i] + b}`) ? '' : `M${f1(X(x - b * k))} ` +
            `${f1(Y(y + a * k))}L${f1(X(x + b * k))} ${f1(Y(y - a * k))}`
        })).join('')
      put(two[0], {d, ...halo(stroke(m, 0, 3))})
      put(two[1], {d, ...stroke(m, 0, 3)})
    },
    image([g], m, pixels) {
      const node = pool(g, 'image', 1)[0], {rows, n, v} = pixels
      if (node.pixels !== v) {
        const canvas = make('<canvas', null, {width: n, height: rows}), bytes = bytesOf(pixels)
        const ink = canvas.getContext('2d'), one = ink.createImageData(n, rows)
        for (let r = 0; r < rows; r++)  // ours begin below
          one.data.set(bytes.subarray(4 * n * r, 4 * n * (r + 1)), 4 * n * (rows - 1 - r))
        ink.putImageData(one, 0, 0)
        node.setAttribute('href', canvas.toDataURL())
        node.pixels = v
      }
      const [l, r, b, t] = m.extent || [...spec.x.domain, ...spec.y.domain]
      put(node, {x: f1(X(l)), y: f1(Y(t)), width: f1(X(r) - X(l)), height: f1(Y(b) - Y(t)),
        preserveAspectRatio: 'none',
        style: m.smooth === false ? 'image-rendering:pixelated' : null})
    },
    ranges([g, top], m, low, high) {
      const nodes = pool(g, 'path', 2 * low.n), words = pool(top, 'text', 4 * low.n)
      const cap = `m${-5 * unit()} 0h${10 * unit()}m${-5 * unit()} 0`
      range(low.n).forEach(i => {
        const x = f1(X(i)), [from, to] = [low, high].map(c => f1(Y(c.v[i])))
        const c = low.v[i] <= 0 && high.v[i] >= 1 ? 'gray' : m.color || 'orange'
        put(nodes[2 * i], {d: `M${x} ${f1(Y(0))}V${f1(Y(1))}`, ...stroke({color: 'ink'}, 0, 1)})
        put(nodes[2 * i + 1], {d: `M${x} ${from}${cap}V${to}${cap}`, ...stroke({color: c}, 0, 3)})
        for (const end of [0, 1]) {
          const said = valueAt(m.axes[i], end), half = width(said, .9) / 2 + 1
          const px = clamp(X(i), half, box.W - half), py = Y(end) + (end ? -.9 : .9) * em
          write(words[2 * i + end], said, px, py, {size: .9})
          const share = (end ? high : low).v[i], last = i && i == low.n - 1
          const chosen = share > 0 && share < 1 ? valueAt(m.axes[i], share) : ''
          write(words[2 * (low.n + i) + end], chosen, X(i) + (last ? -em : em), Y(share),
            {size: .9, anchor: last ? 'end' : 'start', strong: true})
        }
      })
    },
  }

  // ---- texts beside marks --------------------------------------------------------------

  function samples() {  // places in pixels that a text should not cover
    const seen = [...led]
    const between = ([a, b], [c, d]) => {
      const steps = clamp(Math.ceil(Math.hypot(c - a, d - b) / (.4 * em)), 1, 60)
      for (let s = 1; s <= steps; s++) seen.push([a + (c - a) * s / steps, b + (d - b) * s / steps])
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
      const [x, y] = spot || [w.x, w.y], way = y < w.y ? -1 : 1, end = f1(y - way * .6 * em)
      const lead = `M${f1(w.x)} ${f1(w.y + way * w.r)}L${f1((w.x + x) / 2)} ${end}`
      const far = Math.abs(y - w.y) - w.r > 1.8 * em
      put(lines[i], {d: far ? lead : '', class: 'far'})
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
      cost += .02 * (Math.max(0, box.left - a) + Math.max(0, b - box.right))
      for (let i = 0; i < seen.length && cost < least; i++) {
        const [px, py] = seen[i]
        if (px > a - 2 && px < b + 2 && py > c && py < d) cost += 3
      }
      if (cost < least) [least, best] = [cost, [cx, cy]]
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
        const text = pick(m.label, r), u = x.v[(x.rows > 1 ? r * x.n : 0) + k]
        if (k < 0 || !text) continue
        list.push({text, tint: color(pick(m.color, r)), strong: pick(m.strong, r),
          x: Math.min(box.right, X(u)), y: clamp(Y(y.v[r * y.n + k]), box.top, box.bottom)})
      }
    })
    const gap = 1.2 * em, most = Math.floor((box.bottom - box.top) / gap) + 1
    if (list.length > most) {  // what is strong, then evenly
      const strong = list.filter(e => e.strong).length
      const keep = Math.ceil((list.length - strong) / Math.max(1, most - strong))
      list = list.sort((a, b) => a.y - b.y).filter((e, i) => e.strong || i % keep == 0)
    }
    const places = spread(list.map(e => e.y), gap, box.top, box.bottom), from = box.right + .9 * em
    pool(ends, 'g', list.length).forEach((node, i) => {
      const e = list[i], wide = width(e.text, small, e.strong), y = f1(e.y)
      if (!node.firstChild) ['path', 'text'].forEach(tag => make(tag, node))
      const far = box.right - e.x > 3 * em  // dots, which nobody takes for a curve
      for (let u = e.x; far && u < box.right; u += .5 * em) led.push([u, e.y])
      put(node.firstChild, {stroke: e.tint, opacity: .55, class: far ? 'far' : null,
        d: `M${f1(e.x + 3)} ${y}L${f1(box.right + 3)} ${y}L${f1(from - 2)} ${f1(places[i])}`})
      write(node.lastChild, e.text, from, places[i], {...e, anchor: 'start', size: small})
      occupy(from + wide / 2, places[i], wide)
    })
  }

  const reached = reach({hit, tip, ring, svg}, {
    ask, draw, tell, isInside, now: () => ({spec, data, box, X, Y, em, unit: unit()})})
  const watch = new ResizeObserver(measure)  // the container's width, and the size of a letter
  watch.observe(root)
  watch.observe(probe)
  return {show, close() {
    watch.disconnect()
    cancelAnimationFrame(asked)
    reached.close()
    root.remove()
  }}
}

// ---- charts side by side ---------------------------------------------------------------

export function charts(el, tell = () => {}) {
  const row = make('<div', el, {class: 'hpc-row'}), list = []
  const sentence = make('<div', el, {class: 'hpc-sentence', hidden: ''})
  function show(get) {
    const widths = get('widths') || [1], said = get('sentence') || ''
    while (list.length > widths.length) list.pop().close()
    const mean = widths.reduce((sum, width) => sum + width, 0) / widths.length
    widths.forEach((width, i) => {
      if (!list[i]) list[i] = chart(row, event => tell({...event, chart: i}))
      row.children[i].style.flex = `${width} 1 ${18 * width / mean}em`
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
    const view = charts(el, event => model.send(event))
    const show = () => view.show(key => model.get(key))
    model.on('change:picture', show)
    show()
    return () => { model.off('change:picture', show); view.close() }
  },
}
