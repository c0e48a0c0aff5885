// Draws the charts of spec.py as SVG, without any library. `charts(el, onEvent)` works on any
// page with chart.css and the colors of spec.py; panel.js makes a widget of it.

import {clamp, formatNumber, formatPadded, interact, pick, range, round, setAttrs} from './reach.js'

const LABEL_SHIFTS = [0, -1, 1, -.5, .5, -1.5, 1.5, -2, 2]  // in halves of a label's width
const DASHES = {dashed: [6, 4], dotted: [1.5, 4], dashdot: [7, 4, 1.5, 4]}
const cssColor = name => name?.[0] == '#' ? name
  : `var(--hp${name == 'ink' || name == 'ground' ? 'c' : ''}-${name || 'blue'})`

function create(tag, parent, attributes) {  // '<div' is an HTML element, 'path' an SVG one
  const node = tag[0] == '<' ? document.createElement(tag.slice(1))
    : document.createElementNS('http://www.w3.org/2000/svg', tag)
  return setAttrs(parent.appendChild(node), attributes)
}

function pool(group, tag, count) {  // returns exactly `count` children, reusing earlier ones
  while (group.childNodes.length > count) group.lastChild.remove()
  while (group.childNodes.length < count) create(tag, group)
  return group.childNodes
}

function unpack(data) {  // a mark's data (DataView, or base64) as columns, `rows` times `n` values
  if (typeof data == 'string') data = Uint8Array.from(atob(data), c => c.charCodeAt(0))
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)
  const ints = new Int32Array(bytes), floats = new Float32Array(bytes)
  let start = 1 + 2 * ints[0]
  return range(ints[0]).map(k => {
    const [rows, n] = ints.subarray(1 + 2 * k)
    return {rows, n, v: floats.subarray(start, start += rows * n)}
  })
}

function makeScale({kind, domain: [low, high]}, from, to) {  // of an axis, to pixels
  const [f, inverse] = kind == 'log' ? [Math.log10, v => 10 ** v] : [v => v, v => v]
  const start = f(low), factor = (to - from) / (f(high) - start || 1)
  const invert = pixel => inverse(start + (pixel - from) / factor)
  return Object.assign(v => from + (f(v) - start) * factor, {invert})
}

// Sets of ticks [value, text, row], the densest first: the first one that fits is drawn.
function* tickSets({kind, domain: [low, high], texts, ticks}, most) {
  const isInside = v => v >= low - 1e-9 * Math.abs(low) && v <= high * (1 + 1e-9) + 1e-12
  const numbered = values => values.filter(isInside).map(v => [v, formatNumber(v), 0])
  if (kind == 'none') yield []
  else if (texts || ticks) {
    const labels = texts || ticks.map(v => formatNumber(v)), last = labels.length - 1
    const all = labels.map((text, i) => [ticks ? ticks[i] : i, text])
    yield all.map(([v, text]) => [v, text, 0])
    yield all.map(([v, text], i) => [v, text, i % 2])
    for (let k = 2; k <= last; k++) yield all.map(([v, text], i) => [v, i % k ? '' : text, 0])
    yield all.map(([v, text], i) => [v, i && i < last ? '' : text, i ? 1 : 0])
  } else if (kind == 'log') {
    const first = Math.floor(Math.log10(low)), count = Math.ceil(Math.log10(high)) - first + 1
    const powers = range(count).map(i => +`1e${first + i}`), inside = numbered(powers)
    if (high / low < 30) yield numbered(powers.flatMap(p => [p, 2 * p, 5 * p]))
    yield numbered(powers.flatMap(p => [p, 3 * p]))
    for (let k = 1; k < inside.length; k++) yield inside.filter((_, i) => i % k == 0)
  } else for (let n = most; n >= 1; n--) {
    const raw = (high - low) / n, power = 10 ** Math.floor(Math.log10(raw))
    const step = [1, 2, power == 1 ? 5 : 2.5, 5, 10].find(s => s * power >= raw * .9) * power
    const from = Math.ceil(low / step - 1e-9), to = Math.floor(high / step + 1e-9)
    if (to > from) yield numbered(range(to - from + 1).map(i => (from + i) * step))
  }
  if (!texts && !ticks) yield [low, high].map(v => [v, formatNumber(v, 3), 0])
}

