// Draws the charts of spec.py as SVG, and loads nothing. `charts(el, tell)` works on any page
// with the style sheets colors.css and chart.css; the default export is an anywidget.

import {clamp, f1, fixed, num, pick, put, range, reach, scaled} from './reach.js'

const SIDES = [0, -1, 1, -.5, .5, -1.5, 1.5, -2, 2]  // of a point, for its label
const DASH = {dashed: [6, 4], dotted: [1.5, 4], dashdot: [7, 4, 1.5, 4]}
const color = name => !name ? 'var(--hp-blue)' : name[0] == '#' ? name
  : `var(--hp${name == 'ink' || name == 'ground' ? 'c' : ''}-${name})`

function make(tag, parent, attributes) {  // '<div' is of HTML, 'path' of SVG
  const node = tag[0] == '<' ? document.createElement(tag.slice(1))
    : document.createElementNS('http://www.w3.org/2000/svg', tag)
  return put(parent ? parent.appendChild(node) : node, attributes)
}

function pool(group, tag, count) {  // exactly `count` children, old ones used again
  while (group.childNodes.length > count) group.lastChild.remove()
  while (group.childNodes.length < count) make(tag, group)
  return group.childNodes
}

function unpack(data) {  // a mark's data (DataView, or base64) as columns
  if (typeof data == 'string') data = Uint8Array.from(atob(data), c => c.charCodeAt(0))
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)
  const whole = new Int32Array(bytes), floats = new Float32Array(bytes)
  let start = 1 + 2 * whole[0]
  return range(whole[0]).map(k => {
    const [rows, n] = whole.subarray(1 + 2 * k)
    return {rows, n, v: floats.subarray(start, start += rows * n)}
  })
}

// Lists of ticks [place, text, line], the densest first; the first that fits is taken.
function* tickings({kind, domain: [low, high], texts, ticks}, most) {
  const inside = v => v >= low - 1e-9 * Math.abs(low) && v <= high * (1 + 1e-9) + 1e-12
  const said = list => list.filter(inside).map(v => [v, num(v), 0])
  if (kind == 'none') yield []
  else if (texts || ticks) {
    const all = (texts || ticks.map(v => num(v))).map((t, i) => [ticks ? ticks[i] : i, t])
    const last = all.length - 1
    yield all.map(([v, t]) => [v, t, 0])
    yield all.map(([v, t], i) => [v, t, i % 2])
    for (let k = 2; k <= last; k++) yield all.map(([v, t], i) => [v, i % k ? '' : t, 0])
    yield all.map(([v, t], i) => [v, i && i < last ? '' : t, i ? 1 : 0])
  } else if (kind == 'log') {
    const first = Math.floor(Math.log10(low)), count = Math.ceil(Math.log10(high)) - first + 1
    const tens = range(count).map(i => +`1e${first + i}`), inner = said(tens)
    if (high / low < 30) yield said(tens.flatMap(t => [t, 2 * t, 5 * t]))
    yield said(tens.flatMap(t => [t, 3 * t]))
    for (let k = 1; k < inner.length; k++) yield inner.filter((_, i) => i % k == 0)
  } else for (let n = most; n >= 1; n--) {
    const raw = (high - low) / n, ten = 10 ** Math.floor(Math.log10(raw))
    const step = [1, 2, ten == 1 ? 5 : 2.5, 5, 10].find(s => s * ten >= raw * .9) * ten
    const from = Math.ceil(low / step - 1e-9), to = Math.floor(high / step + 1e-9)
    if (to > from) yield said(range(to - from + 1).map(i => (from + i) * step))
  }
  if (!texts && !ticks) yield [low, high].map(v => [v, num(v, 3), 0])
}

// Places near the wanted ones, `gap` apart, between low and high: least squares, where labels
// crowd they move as a block (isotonic regression: the highest of the lowest means).
function spread(wanted, gap, low, high) {
  const n = wanted.length, order = range(n).sort((a, b) => wanted[a] - wanted[b]), placed = []
  const free = order.map((i, k) => wanted[i] - k * gap), most = Math.max(low, high - (n - 1) * gap)
  const mean = (from, to) => free.slice(from, to).reduce((sum, v) => sum + v) / (to - from)
  order.forEach((i, k) => {
    const blocks = range(k + 1).map(a => Math.min(...range(n - k).map(b => mean(a, k + b + 1))))
    placed[i] = clamp(Math.max(...blocks), low, most) + k * gap
  })
  return placed
}

