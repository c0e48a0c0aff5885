// Draws the charts of spec.py as SVG. `charts(el, tell)` works on any page that has the
// style sheet (colors.css and chart.css); the default export is an anywidget.
// Nothing is loaded from anywhere.

const DASH = {dashed: '6 4', dotted: '1.5 4', dashdot: '7 4 1.5 4'}
const clamp = (v, low, high) => Math.max(low, Math.min(high, v))
const pick = (value, i) => Array.isArray(value) ? value[Math.min(i, value.length - 1)] : value
const f1 = v => Math.round(v * 10) / 10

function color(name) {
  if (!name) return 'var(--hp-blue)'
  if (name[0] == '#') return name
  return name == 'ink' || name == 'ground' ? `var(--hpc-${name})` : `var(--hp-${name})`
}

// Of a text: nearer to the page's own, where the browser can mix colors.
const inked = c => `fill:${c};fill:color-mix(in srgb,${c} 70%,var(--hpc-ink))`

const raised = n => String(n).replace(/./g, c => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(c)])

export function num(v, digits = 4) {
  if (!isFinite(v)) return v > 0 ? '∞' : '–'
  const size = Math.abs(v)
  if (v == 0 || (size >= 9.99e-5 && size < 1e6)) return String(+v.toPrecision(digits))
  const power = Math.floor(Math.log10(size) + 1e-9)
  const head = +(v / 10 ** power).toPrecision(3)
  return (head == 1 ? '' : head + '×') + '10' + raised(power)
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
  if (typeof data == 'string') {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0))
    data = new DataView(bytes.buffer)
  }
  const from = data.byteOffset || 0
  const bytes = (data.buffer || data).slice(from, from + data.byteLength)
  const whole = new Int32Array(bytes), floats = new Float32Array(bytes), made = []
  let start = 1 + 2 * whole[0]
  for (let k = 0; k < whole[0]; k++) {
    const [rows, n] = whole.subarray(1 + 2 * k)
    made.push({rows, n, v: floats.subarray(start, start += rows * n)})
  }
  return made
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
  const said = list => list.filter(inside).map(v => [v, num(v)])
  if (axis.texts) {
    const all = axis.texts.map((t, i) => [axis.ticks ? axis.ticks[i] : i, t, 0])
    yield all
    yield all.map(([v, t], i) => [v, t, i % 2])
    for (let k = 2; k < all.length; k++) yield all.map(([v, t], i) => [v, i % k ? '' : t, 0])
    yield all.map(([v, t], i) => [v, i && i < all.length - 1 ? '' : t, i ? 1 : 0])
  } else if (axis.ticks) {
    for (let k = 1; k < axis.ticks.length; k++) yield said(axis.ticks.filter((_, i) => i % k == 0))
  } else if (axis.kind == 'log') {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high))
    const tens = Array.from({length: last - first + 1}, (_, i) => +`1e${first + i}`)
    if (high / low < 30) yield said(tens.flatMap(t => [t, 2 * t, 5 * t]))
    yield said(tens.flatMap(t => [t, 3 * t]))
    for (let k = 1; k <= tens.length; k++) {
      const some = said(tens.filter((_, i) => i % k == 0))
      if (some.length > 1) yield some
    }
    yield said([low, high])
  } else {
    for (let n = most; n >= 1; n--) {
      const raw = (high - low) / n, ten = 10 ** Math.floor(Math.log10(raw))
      const step = [1, 2, 2.5, 5, 10].find(s => s * ten >= raw * (1 - 1e-9)) * ten
      const list = []
      for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
        list.push(i * step)
      if (list.length > 1) yield said(list)
    }
    yield said([low, high])
  }
}

// Places near the wanted ones, `gap` apart, between low and high: least squares, where
// labels crowd they move as a block (pool adjacent violators).
export function spread(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]), blocks = []
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