// Places between low and high, `gap` apart and near the wanted ones: least squares, where
// crowded labels move as a block (isotonic regression: the highest of the lowest means).
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
const LEGEND_SIGNS = {points: '●', circle: '●', square: '■', diamond: '◆', triangle: '▲',
  plus: '✚', x: '✖', cross: '✕', band: '█'}  // the style sheet draws lines and frames

const linesThrough = points => `M${points.map(p => p.map(round)).join('L')}`

function shapePath(kind, x, y, r) {  // a circle by default
  const corners = SHAPES[kind]?.map(([a, b]) => [x + a * r, y + b * r])
  return corners ? linesThrough(corners) + 'Z'
    : `M${round(x - r)} ${round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
}

const isBright = rgb =>
  rgb.reduce((sum, p, k) => sum + [.2126, .7152, .0722][k] * (p / 255) ** 2.2, 0) > .18
const colorBytes = ({v}) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)

function createChart(el, onEvent) {
  const root = create('<div', el, {class: 'hpc'})
  const part = (name, parent = root) => create('<div', parent, {class: 'hpc-' + name})
  const title = part('title'), head = part('head'), frame = part('frame'), probe = part('probe')
  const svg = create('svg', frame), hit = part('hit', frame), tip = part('tip', frame)
  for (const node of [head, tip]) setAttrs(node, {'aria-hidden': true})
  const clip = 'hpc' + Math.random().toString(36).slice(2)
  const area = create('rect', create('clipPath', create('defs', svg), {id: clip}))
  const add = (tag, name = '', parent = svg) => create(tag, parent, {class: name})
  const grid = add('g'), gridlines = add('path', 'grid', grid), base = add('path', 'base', grid)
  const ticksX = add('g', 'tick'), ticksY = add('g', 'tick'), plot = add('g'), over = add('g')
  const connectors = add('g'), stubs = add('g'), endLabels = add('g'), leaders = add('g')
  const notes = add('g', 'notes'), nameX = add('text'), ring = add('rect', 'hpc-at')
  const canvas = document.createElement('canvas').getContext('2d')
  let spec = null, data = [], raw = [], headKey = '', frameRequest = 0
  // In pixels: the chart, the plot's box, the scales of its axes; `unit` scales lines and points.
  let W = 0, H, box, X, Y, em = 13, unit = 1, family = '', stub, endSize = 1
  let pending = [], occupied = [], dots = []  // point labels, areas of texts, leader dots
  const requestDraw = () => { frameRequest ||= requestAnimationFrame(draw) }
  const occupy = (x, y, width, height) =>
    occupied.push([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
  const isInside = (x, y) =>
    x > box.left - 1 && x < box.right + 1 && y > box.top - 1 && y < box.bottom + 1

  function textWidth(text, size = 1, strong = false) {
    canvas.font = `${strong ? 700 : 400} ${size * em}px ${family}`
    return canvas.measureText(text).width
  }

  // Write a text around (x, y); with its `width`, other texts keep off it.
  function write(node, text, x, y, {anchor = 'middle', fill, tint, size = 1, strong, width}) {
    const ink = cssColor('ink'), fallback = tint && tint[0] != '#' ? tint : fill || ink
    const mixed = tint ? `fill:color-mix(in srgb,${tint} 50%,${ink});` : ''  // newer browsers
    setAttrs(node, {text, x: round(x), y: round(y + .33 * em * size), 'text-anchor': anchor,
      style: `fill:${fallback};${mixed}font-size:${size}em;font-weight:${strong ? 700 : 400}`})
    const shift = {start: width / 2, end: -width / 2}[anchor] || 0
    if (text && width) occupy(x + shift, y, width, 1.2 * em * size)
  }

  function show(newSpec, newRaw) {
    if (newSpec === spec && newRaw.every((r, i) => r === raw[i])) return
    data = newRaw.map((r, i) => r === raw[i] && data[i] ? data[i] : unpack(r))
    const edited = interaction.edited()  // a learner's drawing stays
    if (edited) [data[edited.k], newRaw[edited.k]] = [edited.data, null]
    if (spec?.height != newSpec.height) W = 0;  // measure again
    [spec, raw] = [newSpec, newRaw]
    svg.style.height = `clamp(11em, ${spec.height}em * var(--hp-chart, 1), 66vh)`
    requestDraw()
  }

  function draw() {
    [frameRequest, pending, occupied, dots] = [0, [], [], []]
    if (!W) measure()
    if (!spec || !W) return
    layOut()
    const layers = [plot, over].map(layer => pool(layer, 'g', spec.marks.length))
    spec.marks.forEach((m, i) => {  // `over` has the texts that lie above all marks
      const groups = layers.map(layer => layer[i])
      const clipped = ['line', 'band', 'rule', 'image'].includes(m.kind)
      if (groups[0].getAttribute('class') != m.kind) groups.forEach(g => { g.textContent = '' })
      setAttrs(groups[0], {class: m.kind, 'clip-path': clipped ? `url(#${clip})` : null})
      setAttrs(groups[1], {class: m.kind == 'cells' ? 'cell' : null})
      DRAW[m.kind == 'frames' ? 'line' : m.kind](groups, m, ...data[i])
    })
    drawEndLabels()
    drawPending()
    interaction.update({spec, data, box, X, Y, em, unit})
  }

  function chooseTicks(axis, most, areApart) {  // the densest ones whose texts keep apart
    const fits = ticks => [0, 1].every(row => ticks.filter(t => t[1] && t[2] == row)
      .every((t, i, all) => !i || areApart(all[i - 1], t)))
    const sets = [...tickSets(axis, most)]
    return sets.find(fits) || sets.pop()
  }

  function measure() {  // not in each draw(): it makes the browser lay out the page
    const style = getComputedStyle(root);
    [em, family, W] = [parseFloat(style.fontSize), style.fontFamily, root.clientWidth]
    unit = clamp(em / 13, 1, 2.2)
    H = parseFloat(getComputedStyle(svg).height)
    requestDraw()
  }

  function layOut() {
    setAttrs(title, {text: spec.title, hidden: spec.title ? null : ''})
    drawHead()
    const top = em, rowHeight = 1.35 * em, roughY = makeScale(spec.y, H - top - 3 * em, 0)
    const yTicks = chooseTicks(spec.y, clamp(Math.round((H - 4 * em) / (3.2 * em)), 2, 6),
      (a, b) => Math.abs(roughY(a[0]) - roughY(b[0])) > rowHeight).filter(t => !t[2])
    const labels = spec.marks.flatMap(m => m.kind == 'line' && m.label || []).filter(t => t)
    stub = W < 23 * em ? 0 : 1.6 * em  // sample of the line before its label
    const wanted = Math.max(.6 * em, ...labels.map(t => textWidth(t, 1, true) + stub + 1.2 * em))
    const half = t => textWidth(t[1], .92) / 2
    let left = Math.max(...yTicks.map(t => 2 * half(t)), .2 * em) + .75 * em
    let right = Math.min(wanted, W * (stub ? .38 : .45)), xTicks = []
    endSize = clamp((right - stub - 1.2 * em) / (wanted - stub - 1.2 * em), .5, 1)
    for (let turn = 0; turn < 3; turn++) {  // texts at both ends widen the margins
      const roughX = makeScale(spec.x, left, W - right)
      xTicks = chooseTicks(spec.x, clamp(Math.round((W - left - right) / (5 * em)), 3, 9),
        (a, b) => roughX(b[0]) - roughX(a[0]) > half(a) + half(b) + .7 * em)
      left += Math.max(0, ...xTicks.map(t => half(t) + 1 - roughX(t[0])))
      right += Math.max(0, ...xTicks.map(t => roughX(t[0]) + half(t) + 1 - W))
    }
    const below = (spec.x.label ? 2.9 : 1.6) * em + (xTicks.some(t => t[2]) ? rowHeight : 0)
    box = {W, H, left, right: W - right, top, bottom: H - below};
    [X, Y] = [makeScale(spec.x, left, W - right), makeScale(spec.y, H - below, top)]
    const w = Math.max(0, box.right - left), h = Math.max(0, box.bottom - top)
    setAttrs(svg, {viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': spec.alt})
    setAttrs(area, {x: left - 1, y: top, width: w + 2, height: h + 1})
    const style = {size: .92, fill: cssColor('soft')}
    const nodesX = pool(ticksX, 'text', xTicks.length), nodesY = pool(ticksY, 'text', yTicks.length)
    xTicks.forEach(([v, text, row], i) =>
      write(nodesX[i], text, X(v), box.bottom + .95 * em + (row ? rowHeight : 0), style))
    yTicks.forEach((t, i) => write(nodesY[i], t[1], left - .5 * em, Y(t[0]),
      {...style, anchor: 'end', width: 2 * half(t)}))
    const level = y => `M${round(left)} ${round(y)}h${round(w)}`, isBand = spec.x.kind == 'band'
    const upright = ([v]) => `M${round(X(v))} ${top}v${round(h)}`
    const lines = [...yTicks.map(([v]) => level(Y(v))), ...isBand ? [] : xTicks.map(upright)]
    setAttrs(gridlines, {d: spec.grid ? lines.join('') : ''})
    setAttrs(base, {d: spec.grid ? level(box.bottom) : ''})
    const name = spec.x.label && spec.x.label + (isBand ? '' : ' →')
    const full = textWidth(name, .96) || 1, wide = Math.min(W - 2, full), size = .96 * wide / full
    write(nameX, name, Math.max(box.right, wide + 2), H - .8 * em, {anchor: 'end', size})
    setAttrs(hit, {style: `left:${left}px;top:${em / 2}px;width:${w}px;height:${h + em / 2}px`})
    hit.classList.toggle('pen', spec.marks.some(m => m.draw))
  }

  // The y axis's name, and the legend, where marks that are still empty keep their room.
  function drawHead() {
    const entries = spec.marks.map((m, i) => [m, data[i].some(c => c.v.length)])
      .filter(([m]) => m.legend).sort((a, b) => b[1] - a[1])
    const key = JSON.stringify([spec.y.label, entries])
    if (key == headKey) return;
    [headKey, head.textContent] = [key, '']
    if (spec.y.label) create('<b', head, {text: '↑ ' + spec.y.label})
    for (const [m, hasData] of entries) {
      const text = LEGEND_SIGNS[pick(m.shape, 0) || m.kind], dash = pick(m.dash, 0) || 'solid'
      const entry = create('<span', head, {style: hasData ? null : 'visibility:hidden'})
      const style = `color:${cssColor(pick(m.color, 0))};opacity:${m.kind == 'band' ? .4 : 1};` +
        `border-style:${dash.replace('dashdot', 'dashed')}`
      create('<span', entry, {text, style, class: text ? null : m.kind}).after(m.legend)
    }
  }

  // `attrsOf(i)` returns the path of a line. A halo, a wider line below it in the page's color,
  // sets it off from cells and other lines. Dashes grow with the width: round ends fill gaps.
  function drawLines(g, m, count, attrsOf, usual = 2, halo = m.halo) {
    const layers = halo ? 2 : 1, nodes = pool(g, 'path', layers * count)
    range(count).forEach(i => {
      const width = (pick(m.width, i) || usual) * unit, dash = DASHES[pick(m.dash, i)]
      const top = layers * (count - i) - 1  // the first line lies above all others
      const attrs = attrsOf(i), ground = {stroke: cssColor('ground'), opacity: .8}
      if (halo) setAttrs(nodes[top - 1], {...attrs, ...ground, 'stroke-width': width + 3})
      setAttrs(nodes[top], {stroke: cssColor(pick(m.color, i)), opacity: pick(m.opacity, i),
        'stroke-dasharray': dash && dash.map(d => round(d * Math.max(1, width / 2.2))).join(' '),
        'stroke-width': width, ...attrs})
    })
  }

  function addLabel(m, i, x, y, r, rank, more) {  // of a point, for `drawPending`
    const text = pick(m.label, i), tint = cssColor(pick(m.color, i)), strong = pick(m.strong, i)
    if (text) pending.push({x, y, r, rank, text, tint, strong, ...more})
  }

  function linePath(x, y, row, step) {
    const start = x.rows > 1 ? row * x.n : 0, highest = box.bottom - 20 * (box.bottom - box.top)
    let d = '', command = 'M'
    for (let i = 0; i < y.n; i++) {
      const px = X(x.v[start + i]), py = Y(y.v[row * y.n + i]), isKnown = isFinite(px + py)
      if (isKnown && step && command == 'L') d += 'H' + round(px)
      if (isKnown) d += command + round(px) + ' ' + round(clamp(py, highest, 4 * box.H))
      command = isKnown ? 'L' : 'M'
    }
    return d
  }

  const circle = (x, y, i, r) => shapePath('circle', X(x.v[i]), Y(y.v[i]), r * unit)
  // Each draws a mark from its columns into its group, and into the one above all marks.
  const DRAW = {
    line([g, top], m, x, y) {
      const hovered = interaction.shown(), fades = row => hovered?.many && !pick(m.strong, row) &&
        !(hovered.mark == m && hovered.row == row)
      drawLines(g, m, y.rows, r => ({d: linePath(x, y, r, m.step), class: fades(r) ? 'dim' : null}))
      pool(top, 'path', m.draw ? y.n : 0).forEach((knob, i) =>
        setAttrs(knob, {d: circle(x, y, i, 5), style: `fill:${cssColor(m.color)}`}))
    },
    band([g], m, x, low, high) {
      const known = range(x.n).filter(i => isFinite(low.v[i] + high.v[i]))
      const at = (c, i) => [X(x.v[i]), Y(c.v[i])]
      const outline = [...known.map(i => at(high, i)), ...known.reverse().map(i => at(low, i))]
      setAttrs(pool(g, 'path', 1)[0], {d: known.length ? linesThrough(outline) + 'Z' : '',
        style: `fill:${cssColor(m.color)}`, opacity: m.opacity || .16})
    },
    points([g], m, x, y) {
      pool(g, 'path', y.n).forEach((node, i) => {
        const r = (pick(m.size, i) || 4.5) * unit, px = X(x.v[i]), py = Y(y.v[i])
        const visible = isInside(px, py), d = visible ? shapePath(pick(m.shape, i), px, py, r) : ''
        const color = cssColor(pick(m.color, i)), isThin = m.shape in {plus: 0, x: 0}
        setAttrs(node, {d, opacity: pick(m.opacity, i), style: m.filled === false
          ? `stroke:${color};stroke-width:${2 * unit}`
          : `fill:${color};stroke:${cssColor('ground')};stroke-width:${isThin ? .6 : 1.2}`})
        if (visible) addLabel(m, i, px, py, r, 2)
      })
    },
    ring([g], m, x, y) {
      drawLines(g, m, y.n, i => ({d: circle(x, y, i, 8.5)}), 2.4, true)
      if (y.n) addLabel(m, 0, X(x.v[0]), Y(y.v[0]), 8.5 * unit, 0, {strong: true})
    },
    cross([g], m, {n, v}) {
      const order = range(n).sort((a, b) => v[a] - v[b]), labels = order.map(i => pick(m.label, i))
      const s = 5 * unit, arms = `${box.top - s}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}`
      drawLines(g, m, n, i => ({d: `M${round(X(v[i]) - s)} ${arms}`}), 2.6)
      v.forEach(x => occupy(X(x), box.top, 2 * s, 2 * s))
      order.filter((_, k) => labels.indexOf(labels[k]) == k)  // the same label only once
        .forEach(i => addLabel(m, i, X(v[i]), box.top, s, 1, {edge: true}))
    },
    rule([g], m, {n, v}) {
      drawLines(g, m, n, i => {
        const at = round((m.across ? Y : X)(v[i])), {left, right, top, bottom} = box
        const ends = m.across ? [[left, at], [right, at]] : [[at, bottom], [at, top]]
        addLabel(m, i, ...ends[1], 2, 1)
        return {d: linesThrough(ends)}
      }, 1.5)
    },
    text([g], m, x, y) {
      const usual = m.size || 1, width = (i, size) => textWidth(m.texts[i], size, pick(m.strong, i))
      const widest = Math.max(...m.texts.map((_, i) => width(i, usual)))
      const size = m.room ? usual * Math.min(1, (m.room * (X(1) - X(0)) - .4 * em) / widest) : usual
      pool(g, 'text', x.n).forEach((node, i) => write(node, m.texts[i], X(x.v[i]), Y(y.v[i]),
        {anchor: m.anchor, size, strong: pick(m.strong, i), width: width(i, size),
          fill: cssColor(pick(m.color, i) || 'ink')}))
    },
    cells([g, top], m, {rows, n, v}, colors) {
      const w = X(1) - X(0), h = Y(0) - Y(1), texts = pool(top, 'text', rows * n)
      const bytes = colorBytes(colors), room = (m.lift ? .68 : 1) * w - .5 * em  // less with a path
      const fits = ([digits, size]) => 1.25 * size * em < h &&
        textWidth('0.0' + '8'.repeat(digits), size) < room
      const [digits, size] = [[3, .95], [2, .95], [2, .85], [2, .72], [2, .6]].find(fits) || [0, .8]
      pool(g, 'rect', rows * n).forEach((node, i) => {
        const isKnown = isFinite(v[i]), px = X(i % n), py = Y(Math.floor(i / n))
        const rgb = [...bytes.subarray(4 * i, 4 * i + 3)], textY = py - (m.lift || 0) * h
        setAttrs(node, {x: round(px - w / 2 + .75), y: round(py - h / 2 + .75), rx: 2,
          width: round(Math.max(0, w - 1.5)), height: round(Math.max(0, h - 1.5)),
          fill: isKnown ? `rgb(${rgb})` : cssColor('gray'), opacity: bytes[4 * i + 3] / 255})
        const text = v[i] == Infinity ? '✕' : isKnown && digits ? formatPadded(v[i], digits) : ''
        const fill = !isKnown ? cssColor('ink') : isBright(rgb) ? 'black' : 'white'
        write(texts[i], text, px, textY, {size, fill, width: text && textWidth(text, size)})
      })
    },
    image([g], m, pixels) {
      const node = pool(g, 'image', 1)[0], {rows, n, v} = pixels
      if (node.pixels !== v) {
        const file = Object.assign(document.createElement('canvas'), {width: n, height: rows})
        const image = new ImageData(Uint8ClampedArray.from(colorBytes(pixels)), n, rows)
        file.getContext('2d').putImageData(image, 0, 0)
        setAttrs(node, {href: file.toDataURL(), preserveAspectRatio: 'none'})
        node.pixels = v
      }
      setAttrs(node, {x: round(box.left), y: box.top, width: round(box.right - box.left),
        height: round(box.bottom - box.top),  // rows begin at the bottom
        transform: `matrix(1 0 0 -1 0 ${round(box.top + box.bottom)})`})
    },
  }

  function obstacles() {  // [x, y, radius] in pixels: what a text should not cover
    const places = [...dots], {left, right, top, bottom} = box
    const addLine = ([a, b], [c, d], r) => {
      const n = clamp(Math.ceil(Math.hypot(c - a, d - b) / (.4 * em)), 1, 60)
      for (let s = 1; s <= n; s++) places.push([a + (c - a) * s / n, b + (d - b) * s / n, r])
    }
    spec.marks.forEach(({kind, across}, k) => {
      const [x, ...columns] = data[k], joined = kind == 'line' || kind == 'band'
      if (kind == 'rule') x.v.forEach(v => across ? addLine([left, Y(v)], [right, Y(v)])
        : addLine([X(v), top], [X(v), bottom]))
      if (joined || kind == 'points' || kind == 'ring') columns.forEach(({n, v}) =>
        v.reduce((before, height, i) => {
          const p = [X(x.v[x.rows > 1 ? i : i % x.n]), Y(height)], isKnown = isFinite(p[0] + p[1])
          if (isKnown) addLine(joined && i % n && before || p, p, joined ? 0 : 4)
          return isKnown && p
        }, null))
    })
    return places
  }

  function drawPending() {
    const nodes = pool(notes, 'text', pending.length), lines = pool(leaders, 'path', pending.length)
    const avoided = pending.length ? obstacles() : []
    pending.sort((a, b) => a.rank - b.rank).forEach((p, i) => {
      const full = textWidth(p.text, 1, p.strong), size = Math.min(1, (box.W - 6) / full)
      const place = findPlace(p, full * size + 2, size * em, avoided), [x, y] = place || [p.x, p.y]
      write(nodes[i], place ? p.text : '', x, y, {...p, size, width: full * size})
      const path = place ? leaderPoints(p, x, y, full * size / 2) : []
      setAttrs(lines[i], {d: path.length ? linesThrough([path[0], path[8]]) : '', class: 'far'})
      avoided.push(...path)
    })
  }

  function leaderPoints({x, y, r}, cx, cy, half) {  // of a line from a point to a label that is far
    const [a, b] = [clamp(x, cx - half, cx + half), clamp(y, cy - .6 * em, cy + .6 * em)]
    const gap = Math.hypot(a - x, b - y), from = Math.min(1, r / gap)
    return gap - r > 1.4 * em ? range(9).map(k => from + (1 - from) * k / 8)
      .map(s => [x + (a - x) * s, y + (b - y) * s]) : []
  }

  // The middle of a label near its point, where it covers no text and the least of lines.
  function findPlace({x, y, r, edge}, width, height, avoided) {
    const gap = .7 * em  // between texts
    let best = null, least = Infinity
    for (let dy = -14; dy <= 14; dy++) for (const dx of dy ? LABEL_SHIFTS : [-1, 1]) {
      const shift = dx / 2 * width + Math.sign(dx) * (dy ? edge ? .5 * em : 0 : r + .5 * em)
      const cx = clamp(x + shift, width / 2, (stub ? box.right : box.W) - width / 2)
      const cy = y + dy * .7 * height + Math.sign(dy) * Math.max(0, r - .1 * em)
      const a = cx - width / 2, b = cx + width / 2, c = cy - .6 * height, d = cy + .6 * height
      if (cy > box.bottom - .55 * height || cy < box.top - (edge ? .1 : -.5) * height) continue
      if (a < x + r && b > x - r && c < y + r && d > y - r) continue
      if (occupied.some(t => a < t[2] + gap && b > t[0] - gap && c < t[3] && d > t[1])) continue
      let cost = .6 * Math.abs(dx) + .25 * Math.abs(dy) +
        .02 * (Math.max(0, box.left - a) + Math.max(0, b - box.right))
      if (cost < least && leaderPoints({x, y, r}, cx, cy, width / 2).slice(1).some(([u, v]) =>
        occupied.some(t => u > t[0] && u < t[2] && v > t[1] && v < t[3]))) cost += 9
      for (let i = 0; i < avoided.length && cost < least; i++) {
        const [px, py, s = 0] = avoided[i]
        if (px > a - 2 - s && px < b + 2 + s && py > c - s && py < d + s) cost += 3
      }
      if (cost < least) [least, best] = [cost, [cx, cy]]
    }
    return best
  }

  function drawEndLabels() {
    let labels = []
    spec.marks.forEach((m, i) => m.kind == 'line' && m.label &&
      range(data[i][1].rows).forEach(row => {
        const [x, y] = data[i], text = pick(m.label, row), tint = cssColor(pick(m.color, row))
        const k = range(y.n).reduce((last, j) => isFinite(y.v[row * y.n + j]) ? j : last, -1)
        const px = X(x.v[(x.rows > 1 ? row * x.n : 0) + k]), py = Y(y.v[row * y.n + k])
        if (k >= 0 && text) labels.push({text, tint, strong: pick(m.strong, row), m, row,
          x: py < box.top ? box.right : Math.min(box.right, px), y: clamp(py, box.top, box.bottom)})
      }))
    const gap = 1.2 * em, most = Math.floor((box.bottom - box.top) / gap) + 1
    const strong = labels.filter(l => l.strong).length
    const every = Math.ceil((labels.length - strong) / Math.max(1, most - strong))
    if (labels.length > most)  // the strong ones, then evenly
      labels = labels.sort((a, b) => a.y - b.y).filter((l, i) => l.strong || i % every == 0)
    const places = spread(labels.map(l => l.y), gap, box.top, box.bottom)
    const start = box.right + .7 * em, textStart = start + stub + (stub ? .4 : .2) * em
    const lines = pool(connectors, 'path', labels.length)
    pool(endLabels, 'text', labels.length).forEach((node, i) => {
      const label = labels[i], {text, x, y} = label, width = textWidth(text, endSize, label.strong)
      const isFar = box.right - x > 3 * em  // dotted, lest it look like a curve
      for (let dot = x; isFar && dot < box.right; dot += .5 * em) dots.push([dot, y])
      setAttrs(lines[i], {stroke: label.tint, opacity: .55, class: isFar ? 'far' : null,
        d: linesThrough([[x + 3, y], [box.right + 3, y], [start, places[i]]])})
      write(node, text, textStart, places[i], {...label, anchor: 'start', size: endSize, width})
    })
    const styles = name => labels.map(l => pick(l.m[name], l.row))
    const style = {color: styles('color'), dash: styles('dash'), width: styles('width')}
    drawLines(stubs, style, stub && labels.length, i =>
      ({d: `M${round(start)} ${round(places[i])}h${stub}`}))
  }

  const interaction = interact({hit, tip, ring, svg}, {requestDraw, draw, onEvent, isInside})
  const observer = new ResizeObserver(measure)  // of the width, and of the size of letters
  for (const node of [root, probe]) observer.observe(node)
  return {show, close() {
    observer.disconnect()
    cancelAnimationFrame(frameRequest)
    interaction.close()
    root.remove()
  }}
}

export function charts(el, onEvent = () => {}) {
  const [row, below] = ['row', 'sentence'].map(name => create('<div', el, {class: 'hpc-' + name}))
  const silent = create('<div', below, {'aria-hidden': 'true'}), list = []
  const spoken = create('<div', below, {'aria-live': 'polite', 'aria-atomic': 'true'})
  let sentence = ''
  function show(get) {
    const widths = get('widths') || [1], text = get('sentence') || ''
    while (list.length > widths.length) list.pop().close()
    const mean = widths.reduce((sum, width) => sum + width, 0) / widths.length
    widths.forEach((width, i) => {
      list[i] ||= createChart(row, event => onEvent({...event, chart: i}))
      row.children[i].style.flex = `${width} 1 ${18 * width / mean}em`
      const spec = get('c' + i)
      if (spec) list[i].show(spec, spec.marks.map((_, k) => get(`c${i}m${k}`)))
    })
    if (text === sentence) return
    sentence = silent.innerHTML = text  // which leaves the last spoken one, for screen readers
    if (!text.includes('aria-live')) [spoken.innerHTML, silent.innerHTML] = [text, '']
  }
  return {show, close() { for (const c of list) c.close(); row.remove(); below.remove() }}
}