const PLUS = [[-.42, -1.3], [.42, -1.3], [.42, -.42], [1.3, -.42], [1.3, .42], [.42, .42],
  [.42, 1.3], [-.42, 1.3], [-.42, .42], [-1.3, .42], [-1.3, -.42], [-.42, -.42]]
const SHAPES = {square: [[-.88, -.88], [.88, -.88], [.88, .88], [-.88, .88]],
  diamond: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]], plus: PLUS,
  triangle: [[0, -1.15], [1.1, .8], [-1.1, .8]],
  x: PLUS.map(([a, b]) => [.71 * (a - b), .71 * (a + b)])}
const SIGNS = {points: '●', circle: '●', square: '■', diamond: '◆', triangle: '▲', plus: '✚',
  x: '✖', cross: '✕', band: '█'}  // in the legend; lines and frames are drawn there

function shape(kind, x, y, r) {
  const corners = (SHAPES[kind] || []).map(([a, b]) => `${f1(x + a * r)} ${f1(y + b * r)}`)
  return corners.length ? `M${corners.join('L')}Z`
    : `M${f1(x - r)} ${f1(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
}

const isBright = rgb =>
  rgb.reduce((sum, p, k) => sum + [.2126, .7152, .0722][k] * (p / 255) ** 2.2, 0) > .18
const bytesOf = ({v}) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)  // of colors

function chart(el, tell) {
  const root = make('<div', el, {class: 'hpc'})
  const part = (name, parent = root, more) => make('<div', parent, {class: 'hpc-' + name, ...more})
  const unread = {'aria-hidden': 'true'}, title = part('title'), head = part('head', root, unread)
  const frame = part('frame'), probe = part('probe'), svg = make('svg', frame, {role: 'img'})
  const hit = part('hit', frame), tip = part('tip', frame, unread)
  const clip = 'hpc' + Math.random().toString(36).slice(2)
  const area = make('rect', make('clipPath', make('defs', svg), {id: clip}))
  const [grid, ticksX, ticksY, plot, over, ties, stubs, ends, leads, notes] =
    ['', 'tick', 'tick', '', '', '', '', '', '', 'notes'].map(name => make('g', svg, {class: name}))
  const gridlines = make('path', grid, {class: 'grid'}), base = make('path', grid, {class: 'base'})
  const nameX = make('text', svg), ring = make('rect', svg, {class: 'hpc-at'})
  const pen = document.createElement('canvas').getContext('2d')
  // What is shown; where (box, X and Y: places in pixels); what waits for room, what has it.
  let spec = null, data = [], raw = [], headed = '', asked = 0
  let room = 0, tall, box, X, Y, stub, em = 13, unit = 1, family = '', small = 1
  let waiting = [], taken = [], led = []
  const ask = () => { asked ||= requestAnimationFrame(draw) }
  const occupy = (x, y, wide, high) =>
    taken.push([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])
  const isInside = (x, y) =>
    x > box.left - 1 && x < box.right + 1 && y > box.top - 1 && y < box.bottom + 1

  function width(text, size = 1, strong = false) {
    pen.font = `${strong ? 700 : 400} ${size * em}px ${family}`
    return pen.measureText(text).width
  }

  // A text around (x, y), which takes the room if it says how `wide` it is.
  function write(node, said, x, y, {anchor = 'middle', fill, tint, size = 1, strong, wide}) {
    const ink = color('ink'), plain = tint && tint[0] != '#' ? tint : fill || ink
    const mixed = tint ? `fill:color-mix(in srgb,${tint} 50%,${ink});` : ''  // in newer browsers
    put(node, {said, x: f1(x), y: f1(y + .33 * em * size), 'text-anchor': anchor,
      style: `fill:${plain};${mixed}font-size:${size}em;font-weight:${strong ? 700 : 400}`})
    const beyond = {start: wide / 2, end: -wide / 2}[anchor] || 0
    if (said && wide) occupy(x + beyond, y, wide, 1.2 * em * size)
  }

  function show(newSpec, newRaw) {
    if (newSpec === spec && newRaw.every((r, i) => r === raw[i])) return
    data = newRaw.map((r, i) => r === raw[i] && data[i] ? data[i] : unpack(r))
    const held = reached.held()
    if (held) [data[held.k], newRaw[held.k]] = [held.data, null]  // not while a learner draws
    if (spec?.height != newSpec.height) room = 0;  // to be measured
    [spec, raw] = [newSpec, newRaw]
    const high = `calc(${spec.height}em * var(--hp-chart, 1))`
    svg.style.height = `min(max(11em, ${high}), max(11em, 66vh))`
    ask()
  }

  function draw() {
    [asked, waiting, taken, led] = [0, [], [], []]
    if (!room) measure()
    if (!spec || !room) return
    layout()
    const layers = [plot, over].map(layer => pool(layer, 'g', spec.marks.length))
    spec.marks.forEach((m, i) => {  // below the texts, and above all marks
      const both = layers.map(groups => groups[i])
      const inside = ['line', 'band', 'rule', 'image'].includes(m.kind)
      if (both[0].old?.class != m.kind) both.forEach(g => { g.textContent = '' })
      put(both[0], {class: m.kind, 'clip-path': inside ? `url(#${clip})` : null})
      put(both[1], {class: m.kind == 'cells' ? 'cell' : null})
      DRAW[m.kind == 'frames' ? 'line' : m.kind](both, m, ...data[i])
    })
    labels()
    besides()
    reached.update({spec, data, box, X, Y, em, unit})
  }

  function ticks(axis, most, apart) {  // the densest ones of which no text meets the next
    const fits = list => [0, 1].every(row => list.filter(t => t[1] && t[2] == row)
      .every((t, i, all) => !i || apart(all[i - 1], t)))
    const lists = [...tickings(axis, most)]
    return lists.find(fits) || lists.pop()
  }

  function measure() {  // not while a chart is drawn: the browser would lay out each time
    const style = getComputedStyle(root);
    [em, family, room] = [parseFloat(style.fontSize), style.fontFamily, root.clientWidth]
    unit = clamp(em / 13, 1, 2.2)
    tall = parseFloat(getComputedStyle(svg).height)
    ask()
  }

  function layout() {
    put(title, {said: spec.title, hidden: spec.title ? null : ''})
    header()
    const W = room, H = tall
    const line = 1.35 * em, top = em, rough = scaled(spec.y, H - top - 3 * em, 0)
    const up = ticks(spec.y, clamp(Math.round((H - 4 * em) / (3.2 * em)), 2, 6),
      (a, b) => Math.abs(rough(a[0]) - rough(b[0])) > line).filter(t => !t[2])
    const said = spec.marks.flatMap(m => m.kind == 'line' && m.label || []).filter(t => t)
    stub = W < 23 * em ? 0 : 1.6 * em  // of a line before its label, as the line looks
    const wanted = Math.max(.6 * em, ...said.map(t => width(t, 1, true) + stub + 1.2 * em))
    const half = t => width(t[1], .92) / 2
    let left = Math.max(...up.map(t => 2 * half(t)), .2 * em) + .75 * em
    let right = Math.min(wanted, W * .38), across = []
    small = clamp((right - stub - 1.2 * em) / (wanted - stub - 1.2 * em), .5, 1)
    for (let turn = 0; turn < 3; turn++) {  // the texts at both ends widen the margins
      const wide = scaled(spec.x, left, W - right)
      across = ticks(spec.x, clamp(Math.round((W - left - right) / (5 * em)), 3, 9),
        (a, b) => wide(b[0]) - wide(a[0]) > half(a) + half(b) + .7 * em)
      left += Math.max(0, ...across.map(t => half(t) + 1 - wide(t[0])))
      right += Math.max(0, ...across.map(t => wide(t[0]) + half(t) + 1 - W))
    }
    const below = (spec.x.label ? 2.9 : 1.6) * em + (across.some(t => t[2]) ? line : 0)
    box = {W, H, left, right: W - right, top, bottom: H - below};
    [X, Y] = [scaled(spec.x, left, W - right), scaled(spec.y, H - below, top)]
    const wide = Math.max(0, box.right - left), high = Math.max(0, box.bottom - top)
    put(svg, {viewBox: `0 0 ${W} ${H}`, 'aria-label': spec.alt})
    put(area, {x: left - 1, y: top, width: wide + 2, height: high + 1})
    const look = {size: .92, fill: color('soft')}
    const nodesX = pool(ticksX, 'text', across.length), nodesY = pool(ticksY, 'text', up.length)
    across.forEach(([v, t, row], i) =>
      write(nodesX[i], t, X(v), box.bottom + .95 * em + (row ? line : 0), look))
    up.forEach((t, i) =>
      write(nodesY[i], t[1], left - .5 * em, Y(t[0]), {...look, anchor: 'end', wide: 2 * half(t)}))
    const level = y => `M${f1(left)} ${f1(y)}h${f1(wide)}`, lines = up.map(([v]) => level(Y(v)))
    if (spec.x.kind != 'band') lines.push(...across.map(([v]) => `M${f1(X(v))} ${top}v${f1(high)}`))
    put(gridlines, {d: spec.grid ? lines.join('') : ''})
    put(base, {d: spec.grid ? level(box.bottom) : ''})
    const words = spec.x.label && spec.x.label + (spec.x.kind == 'band' ? '' : ' →')
    const fit = Math.min(1, (box.right - 2) / (width(words, .96) || 1))
    write(nameX, words, box.right, H - .8 * em, {anchor: 'end', size: .96 * fit})
    const from = top - em / 2
    put(hit, {style: `left:${left}px;top:${from}px;width:${wide}px;height:${high + em / 2}px`})
    hit.classList.toggle('pen', spec.marks.some(m => m.draw))
  }

  // The name of the axis upwards, and marks without a label of their own, later ones' room too.
  function header() {
    const each = spec.marks.map((m, i) => [m, data[i].some(c => c.v.length)])
    const list = each.filter(([m]) => m.legend).sort((a, b) => b[1] - a[1])
    const key = JSON.stringify([spec.y.label, spec.ends, list])
    if (key == headed) return;
    [headed, head.textContent] = [key, '']
    if (spec.y.label) make('<b', head, {said: '↑ ' + spec.y.label})
    for (const [m, there] of list) {
      const said = SIGNS[pick(m.shape, 0) || m.kind], dash = pick(m.dash, 0) || 'solid'
      const entry = make('<span', head, {style: there ? null : 'visibility:hidden'})
      const style = `color:${color(pick(m.color, 0))};opacity:${m.kind == 'band' ? .4 : 1};` +
        `border-style:${dash.replace('dashdot', 'dashed')}`
      make('<span', entry, {said, style, class: said ? null : m.kind}).after(m.legend)
    }
    if (spec.ends) make('<i', head, {said: spec.ends})
  }

  // Draws the lines at(0), at(1), ...; a line in the page's color under another sets that off
  // from cells and other lines. Dashes grow with the width, whose round ends fill gaps.
  function strokes(g, m, count, at, usual = 2, halo = m.halo) {
    const each = halo ? 2 : 1, nodes = pool(g, 'path', each * count)
    range(count).forEach(i => {
      const wide = (pick(m.width, i) || usual) * unit, dash = DASH[pick(m.dash, i)], place = at(i)
      const below = {stroke: color('ground'), opacity: .8, 'stroke-width': wide + 3}
      const last = each * (count - i) - 1  // the first of them is drawn last, above all others
      if (halo) put(nodes[last - 1], {...place, ...below})
      put(nodes[last], {stroke: color(pick(m.color, i)), opacity: pick(m.opacity, i),
        'stroke-dasharray': dash && dash.map(d => f1(d * Math.max(1, wide / 2.2))).join(' '),
        'stroke-width': wide, ...place})
    })
  }

  function beside(m, i, x, y, r, rank, more) {  // a label that looks for room
    const text = pick(m.label, i), tint = color(pick(m.color, i)), strong = pick(m.strong, i)
    if (text) waiting.push({x, y, r, rank, text, tint, strong, ...more})
  }

  function path(x, y, row, step) {
    const xs = x.rows > 1 ? row * x.n : 0, far = box.bottom - 20 * (box.bottom - box.top)
    let d = '', pen = 'M'
    for (let i = 0; i < y.n; i++) {
      const a = X(x.v[xs + i]), b = Y(y.v[row * y.n + i]), there = isFinite(a + b)
      if (there && step && pen == 'L') d += 'H' + f1(a)
      if (there) d += pen + f1(a) + ' ' + f1(clamp(b, far, 4 * box.H))
      pen = there ? 'L' : 'M'
    }
    return d
  }

  const DRAW = {
    line([g, top], m, x, y) {
      const hot = reached.hot(), fades = r => hot && hot.many && !pick(m.strong, r) &&
        !(hot.mark == m && hot.row == r)
      strokes(g, m, y.rows, r => ({d: path(x, y, r, m.step), class: fades(r) ? 'dim' : null}))
      pool(top, 'path', m.draw ? y.n : 0).forEach((knob, i) => put(knob,
        {d: shape('circle', X(x.v[i]), Y(y.v[i]), 5 * unit), style: `fill:${color(m.color)}`}))
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
        const r = (pick(m.size, i) || 4.5) * unit, px = X(x.v[i]), py = Y(y.v[i])
        const c = color(pick(m.color, i)), there = isInside(px, py)
        const edge = m.shape in {plus: 0, x: 0} ? .6 : 1.2  // their arms are thin
        put(node, {d: there ? shape(pick(m.shape, i), px, py, r) : '', opacity: pick(m.opacity, i),
          style: m.filled === false ? `stroke:${c};stroke-width:${2 * unit}`
            : `fill:${c};stroke:${color('ground')};stroke-width:${edge}`})
        if (there) beside(m, i, px, py, r, 2)
      })
    },
    ring([g], m, x, y) {
      const r = 8.5 * unit
      strokes(g, m, y.n, i => ({d: shape('circle', X(x.v[i]), Y(y.v[i]), r)}), 2.4, true)
      if (y.n) beside(m, 0, X(x.v[0]), Y(y.v[0]), r, 0, {strong: true})
    },
    cross([g], m, {n, v}) {
      const s = 5 * unit, said = new Set()  // the same words once
      const lines = `${box.top - s}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}`
      strokes(g, m, n, i => ({d: `M${f1(X(v[i]) - s)} ${lines}`}), 2.6)
      v.forEach(at => occupy(X(at), box.top, 2 * s, 2 * s))
      range(n).sort((a, b) => v[a] - v[b]).forEach(i => said.has(pick(m.label, i)) ||
        said.add(pick(m.label, i)) && beside(m, i, X(v[i]), box.top, s, 1, {edge: true}))
    },
    rule([g], m, {n, v}) {
      strokes(g, m, n, i => {
        const at = f1((m.across ? Y : X)(v[i])), [x, y] = m.across ? [box.right, at] : [at, box.top]
        beside(m, i, x, y, 2, 1)
        return {d: m.across ? `M${f1(box.left)} ${at}H${f1(x)}` : `M${at} ${f1(box.bottom)}V${y}`}
      }, 1.5)
    },
    text([g], m, x, y) {
      const widest = Math.max(...m.texts.map((t, i) => width(t, m.size || 1, pick(m.strong, i))))
      const fit = m.room ? Math.min(1, (m.room * (X(1) - X(0)) - .4 * em) / widest) : 1
      pool(g, 'text', x.n).forEach((node, i) => {
        const size = fit * (m.size || 1), strong = pick(m.strong, i), {anchor} = m
        const wide = width(m.texts[i], size, strong), fill = color(pick(m.color, i) || 'ink')
        write(node, m.texts[i], X(x.v[i]), Y(y.v[i]), {anchor, size, strong, fill, wide})
      })
    },
    cells([g, top], m, {rows, n, v}, colors) {
      const w = X(1) - X(0), h = Y(0) - Y(1), words = pool(top, 'text', rows * n)
      const room = (m.lift ? .68 : 1) * w - .5 * em, bytes = bytesOf(colors)  // a path at the left
      const ok = ([d, s]) => 1.25 * s * em < h &&
        width((v.some(x => x < .1) ? '0.0' : '0.') + '8'.repeat(d), s) < room
      const [digits, size] = [[3, .95], [2, .95], [2, .85], [2, .72], [2, .6]].find(ok) || [0, .8]
      pool(g, 'rect', rows * n).forEach((node, i) => {
        const known = isFinite(v[i]), px = X(i % n), py = Y(Math.floor(i / n))
        const c = Array.from(bytes.subarray(4 * i, 4 * i + 3)), ty = py - (m.lift || 0) * h
        put(node, {x: f1(px - w / 2 + .75), y: f1(py - h / 2 + .75), rx: 2,
          width: f1(Math.max(0, w - 1.5)), height: f1(Math.max(0, h - 1.5)),
          fill: known ? `rgb(${c})` : color('gray'), opacity: bytes[4 * i + 3] / 255})
        const said = v[i] == Infinity ? '✕' : known && digits ? fixed(v[i], digits) : ''
        const fill = !known ? color('ink') : isBright(c) ? 'black' : 'white'
        write(words[i], said, px, ty, {size, fill, wide: said && width(said, size)})
      })
    },
    image([g], m, pixels) {
      const node = pool(g, 'image', 1)[0], {rows, n, v} = pixels
      if (node.pixels !== v) {
        const canvas = make('<canvas', null, {width: n, height: rows})
        const one = new ImageData(Uint8ClampedArray.from(bytesOf(pixels)), n, rows)
        canvas.getContext('2d').putImageData(one, 0, 0)
        put(node, {href: canvas.toDataURL(), preserveAspectRatio: 'none'})
        node.pixels = v
      }
      put(node, {x: f1(box.left), y: box.top, width: f1(box.right - box.left),
        height: f1(box.bottom - box.top),  // rows begin below
        transform: `matrix(1 0 0 -1 0 ${f1(box.top + box.bottom)})`})
    },
  }

  function samples() {  // places in pixels that a text should not cover, and how large each is
    const seen = [...led], {left, right, top, bottom} = box
    const between = ([a, b], [c, d], r) => {
      const n = clamp(Math.ceil(Math.hypot(c - a, d - b) / (.4 * em)), 1, 60)
      for (let s = 1; s <= n; s++) seen.push([a + (c - a) * s / n, b + (d - b) * s / n, r])
    }
    spec.marks.forEach(({kind, across}, k) => {
      const [u, ...columns] = data[k], joined = kind == 'line' || kind == 'band'
      if (kind == 'rule') u.v.forEach(v => across ? between([left, Y(v)], [right, Y(v)])
        : between([X(v), top], [X(v), bottom]))
      if (joined || kind == 'points' || kind == 'ring') columns.forEach(({n, v}) =>
        v.reduce((before, w, i) => {
          const p = [X(u.v[u.rows > 1 ? i : i % u.n]), Y(w)], there = isFinite(p[0] + p[1])
          if (there) between(joined && i % n && before || p, p, joined ? 0 : 4)
          return there && p
        }, null))
    })
    return seen
  }

  function besides() {
    const nodes = pool(notes, 'text', waiting.length), lines = pool(leads, 'path', waiting.length)
    const seen = waiting.length ? samples() : []
    waiting.sort((a, b) => a.rank - b.rank).forEach((w, i) => {
      const full = width(w.text, 1, w.strong), size = Math.min(1, (box.W - 6) / full)
      const spot = free(w, full * size + 2, size * em, seen), [x, y] = spot || [w.x, w.y]
      write(nodes[i], spot ? w.text : '', x, y, {...w, size, wide: full * size})
      const tie = spot ? lead(w, x, y, full * size / 2) : []
      put(lines[i], {d: tie.length ? `M${tie[0].map(f1)}L${tie[8].map(f1)}` : '', class: 'far'})
      seen.push(...tie)
    })
  }

  function lead({x, y, r}, cx, cy, half) {  // points of a line from a mark to a text that is far
    const [a, b] = [clamp(x, cx - half, cx + half), clamp(y, cy - .6 * em, cy + .6 * em)]
    const gap = Math.hypot(a - x, b - y), from = Math.min(1, r / gap)
    return gap - r > 1.4 * em ? range(9).map(k => from + (1 - from) * k / 8)
      .map(s => [x + (a - x) * s, y + (b - y) * s]) : []
  }

  // The middle of a text near a point, where it covers no text and the least of lines.
  function free(w, wide, high, seen) {
    const {x, y, r, edge} = w
    let best = null, least = Infinity
    for (let dy = -14; dy <= 14; dy++) for (const dx of dy ? SIDES : [-1, 1]) {
      const beyond = dy ? dx / 2 * wide : dx * (wide / 2 + r + .5 * em)
      const cx = clamp(x + beyond, wide / 2, (stub ? box.right + .5 * em : box.W) - wide / 2)
      const cy = y + dy * .7 * high + Math.sign(dy) * Math.max(0, r - .1 * em)
      const a = cx - wide / 2, b = cx + wide / 2, c = cy - .6 * high, d = cy + .6 * high
      if (cy > box.bottom - .55 * high || cy < box.top - (edge ? .1 : -.5) * high) continue
      if (a < x + r && b > x - r && c < y + r && d > y - r) continue
      if (taken.some(t => a < t[2] + 2 && b > t[0] - 2 && c < t[3] && d > t[1])) continue
      let cost = .6 * Math.abs(dx) + .25 * Math.abs(dy) +
        .02 * (Math.max(0, box.left - a) + Math.max(0, b - box.right))
      if (cost < least && lead(w, cx, cy, wide / 2).slice(1).some(([u, v]) =>
        taken.some(t => u > t[0] && u < t[2] && v > t[1] && v < t[3]))) cost += 9
      for (let i = 0; i < seen.length && cost < least; i++) {
        const [px, py, r = 0] = seen[i]
        if (px > a - 2 - r && px < b + 2 + r && py > c - r && py < d + r) cost += 3
      }
      if (cost < least) [least, best] = [cost, [cx, cy]]
    }
    return best
  }

  function labels() {  // at the ends of lines
    let list = []
    spec.marks.forEach((m, i) => m.kind == 'line' && m.label &&
      range(data[i][1].rows).forEach(r => {
        const [x, y] = data[i], text = pick(m.label, r), tint = color(pick(m.color, r))
        const k = range(y.n).reduce((last, j) => isFinite(y.v[r * y.n + j]) ? j : last, -1)
        const u = X(x.v[(x.rows > 1 ? r * x.n : 0) + k]), at = Y(y.v[r * y.n + k])
        if (k >= 0 && text) list.push({text, tint, strong: pick(m.strong, r), m, r,
          x: at < box.top ? box.right : Math.min(box.right, u), y: clamp(at, box.top, box.bottom)})
      }))
    const gap = 1.2 * em, most = Math.floor((box.bottom - box.top) / gap) + 1
    const strong = list.filter(e => e.strong).length
    const keep = Math.ceil((list.length - strong) / Math.max(1, most - strong))
    if (list.length > most)  // what is strong, then evenly
      list = list.sort((a, b) => a.y - b.y).filter((e, i) => e.strong || i % keep == 0)
    const places = spread(list.map(e => e.y), gap, box.top, box.bottom)
    const begin = box.right + .7 * em, from = begin + stub + (stub ? .4 : .2) * em
    const leads = pool(ties, 'path', list.length)
    pool(ends, 'text', list.length).forEach((node, i) => {
      const e = list[i], wide = width(e.text, small, e.strong), y = f1(e.y)
      const far = box.right - e.x > 3 * em  // dots, which nobody takes for a curve
      for (let u = e.x; far && u < box.right; u += .5 * em) led.push([u, e.y])
      put(leads[i], {stroke: e.tint, opacity: .55, class: far ? 'far' : null,
        d: `M${f1(e.x + 3)} ${y}L${f1(box.right + 3)} ${y}L${f1(begin)} ${f1(places[i])}`})
      write(node, e.text, from, places[i], {...e, anchor: 'start', size: small, wide})
    })
    const all = name => list.map(e => pick(e.m[name], e.r))
    const look = {color: all('color'), dash: all('dash'), width: all('width')}
    strokes(stubs, look, stub && list.length, i => ({d: `M${f1(begin)} ${f1(places[i])}h${stub}`}))
  }

  const reached = reach({hit, tip, ring, svg}, {ask, draw, tell, isInside})
  const watch = new ResizeObserver(measure)  // the container's width, and the size of a letter
  for (const node of [root, probe]) watch.observe(node)
  return {show, close() {
    watch.disconnect()
    cancelAnimationFrame(asked)
    reached.close()
    root.remove()
  }}
}

export function charts(el, tell = () => {}) {
  const [row, words] = ['row', 'sentence'].map(name => make('<div', el, {class: 'hpc-' + name}))
  const passing = make('<div', words, {'aria-hidden': 'true'}), list = []
  const aloud = make('<div', words, {'aria-live': 'polite', 'aria-atomic': 'true'})  // the last
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
    const parts = said.includes('aria-live') ? [passing] : [aloud, passing]
    if (words.said !== said) parts.forEach((p, i) => { p.innerHTML = i ? '' : words.said = said })
  }
  return {show, close() { list.forEach(one => one.close()); row.remove(); words.remove() }}
}

export const liveCharts = {
  render({model, el}) {
    const view = charts(el, event => { try { model.send(event) } catch { /* no kernel */ } })
    const show = () => view.show(key => model.get(key))
    model.on('change:picture', show)
    show()
    return () => { model.off('change:picture', show); view.close() }
  },
}