function shape(kind, x, y, r) {
  const polygon = list => 'M' + list.map(([a, b]) => `${f1(x + a * r)} ${f1(y + b * r)}`).join('L') + 'Z'
  const plus = [[-1, 1], [1, 1], [1, -1], [-1, -1]].flatMap(([a, b], i) => i % 2
    ? [[a * 1.15, b * .38], [a * .38, b * .38], [a * .38, b * 1.15]]
    : [[a * .38, b * 1.15], [a * .38, b * .38], [a * 1.15, b * .38]])
  if (kind == 'square') return polygon([[-.88, -.88], [.88, -.88], [.88, .88], [-.88, .88]])
  if (kind == 'diamond') return polygon([[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]])
  if (kind == 'triangle') return polygon([[0, -1.15], [1.1, .8], [-1.1, .8]])
  if (kind == 'plus') return polygon(plus)
  if (kind == 'x') return polygon(plus.map(([a, b]) => [.71 * (a - b), .71 * (a + b)]))
  return `M${f1(x - r)} ${f1(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
}

function ramp(stops, share) {
  const at = clamp(share, 0, 1) * (stops.length - 1)
  const i = Math.min(stops.length - 2, Math.floor(at))
  const rgb = hex => [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16))
  const a = rgb(stops[i]), b = rgb(stops[i + 1])
  return a.map((v, k) => v + (b[k] - v) * (at - i))
}

const bright = rgb => rgb.reduce((s, p, k) => s + [.2126, .7152, .0722][k] * (p / 255) ** 2.2, 0)

function fixed(v, digits) {  // 0.70, not 0.7
  const text = v.toPrecision(digits)
  return text.length > digits + 2 ? num(v, digits) : text
}

// ---- one chart -----------------------------------------------------------------------

function chart(el, tell) {
  const root = make('<div', el, {class: 'hpc'})
  const title = make('<div', root, {class: 'hpc-title'})
  const head = make('<div', root, {class: 'hpc-head', 'aria-hidden': 'true'})
  const frame = make('<div', root, {class: 'hpc-frame'})
  const svg = make('svg', frame, {role: 'img'})
  const hit = make('<div', frame, {class: 'hpc-hit'})
  const handles = make('<div', frame)
  const tip = make('<div', frame, {class: 'hpc-tip', 'aria-hidden': 'true'})
  const probe = make('<div', root, {class: 'hpc-probe'})
  const clip = 'hpc' + Math.random().toString(36).slice(2)
  const area = make('rect', make('clipPath', make('defs', svg), {id: clip}))
  const [grid, ticksX, ticksY, plot, over, names] = Array.from({length: 6}, () => make('g', svg))
  grid.setAttribute('class', 'grid')
  const base = make('line', grid, {class: 'base'}), gridlines = make('g', grid)
  const at = make('rect', svg, {class: 'hpc-at'})
  const nameX = make('text', names), ends = make('g', names), notes = make('g', names)
  const pen = document.createElement('canvas').getContext('2d')
  let spec = null, data = [], raw = [], box = null, X, Y, em = 13, family = '', groups = []
  let small = 1, asked = 0, headed = '', waiting = [], taken = [], hot = null
  let series = [], here = [0, 0], mouse = null, sketched = null, dragged = null
  const unit = () => clamp(em / 13, 1, 2.2)

  const widths = new Map()
  function width(text, size = 1) {
    const key = text + '\n' + size
    if (!widths.has(key)) {
      pen.font = `${size * em}px ${family}`
      widths.set(key, pen.measureText(text).width)
    }
    return widths.get(key)
  }

  function show(newSpec, newRaw) {
    if (newSpec === spec && newRaw.length == raw.length && newRaw.every((r, i) => r === raw[i])) return
    data = newRaw.map((r, i) => r === raw[i] && data[i] ? data[i] : unpack(r))
    raw = newRaw
    spec = newSpec
    svg.style.height = `min(max(11em, ${spec.height}em), max(11em, 66vh))`
    if (sketched) data[sketched.k] = sketched.data  // not while a learner draws
    ask()
  }

  function ask() { asked = asked || requestAnimationFrame(draw) }

  function draw() {
    asked = 0
    if (!spec || !root.clientWidth) return
    layout()
    waiting = []
    taken = []
    spec.marks.forEach((m, i) => DRAW[m.kind](group(i, m), m, ...data[i]))
    while (groups.length > spec.marks.length) groups.pop().forEach(g => g.remove())
    if (!spec.marks.some(m => m.kind == 'ranges')) handles.textContent = ''
    labels()
    place()
    series = stops()
    if (mouse) point(nearest(...mouse))
    focus(false)
  }

  function group(i, mark) {
    if (!groups[i] || groups[i].kind != mark.kind) {
      if (groups[i]) groups[i].forEach(g => g.remove())
      const inside = ['line', 'band', 'rule', 'image'].includes(mark.kind)
      const before = plot.childNodes[i] || null, above = over.childNodes[i] || null
      groups[i] = [make('g'), make('g')]
      if (inside) groups[i][0].setAttribute('clip-path', `url(#${clip})`)
      plot.insertBefore(groups[i][0], before)
      over.insertBefore(groups[i][1], above)
      groups[i].kind = mark.kind
    }
    return groups[i]
  }

  // ---- axes --------------------------------------------------------------------------

  function layout() {
    const style = getComputedStyle(root)
    if (parseFloat(style.fontSize) != em || family != style.fontFamily) widths.clear()
    em = parseFloat(style.fontSize)
    family = style.fontFamily
    put(title, {said: spec.title, hidden: spec.title ? null : ''})
    header()
    const W = root.clientWidth, H = Math.round(svg.getBoundingClientRect().height)
    const line = 1.35 * em, less = .92, top = em
    const fits = (list, apart) => list.every(([, t, row], i) => {
      const next = list.slice(i + 1).find(o => o[1] && o[2] == row)
      return !t || !next || apart(list[i], next)
    })
    const choose = (axis, most, apart) => {
      let last = []
      for (last of tickings(axis, most)) if (fits(last, apart)) break
      return last
    }
    const roughly = H - top - 3 * em, rough = scaled(spec.y, roughly, 0)
    const up = spec.y.kind == 'none' ? [] : choose(spec.y, clamp(Math.round(roughly / (3.2 * em)), 2, 6),
      (a, b) => Math.abs(rough(a[0]) - rough(b[0])) > line && a[2] == b[2])
    const said = spec.marks.flatMap(m => m.kind == 'line' ? [m.label].flat() : []).filter(Boolean)
    const wanted = said.length ? Math.max(...said.map(t => width(t) * 1.12)) + 1.2 * em : .6 * em
    let left = Math.max(...up.map(t => width(t[1], less)), .2 * em) + .75 * em
    let right = Math.min(wanted, W * .38), across = []
    small = clamp((right - 1.2 * em) / (wanted - 1.2 * em), .5, 1)
    for (let turn = 0; turn < 3; turn++) {  // the texts at both ends widen the margins
      const wide = scaled(spec.x, left, W - right)
      const half = t => width(t[1], less) / 2
      across = choose(spec.x, clamp(Math.round((W - left - right) / (5 * em)), 2, 9),
        (a, b) => wide(b[0]) - wide(a[0]) > half(a) + half(b) + .7 * em)
      const over = Math.max(0, ...across.map(t => half(t) + 1 - wide(t[0])))
      const beyond = Math.max(0, ...across.map(t => wide(t[0]) + half(t) + 1 - W))
      left += over
      right += beyond
    }
    const two = across.some(t => t[2])
    const bottom = H - (spec.x.label ? 2.9 : 1.6) * em - (two ? line : 0)
    box = {W, H, left, right: W - right, top, bottom}
    X = scaled(spec.x, box.left, box.right)
    Y = scaled(spec.y, box.bottom, box.top)
    const alt = spec.alt || spec.title || `${spec.y.label} by ${spec.x.label}`
    put(svg, {viewBox: `0 0 ${W} ${H}`, 'aria-label': alt})
    put(area, {x: box.left - 1, y: box.top, width: Math.max(0, box.right - box.left + 2),
      height: Math.max(0, box.bottom - box.top + 1)})
    const tick = (g, list, where) => {
      const nodes = pool(g, 'text', list.length)
      g.setAttribute('class', 'tick')
      list.forEach((t, i) => put(nodes[i], {said: t[1], ...where(t)}))
    }
    tick(ticksX, across, ([v, , row]) => ({x: f1(X(v)), 'text-anchor': 'middle',
      y: f1(box.bottom + 1.25 * em + (row ? line : 0))}))
    tick(ticksY, up, ([v]) => ({x: f1(box.left - .5 * em), y: f1(Y(v) + .32 * em),
      'text-anchor': 'end'}))
    rules(across, up)
    const words = spec.x.label && spec.x.label + (spec.x.kind == 'band' ? '' : ' →')
    const fit = Math.min(1, (box.right - 2) / (width(words, .96) || 1))
    put(nameX, {said: words, x: f1(box.right), y: f1(H - .45 * em), 'text-anchor': 'end',
      style: `font-weight:500;font-size:${f1(96 * fit) / 100}em`})
    hit.style.cssText = `left:${box.left}px;top:${box.top - em / 2}px;` +
      `width:${box.right - box.left}px;height:${box.bottom - box.top + em / 2}px`
    put(hit, {class: 'hpc-hit' + (spec.marks.some(m => m.draw) ? ' pen' : '')})
  }

  function rules(across, up) {
    const lines = []
    if (spec.grid) {
      up.forEach(([v]) => lines.push({x1: box.left, x2: box.right, y1: f1(Y(v)), y2: f1(Y(v))}))
      if (spec.x.kind != 'band')
        across.forEach(([v]) => lines.push({x1: f1(X(v)), x2: f1(X(v)), y1: box.top, y2: box.bottom}))
    }
    const nodes = pool(gridlines, 'line', lines.length)
    lines.forEach((l, i) => put(nodes[i], l))
    put(base, {x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom,
      visibility: spec.grid ? null : 'hidden'})
  }

  function header() {  // the name of the axis upwards, and marks that have no place for a label
    const list = spec.marks.filter((m, i) => m.legend && data[i].some(c => c.v.length))
    const key = JSON.stringify([spec.y.label, spec.ends, list.map(m => [m.legend, pick(m.color, 0),
      m.kind, pick(m.dash, 0), m.shape, pick(m.width, 0), m.filled])])
    if (key == headed) return
    headed = key
    head.textContent = ''
    if (spec.y.label) make('<b', head).textContent = '↑ ' + spec.y.label
    for (const m of list) {
      const entry = make('<span', head), icon = make('svg', entry, {viewBox: '0 0 24 12'})
      const c = color(pick(m.color, 0)), dash = DASH[pick(m.dash, 0)] || ''
      const bare = {fill: 'none', stroke: c, 'stroke-width': 2.4, 'stroke-dasharray': dash}
      if (m.kind == 'line' || m.kind == 'rule')
        make('path', icon, {...bare, d: 'M1 6H23', 'stroke-width': pick(m.width, 0) || 2})
      else if (m.kind == 'band') make('rect', icon, {x: 1, y: 1, width: 22, height: 10, fill: c, opacity: .3})
      else if (m.kind == 'ring') make('circle', icon, {...bare, cx: 12, cy: 6, r: 5})
      else if (m.kind == 'cross') make('path', icon, {...bare, d: 'M8 2l8 8m0-8l-8 8'})
      else if (m.kind == 'frames') make('rect', icon, {...bare, x: 4, y: 1, width: 16, height: 10})
      else make('path', icon, {d: shape(m.shape, 12, 6, 5), 'stroke-width': 2,
        style: m.filled === false ? `stroke:${c}` : `fill:${c}`})
      entry.append(m.legend)
    }
    if (spec.ends) make('<i', head).textContent = spec.ends
  }

  // ---- marks -------------------------------------------------------------------------

  const inside = (px, py) => px > box.left - 1 && px < box.right + 1 && py > box.top - 1 && py < box.bottom + 1

  function path(x, y, row, step) {
    const xs = x.rows > 1 ? row * x.n : 0, ys = row * y.n
    const far = box.bottom - 20 * (box.bottom - box.top)
    let d = '', pen = 'M', px = 0, py = 0
    for (let i = 0; i < y.n; i++) {
      const v = y.v[ys + i], u = x.v[xs + i]
      if (!isFinite(v) || !isFinite(u)) { pen = 'M'; continue }
      const a = X(u), b = clamp(Y(v), far, 4 * box.H)
      const near = Math.abs(a - px) < .8 && Math.abs(b - py) < .8
      if (pen == 'L' && near && i < y.n - 1) continue
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
        const wide = (pick(m.width, r) || 2) * unit(), d = path(x, y, r, m.step)
        if (m.halo) put(nodes[2 * r], {d, stroke: color('ground'), 'stroke-width': wide + 3, opacity: .8})
        put(nodes[each * r + each - 1], {d, stroke: color(pick(m.color, r)), 'stroke-width': wide,
          'stroke-dasharray': DASH[pick(m.dash, r)], opacity: pick(m.opacity, r),
          class: faded ? 'dim' : null})
      }
      const knobs = pool(top, 'circle', m.draw ? y.n : 0)
      for (let i = 0; i < knobs.length; i++)
        put(knobs[i], {cx: f1(X(x.v[i])), cy: f1(Y(y.v[i])), r: 4.5 * unit(),
          fill: color(m.color), stroke: color('ground'), 'stroke-width': 1.5})
    },
    band([g], m, x, low, high) {
      const there = [], back = []
      for (let i = 0; i < x.n; i++) {
        if (!isFinite(low.v[i]) || !isFinite(high.v[i])) continue
        there.push(`${f1(X(x.v[i]))} ${f1(Y(high.v[i]))}`)
        back.unshift(`${f1(X(x.v[i]))} ${f1(Y(low.v[i]))}`)
      }
      const d = there.length ? 'M' + [...there, ...back].join('L') + 'Z' : ''
      put(pool(g, 'path', 1)[0], {d, style: `fill:${color(m.color)}`, opacity: m.opacity || .16})
    },
    points([g], m, x, y) {
      const nodes = pool(g, 'path', y.n)
      for (let i = 0; i < y.n; i++) {
        const r = (pick(m.size, i) || 4.5) * unit(), px = X(x.v[i]), py = Y(y.v[i])
        const c = color(pick(m.color, i)), there = inside(px, py)
        const edge = Math.min(1.2, .25 * r)
        put(nodes[i], {d: there ? shape(pick(m.shape, i), f1(px), f1(py), r) : '',
          opacity: pick(m.opacity, i), style: m.filled === false
            ? `stroke:${c};stroke-width:${2 * unit()}`
            : `fill:${c};stroke:${color('ground')};stroke-width:${edge}`})
        const text = pick(m.label, i)
        if (text && there)
          waiting.push({x: px, y: py, r, text, color: c, strong: pick(m.strong, i), rank: 2})
      }
    },
    ring([g], m, x, y) {
      const nodes = pool(g, 'circle', 2 * y.n), r = 8.5 * unit()
      for (let i = 0; i < 2 * y.n; i++)
        put(nodes[i], {cx: f1(X(x.v[i >> 1])), cy: f1(Y(y.v[i >> 1])), r, fill: 'none',
          stroke: i % 2 ? color(pick(m.color, i >> 1)) : color('ground'),
          'stroke-width': (i % 2 ? 2.4 : 5) * unit()})
      const text = pick(m.label, 0)
      if (text && y.n)
        waiting.push({x: X(x.v[0]), y: Y(y.v[0]), r, text, color: color(pick(m.color, 0)),
          strong: true, rank: 0})
    },
    cross([g], m, x) {
      const nodes = pool(g, 'path', x.n), s = 5 * unit()
      for (let i = 0; i < x.n; i++) {
        const d = `M${f1(X(x.v[i]) - s)} ${box.top - s}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}`
        put(nodes[i], {d, stroke: color(pick(m.color, i)), 'stroke-width': 2.6 * unit()})
        taken.push([X(x.v[i]) - s, box.top - s, X(x.v[i]) + s, box.top + s])
      }
      const text = pick(m.label, 0)
      if (text && x.n) {
        const first = x.v.indexOf(Math.min(...x.v))
        waiting.push({x: X(x.v[first]), y: box.top, r: s, text, edge: true, rank: 1,
          color: color(pick(m.color, first))})
      }
    },
    rule([g], m, ats) {
      const nodes = pool(g, 'path', ats.n)
      for (let i = 0; i < ats.n; i++) {
        const d = m.across ? `M${box.left} ${f1(Y(ats.v[i]))}H${box.right}`
          : `M${f1(X(ats.v[i]))} ${box.bottom}V${box.top}`
        put(nodes[i], {d, stroke: color(pick(m.color, i)), 'stroke-width': (m.width || 1.5) * unit(),
          'stroke-dasharray': DASH[m.dash]})
        const text = pick(m.label, i)
        if (text)
          waiting.push({x: m.across ? box.right : X(ats.v[i]), y: m.across ? Y(ats.v[i]) : box.top,
            r: 2, text, color: color(pick(m.color, i)), rank: 1})
      }
    },
    text([g], m, x, y) {
      const nodes = pool(g, 'text', x.n), size = m.size || 1
      for (let i = 0; i < x.n; i++) {
        const px = X(x.v[i]), py = Y(y.v[i]), wide = width(m.texts[i], size)
        const left = px - {start: 0, end: wide}[m.anchor] || (m.anchor == 'start' ? px : px - wide / 2)
        put(nodes[i], {said: m.texts[i], x: f1(px), y: f1(py + .32 * em * size),
          'text-anchor': m.anchor || 'middle',
          style: `fill:${color(pick(m.color, i) || 'ink')};font-size:${size}em;` +
            `font-weight:${pick(m.strong, i) ? 600 : 400}`})
        taken.push([left, py - .6 * em * size, left + wide, py + .6 * em * size])
      }
    },
    cells([g, top], m, values) {
      const {rows, n, v} = values, nodes = pool(g, 'rect', rows * n)
      const w = Math.abs(X(1) - X(0)), h = Math.abs(Y(1) - Y(0))
      const logs = Array.from(v).filter(u => isFinite(u) && u > 0).map(Math.log)
      const low = Math.min(...logs), span = Math.max(Math.max(...logs) - low, Math.log(2))
      const [digits, size] = [[3, .95], [3, .85], [2, .95], [2, .85], [2, .72]].find(([d, s]) =>
        width('0.' + '8'.repeat(d), s) < w - .3 * em && 1.25 * s * em < h) || [0, .8]
      const words = pool(top, 'text', rows * n)
      top.setAttribute('class', 'cell')
      for (let i = 0; i < rows * n; i++) {
        const known = isFinite(v[i]), out = v[i] == Infinity
        const c = known ? ramp(m.ramp, logs.length == 1 ? .5 : (Math.log(v[i]) - low) / span) : null
        const px = X(i % n), py = Y(Math.floor(i / n))
        put(nodes[i], {x: f1(px - w / 2 + .75), y: f1(py - h / 2 + .75), rx: 2,
          width: f1(Math.max(0, w - 1.5)), height: f1(Math.max(0, h - 1.5)),
          fill: known ? `rgb(${c.map(Math.round)})` : color('gray'), opacity: known ? 1 : out ? .45 : .13})
        const fill = !known ? color('ink') : bright(c) > .18 ? '#000' : '#fff'
        const said = out ? '✕' : known && digits ? fixed(v[i], digits) : ''
        const ty = py - (m.lift || 0) * h
        put(words[i], {said, x: f1(px), y: f1(ty + .33 * em), 'text-anchor': 'middle',
          style: `font-size:${size}em;fill:${fill}`})
        const half = width(said, size) / 2
        if (said) taken.push([px - half, ty - .6 * em, px + half, ty + .6 * em])
      }
    },
    frames([g], m, columns, rows) {
      const there = new Set(Array.from(columns.v, (c, i) => c + ',' + rows.v[i]))
      const k = .5 - (there.size == 1 ? m.inset || 0 : 0)
      let d = ''
      columns.v.forEach((c, i) => {
        for (const [a, b] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          if (there.has(`${c + a},${rows.v[i] + b}`)) continue
          const x = c + a * k, y = rows.v[i] + b * k
          d += `M${f1(X(x - b * k))} ${f1(Y(y + a * k))}L${f1(X(x + b * k))} ${f1(Y(y - a * k))}`
        }
      })
      const two = pool(g, 'path', 2), wide = (m.width || 3) * unit()
      put(two[0], {d, stroke: color('ground'), 'stroke-width': wide + 3, opacity: .8})
      put(two[1], {d, stroke: color(m.color), 'stroke-width': wide, 'stroke-dasharray': DASH[m.dash]})
    },
    image([g], m, pixels) {
      const node = pool(g, 'image', 1)[0]
      if (node.pixels !== pixels) {
        const {rows, n, v} = pixels, canvas = document.createElement('canvas')
        const bytes = new Uint8ClampedArray(v.buffer, v.byteOffset, v.byteLength)
        canvas.width = n
        canvas.height = rows
        const ink = canvas.getContext('2d'), one = ink.createImageData(n, rows)
        for (let r = 0; r < rows; r++)  // ours begin below
          one.data.set(bytes.subarray(4 * n * r, 4 * n * (r + 1)), 4 * n * (rows - 1 - r))
        ink.putImageData(one, 0, 0)
        node.setAttribute('href', canvas.toDataURL())
        node.pixels = pixels
      }
      const [l, r, b, t] = m.extent || [...spec.x.domain, ...spec.y.domain]
      put(node, {x: f1(X(l)), y: f1(Y(t)), width: f1(X(r) - X(l)), height: f1(Y(b) - Y(t)),
        preserveAspectRatio: 'none', style: m.smooth === false ? 'image-rendering:pixelated' : null})
    },
    ranges([g, top], m, low, high) {
      const n = low.n, lines = pool(g, 'path', 2 * n), words = pool(top, 'text', 2 * n)
      for (let i = 0; i < n; i++) {
        const x = f1(X(i)), whole = low.v[i] <= 0 && high.v[i] >= 1
        put(lines[i], {d: `M${x} ${f1(Y(0))}V${f1(Y(1))}`, stroke: color('ink'), 'stroke-width': 1})
        put(lines[n + i], {d: whole ? '' : `M${x} ${f1(Y(low.v[i]))}V${f1(Y(high.v[i]))}`,
          stroke: color(m.color || 'orange'), 'stroke-width': 7 * unit(), opacity: .5})
        for (const end of [0, 1]) {
          const said = valueAt(m.axes[i], end), wide = width(said, .9)
          const tx = clamp(X(i), wide / 2, box.W - wide / 2)
          put(words[2 * i + end], {said, x: f1(tx), 'text-anchor': 'middle',
            y: f1(Y(end) + (end ? -.8 * em : 1.5 * em)), style: 'font-size:.9em'})
        }
      }
      grips(m, low, high)
    },
  }

  // ---- texts beside marks --------------------------------------------------------------

  function samples() {  // places in pixels that a text should not cover
    const seen = []
    spec.marks.forEach((m, k) => {
      if (!['line', 'points', 'band', 'rule', 'ring'].includes(m.kind)) return
      const [u, ...vs] = data[k]
      if (m.kind == 'rule') {
        for (const v of u.v)
          for (let s = 0; s <= 1; s += .02)
            seen.push(m.across ? [box.left + s * (box.right - box.left), Y(v)]
              : [X(v), box.top + s * (box.bottom - box.top)])
        return
      }
      for (const {n, v} of vs) {
        let before = null
        for (let i = 0; i < v.length; i++) {
          const p = [X(u.v[u.rows > 1 ? i : i % u.n]), Y(v[i])]
          if (!isFinite(p[0]) || !isFinite(p[1])) { before = null; continue }
          if (i % n == 0 || !(m.kind == 'line' || m.kind == 'band')) before = null
          const q = before || p, far = Math.hypot(p[0] - q[0], p[1] - q[1])
          const steps = Math.max(1, Math.min(60, Math.ceil(far / (.4 * em))))
          for (let s = 1; s <= steps; s++)
            seen.push([q[0] + (p[0] - q[0]) * s / steps, q[1] + (p[1] - q[1]) * s / steps])
          before = p
        }
      }
    })
    return seen
  }

  function place() {
    const nodes = pool(notes, 'text', waiting.length)
    if (!waiting.length) return
    waiting.sort((a, b) => a.rank - b.rank)
    const seen = samples()
    waiting.forEach((w, i) => {
      const full = width(w.text) * (w.strong ? 1.1 : 1.02)
      const fit = Math.min(1, (box.W - 4) / full), wide = full * fit
      const spot = free(w, wide, fit * em, seen)
      put(nodes[i], {said: spot ? w.text : '', x: spot && f1(spot[0]), y: spot && f1(spot[1] + .33 * fit * em),
        'text-anchor': 'middle',
        style: `${inked(w.color)};font-weight:${w.strong ? 600 : 400};font-size:${fit}em`})
      if (spot)
        taken.push([spot[0] - wide / 2, spot[1] - .6 * em, spot[0] + wide / 2, spot[1] + .6 * em])
    })
  }

  // The middle of a text near a point, where it covers no text and the least of lines.
  function free({x, y, r, edge}, wide, high, seen) {
    let best = null, least = Infinity
    for (let dy = -6; dy <= 6; dy++) for (const dx of [0, -1, 1, -2, 2]) {
      if (!dx && !dy) continue
      const beside = dx / 2 * wide + Math.sign(dx) * (r + .5 * em)
      const cx = clamp(x + (dy ? dx / 2 * wide : beside), wide / 2 + 1, box.W - wide / 2 - 1)
      const cy = y + dy * .7 * high + Math.sign(dy) * Math.max(0, r - .1 * em)
      if (cy > box.bottom - .55 * high || cy < box.top - (edge ? .1 : -.5) * high) continue
      const a = cx - wide / 2, b = cx + wide / 2, c = cy - .6 * high, d = cy + .6 * high
      if (a < x + r && b > x - r && c < y + r && d > y - r) continue
      if (a < box.left && cy > box.bottom - .5 * em) continue
      if (taken.some(t => a < t[2] + 2 && b > t[0] - 2 && c < t[3] && d > t[1])) continue
      const out = Math.max(0, box.left - a) + Math.max(0, b - box.right)
      let cost = .3 * Math.abs(dx) + .25 * Math.abs(dy) + out
      for (const p of seen) if (p[0] > a - 2 && p[0] < b + 2 && p[1] > c && p[1] < d) cost += 3
      if (cost < least) { least = cost; best = [cx, cy] }
    }
    return best
  }

  // ---- labels at line ends -------------------------------------------------------------

  function labels() {
    let list = []
    spec.marks.forEach((m, i) => {
      if (m.kind != 'line' || !m.label) return
      const [x, y] = data[i]
      for (let r = 0; r < y.rows; r++) {
        let k = y.n - 1
        while (k >= 0 && !isFinite(y.v[r * y.n + k])) k--
        const text = pick(m.label, r)
        if (k < 0 || !text) continue
        list.push({text, color: color(pick(m.color, r)), strong: pick(m.strong, r),
          x: Math.min(box.right, X(x.v[(x.rows > 1 ? r * x.n : 0) + k])),
          y: clamp(Y(y.v[r * y.n + k]), box.top, box.bottom)})
      }
    })
    const gap = 1.2 * em, most = Math.floor((box.bottom - box.top) / gap) + 1
    if (list.length > most) {  // what is strong, then evenly
      list.sort((a, b) => a.y - b.y)
      const strong = list.filter(e => e.strong).length
      const keep = Math.ceil((list.length - strong) / Math.max(1, most - strong))
      list = list.filter((e, i) => e.strong || i % keep == 0).slice(0, most)
    }
    const places = spread(list.map(e => e.y), gap, box.top, box.bottom)
    const nodes = pool(ends, 'g', list.length), from = box.right + .9 * em
    list.forEach((e, i) => {
      const lead = nodes[i].firstChild || make('path', nodes[i])
      const words = nodes[i].childNodes[1] || make('text', nodes[i])
      put(lead, {d: `M${f1(e.x + 3)} ${f1(e.y)}L${f1(box.right + 3)} ${f1(e.y)}L${f1(from - 2)} ${f1(places[i])}`,
        stroke: e.color, 'stroke-width': 1, opacity: .55})
      put(words, {said: e.text, x: f1(from), y: f1(places[i] + .33 * em),
        style: `${inked(e.color)};font-weight:${e.strong ? 700 : 400};font-size:${small}em`})
    })
  }

  // ---- what is under the pointer -------------------------------------------------------

  function words({mark: m, i, row, u, v}) {
    const own = pick(m.tip, m.kind == 'line' ? row : i), n = m.kind == 'line' ? row : i
    if (own) return own
    const name = pick(m.name, n), place = spec.x.texts && !spec.x.ticks
      ? spec.x.texts[Math.round(u)] : num(u)
    const across = spec.x.label ? `${spec.x.label} ${place}\n` : ''
    const up = m.kind == 'cross' ? 'diverged' : `${spec.y.label} ${num(v, 3)}`
    return (name ? name + '\n' : '') + across + up
  }

  function cell(m, k, c, r) {
    const values = data[k][0], i = r * values.n + c, v = values.v[i]
    if (c < 0 || r < 0 || c >= values.n || r >= values.rows) return null
    const said = v == Infinity ? 'diverged' : isFinite(v) ? `${m.name || 'value'} ${num(v, 3)}` : 'not trained'
    const at = (axis, n) => `${axis.label} ${axis.texts ? axis.texts[n] : n}`
    const text = pick(m.tip, i) || `${at(spec.x, c)}, ${at(spec.y, r)}\n${said}`
    return {mark: m, k, i, x: X(c), y: Y(r), cell: true, text}
  }

  function spot(m, k, i) {  // point `i` of a mark, null where it is not drawn
    const [x, y] = data[k], many = m.kind == 'line', row = many ? Math.floor(i / y.n) : 0
    const u = x.v[many && x.rows == 1 ? i % y.n : i]
    const v = m.kind == 'cross' ? spec.y.domain[1] : y.v[i]
    const [low, high] = spec.y.domain
    if (!isFinite(u) || !isFinite(v) || v > high + 1e-4 * (high - low)) return null
    const made = {mark: m, k, i, row, many: many && y.rows > 1, u, v, x: X(u), y: Y(v)}
    return {...made, get text() { return words(made) }}
  }

  function nearest(px, py) {
    let best = null, least = (2.6 * em) ** 2
    spec.marks.forEach((m, k) => {
      if (m.hover === false) return
      if (m.kind == 'cells') {
        best = cell(m, k, Math.round(X.back(px)), Math.round(Y.back(py))) || best
      } else if (['line', 'points', 'cross'].includes(m.kind)) {
        const n = m.kind == 'cross' ? data[k][0].n : data[k][1].v.length
        const weight = m.kind == 'line' ? 1.6 : .6
        for (let i = 0; i < n; i++) {
          const s = spot(m, k, i)
          if (!s) continue
          const far = (s.x - px) ** 2 * weight + (s.y - py) ** 2
          if (far < least) { least = far; best = s }
        }
      }
    })
    return best
  }

  function point(h) {
    const before = hot
    hot = h
    const shown = h ? 'visible' : 'hidden'
    if (tip.style.visibility != shown) tip.style.visibility = at.style.visibility = shown
    hit.classList.toggle('can', !!(h && h.mark.click))
    const other = !before != !h || (h && (before.k != h.k || before.row != h.row))
    if (other && ((before && before.many) || (h && h.many))) ask()
    if (!h) return
    put(tip, {said: h.text})
    const w = tip.offsetWidth, r = 6 * unit(), up = h.y - tip.offsetHeight - em
    tip.style.left = clamp(h.x - w / 2, 0, Math.max(0, box.W - w)) + 'px'
    tip.style.top = (up > 0 ? up : h.y + em) + 'px'
    const a = h.cell ? Math.abs(X(1) - X(0)) / 2 : r, b = h.cell ? Math.abs(Y(1) - Y(0)) / 2 : r
    put(at, {x: f1(h.x - a), y: f1(h.y - b), width: f1(2 * a), height: f1(2 * b), rx: h.cell ? 2 : r})
  }

  function choose(h) {
    if (h && h.mark.click)
      tell({type: 'click', name: h.mark.click, mark: h.k, value: h.mark.kind == 'line' ? h.row : h.i})
  }

  // ---- keys ----------------------------------------------------------------------------

  function stops() {  // lists of spots: points first, then each line, or rows of cells
    const list = [], dots = []
    spec.marks.forEach((m, k) => {
      if (m.hover === false && !m.click) return
      const own = (from, n) => Array.from({length: n}, (_, i) => spot(m, k, from + i)).filter(Boolean)
      if (m.kind == 'points') dots.push(...own(0, data[k][1].n))
      if (m.kind == 'cross') dots.push(...own(0, data[k][0].n))
      if (m.kind == 'line')
        for (let r = 0; r < data[k][1].rows; r++) list.push(own(r * data[k][1].n, data[k][1].n))
      if (m.kind == 'cells')
        for (let r = 0; r < data[k][0].rows; r++)
          list.push(Array.from({length: data[k][0].n}, (_, c) => cell(m, k, c, r)))
    })
    const filled = [dots.sort((a, b) => a.x - b.x), ...list].filter(s => s.length)
    const drawn = filled.findIndex(s => s[0].mark.draw)
    return drawn < 0 ? filled : [filled[drawn]]
  }

  function focus(moved) {
    const list = series[clamp(here[0], 0, series.length - 1)] || []
    const s = list[clamp(here[1], 0, list.length - 1)]
    const said = s ? s.text.replace(/\n/g, ', ') : null
    put(hit, {tabindex: s ? 0 : null, role: s ? 'slider' : null,
      'aria-label': s ? spec.choose || svg.getAttribute('aria-label') : null,
      'aria-valuemin': s ? 1 : null, 'aria-valuemax': s ? list.length : null,
      'aria-valuenow': s ? clamp(here[1], 0, list.length - 1) + 1 : null, 'aria-valuetext': said})
    if (s && (moved || (hot && hot.keyed)) && hit.matches(':focus'))
      point(Object.assign(Object.create(s), {keyed: true}))
  }

  hit.addEventListener('keydown', e => {
    const list = series[clamp(here[0], 0, series.length - 1)]
    if (!list || e.ctrlKey || e.altKey || e.metaKey) return
    here = [clamp(here[0], 0, series.length - 1), clamp(here[1], 0, list.length - 1)]
    const now = list[here[1]], up = {ArrowUp: 1, ArrowDown: -1}[e.key]
    const to = {ArrowRight: here[1] + 1, ArrowLeft: here[1] - 1, Home: 0, End: list.length - 1}[e.key]
    if (to != null) {
      here[1] = hot || e.key == 'Home' || e.key == 'End' ? clamp(to, 0, list.length - 1) : here[1]
    } else if (up && now.mark.draw) {
      lift(now, up)
    } else if (up) {
      here[0] = clamp(here[0] + up, 0, series.length - 1)
      const places = series[here[0]].map(s => Math.abs(s.x - now.x))
      here[1] = places.indexOf(Math.min(...places))
    } else if (e.key == 'Enter' || e.key == ' ') {
      choose(now)
    } else {
      return
    }
    mouse = null
    focus(true)
    e.preventDefault()
    e.stopPropagation()
  })
  hit.addEventListener('focus', () => { if (!mouse && hit.matches(':focus-visible')) focus(true) })
  hit.addEventListener('blur', () => point(null))
  hit.dataset.lmSuppressShortcuts = 'true'  // JupyterLab's own keys stay out

  // ---- the mouse -----------------------------------------------------------------------

  function local(e) {
    const r = svg.getBoundingClientRect()
    return [e.clientX - r.left, e.clientY - r.top]
  }
  hit.addEventListener('pointermove', e => {
    if (!spec || !X) return
    mouse = local(e)
    if (sketched) sketch(...mouse)
    else if (dragged) drag(...mouse)
    else point(nearest(...mouse))
  })
  hit.addEventListener('pointerleave', () => { mouse = null; point(null) })
  hit.addEventListener('click', e => {
    const h = nearest(...local(e))
    if (!h || sketched) return
    series.forEach((list, a) => list.forEach((s, b) => { if (s.k == h.k && s.i == h.i) here = [a, b] }))
    choose(h)
  })
  hit.addEventListener('pointerdown', e => {
    const k = spec.marks.findIndex(m => m.draw || m.kind == 'ranges')
    if (k < 0) return
    const [px, py] = local(e)
    if (spec.marks[k].draw) {
      sketched = {k, data: data[k], last: null}
      sketch(px, py)
    } else {
      const i = clamp(Math.round(X.back(px)), 0, data[k][0].n - 1)
      if (Math.abs(X(i) - px) > 1.5 * em) return
      dragged = {k, i, from: py, to: py}
    }
    hit.setPointerCapture(e.pointerId)
  })
  hit.addEventListener('pointerup', () => {
    if (sketched) drawn(sketched.k)
    if (dragged) {
      const ends = [dragged.from, dragged.to].map(p => clamp(Y.back(p), 0, 1)).sort((a, b) => a - b)
      if (Math.abs(dragged.from - dragged.to) < .4 * em) range(dragged.k, dragged.i, 0, 1)
      else range(dragged.k, dragged.i, ...ends)
    }
    sketched = dragged = null
  })
  hit.addEventListener('pointercancel', () => { sketched = dragged = null })

  // ---- drawing a curve -----------------------------------------------------------------

  function drawn(k) {
    tell({type: 'draw', name: spec.marks[k].draw, mark: k, value: Array.from(data[k][1].v)})
  }

  function lift(s, by) {  // by keys
    const [low, high] = spec.y.domain, y = data[s.k][1]
    y.v[s.i] = clamp(y.v[s.i] + by * (high - low) / 40, low, high)
    drawn(s.k)
    draw()
  }

  function sketch(px, py) {
    const [x, y] = data[sketched.k], now = [px, clamp(Y.back(py), ...spec.y.domain)]
    const [a, b] = [sketched.last || now, now].sort((p, q) => p[0] - q[0])
    const places = Array.from(x.v, v => X(v)), far = places.map(p => Math.abs(p - px))
    const closest = far.indexOf(Math.min(...far))
    places.forEach((p, i) => {
      if (i == closest) y.v[i] = now[1]
      else if (p > a[0] && p < b[0]) y.v[i] = a[1] + (b[1] - a[1]) * (p - a[0]) / (b[0] - a[0])
    })
    sketched.last = now
    ask()
  }

  // ---- ranges on upright axes ----------------------------------------------------------

  function valueAt(axis, share) {
    const [low, high] = axis.domain
    if (axis.texts) return axis.texts[Math.round(share * (axis.texts.length - 1))]
    return num(axis.kind == 'log' ? low * (high / low) ** share : low + share * (high - low), 3)
  }

  function range(k, i, low, high) {
    const [a, b] = data[k]
    a.v[i] = low
    b.v[i] = high
    tell({type: 'range', name: spec.marks[k].name, mark: k, value: [i, low, high]})
    ask()
  }

  function drag(px, py) {
    const [a, b] = data[dragged.k]
    dragged.to = py
    const ends = [dragged.from, py].map(p => clamp(Y.back(p), 0, 1)).sort((p, q) => p - q)
    a.v[dragged.i] = ends[0]
    b.v[dragged.i] = ends[1]
    ask()
  }

  function grips(m, low, high) {
    const k = spec.marks.indexOf(m)
    while (handles.childNodes.length > 2 * low.n) handles.lastChild.remove()
    for (let j = 0; j < 2 * low.n; j++) {
      const i = j >> 1, top = j % 2, node = handles.childNodes[j] || grip(j)
      const share = (top ? high : low).v[i], whole = low.v[i] <= 0 && high.v[i] >= 1
      node.turn = by => {
        const [a, b] = [data[k][0].v[i], data[k][1].v[i]]
        const now = clamp((top ? b : a) + by, top ? a : 0, top ? 1 : b)
        range(k, i, top ? a : now, top ? now : b)
      }
      put(node, {class: 'hpc-end' + (whole ? ' off' : ''), tabindex: 0, role: 'slider',
        'aria-orientation': 'vertical', 'aria-label': `${m.axes[i].label}, ${top ? 'to' : 'from'}`,
        'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(100 * share),
        'aria-valuetext': valueAt(m.axes[i], share),
        style: `left:${f1(X(i))}px;top:${f1(Y(share))}px`})
    }
  }

  function grip(j) {
    const node = make('<div', handles)
    node.dataset.lmSuppressShortcuts = 'true'
    node.addEventListener('keydown', e => {
      const by = {ArrowUp: .05, ArrowDown: -.05, PageUp: .2, PageDown: -.2, Home: -1, End: 1}[e.key]
      const next = {ArrowRight: j + 2, ArrowLeft: j - 2}[e.key]
      if (by) node.turn(by)
      else if (next != null) { if (handles.childNodes[next]) handles.childNodes[next].focus() }
      else return
      e.preventDefault()
      e.stopPropagation()
    })
    node.addEventListener('pointerdown', e => node.setPointerCapture(e.pointerId))
    node.addEventListener('pointermove', e => {
      if (!node.hasPointerCapture(e.pointerId)) return
      node.turn(Y.back(local(e)[1]) - node.getAttribute('aria-valuenow') / 100)
    })
    return node
  }

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
    const widths = get('widths') || [1]
    while (list.length > widths.length) list.pop().close()
    const mean = widths.reduce((sum, width) => sum + width, 0) / widths.length
    widths.forEach((width, i) => {
      if (!list[i]) list[i] = chart(row, event => tell({...event, chart: i}))
      row.children[i].style.flex = `${width} 1 ${18 * width / mean}em`
      const spec = get('c' + i)
      if (spec) list[i].show(spec, spec.marks.map((_, k) => get(`c${i}m${k}`)))
    })
    const said = get('sentence') || ''
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
