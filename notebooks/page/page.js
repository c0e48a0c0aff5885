// The page: recorded numbers, drawn by the panels' script, whose `charts` is defined above.
// Scripts with numbers call `page.take`; `page.readRun` returns a training that is `loaded`.

window.page = (() => {
  const PIN_COLORS = ['orange', 'green', 'purple', 'brown']
  const ENTITIES = {'<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;'}
  const MOST_OLD = 6  // earlier runs in gray
  const loaded = {}, waiting = {}, words = {}

  // ---- numbers as the charts take them ---------------------------------------------------

  function pack(...columns) {  // each a list of rows; rows of one column are equally long
    const shapes = columns.flatMap(rows => [rows.length, rows.length ? rows[0].length : 0])
    const numbers = columns.flatMap(rows => rows.flatMap(row => Array.from(row)))
    const data = new DataView(new ArrayBuffer(4 * (1 + shapes.length + numbers.length)))
    const head = [columns.length, ...shapes]
    head.forEach((v, i) => data.setInt32(4 * i, v, true))
    numbers.forEach((v, i) => data.setFloat32(4 * (head.length + i), v, true))
    return data
  }

  function packPixels(pixels, width) {
    const bytes = new Uint8Array(12 + pixels.length)
    bytes.set(new Uint8Array(new Int32Array([1, pixels.length / 4 / width, width]).buffer))
    bytes.set(pixels, 12)
    return new DataView(bytes.buffer)
  }

  const packPoints = points => pack([points.map(p => p[0])], [points.map(p => p[1])])
  const decode = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
  const range = (n, from = 0) => Array.from({length: n}, (_, i) => from + i)
  const digits = v => v >= 1e3 ? v.toExponential(1) : v.toPrecision(3)
  const indexIn = (list, value) => Math.max(0, list.indexOf(value))
  const escapeHtml = (text, most = 20) =>
    String(text).slice(0, most).replace(/[<>&"]/g, c => ENTITIES[c])
  const fill = (text, facts) => text.replace(/{(\w+)}/g, (_, name) => facts[name])

  // ---- the first panel -------------------------------------------------------------------

  function lossOf(level) {  // see levels() in recorded.py
    const {ends, levels} = words, k = level > levels[1] ? 1 : 0
    const share = (level - levels[k]) / (levels[k + 1] - levels[k])
    return level > levels[2] ? NaN : ends[k] * (ends[k + 1] / ends[k]) ** share
  }

  // `at` is a run of a set: indexes of its rate, size and seed, and its number of epochs.
  function bytesOf(set, kind, at) {  // null if they have not been loaded yet
    const {rates, sizes, seeds, opening, [kind]: all} = loaded[set]
    const run = (at.rate * sizes.length + at.size) * seeds + at.seed
    const length = all && all.length / (rates.length * sizes.length * seeds)
    if (all) return all.subarray(run * length, (run + 1) * length)
    return run == opening?.run ? decode(opening[kind]) : null
  }

  function curves(set, at) {  // training and validation losses, up to the epochs asked for
    const bytes = bytesOf(set, 'losses', at), length = loaded[set].epochs + 1
    return [0, 1].map(part => {
      const losses = []
      for (let epoch = 0, level = 0; epoch <= at.epochs; epoch++) {
        const i = part * length + epoch
        level = level + 256 * bytes[i] + bytes[2 * length + i] & 65535
        losses.push(lossOf(level))
      }
      return losses
    })
  }

  function readRun(set, at) {
    const [train, val] = curves(set, at)
    const losses = val.map(v => isNaN(v) ? Infinity : v)
    const best = Math.min(...losses), epoch = losses.indexOf(best)
    const overflowed = [...train, ...val].some(v => isNaN(v))
    return {...at, train, val, best, epoch, diverged: overflowed || train.at(-1) > 3 * train[0]}
  }

  function mapOf(set, at) {  // pixels, and their epoch: the last one that has a map
    const {map, stages} = loaded[set], pixels = new Uint8Array(4 * map * map)
    const stage = stages.filter(epoch => epoch <= at.epochs).length - 1
    const maps = bytesOf(set, 'maps', at), start = stage * map * map / 2
    if (maps) range(map * map).forEach(i => {
      const pair = maps[start + (i >> 1)], share = (i % 2 ? pair & 15 : pair >> 4) / 15
      const sureness = Math.abs(2 * share - 1)
      pixels.set([...words.classes[share > .5 ? 1 : 0], 158 * sureness ** .8], 4 * i)
    })
    return [packPixels(pixels, map), stages[stage]]
  }

  function digitsChart(set) {
    const {tiles, across} = loaded[set]
    const pixels = Uint8Array.from(Array.from(decode(tiles), v => [...words.classes[0], v]).flat())
    return {spec: {...words.plain, x: noAxis, y: noAxis, title: words.digits, alt: words.digitsAlt,
      grid: false, marks: [{kind: 'image'}]}, data: [packPixels(pixels, across)]}
  }

  const axis = (label, low, high) => ({label, kind: 'linear', domain: [low, high]})
  const noAxis = {label: '', kind: 'none', domain: [0, 1]}

  function lossChart(run, pins, old, {top, epochs}, alt) {
    const shown = [run, ...pins], inside = shown.filter(r => r.best <= top)
    const cut = shown.filter(r => r.diverged || r.val.at(-1) > top)
    const exit = r => r.val.findLastIndex(v => v <= top) + 1  // the epoch where it is cut
    const colors = runs => runs.map(r => r.color || 'blue')
    const longest = Math.max(...[...shown, ...old].map(r => r.val.length))
    const packCurves = (runs, part) => pack(runs.map(() => range(longest)),
      runs.map(r => range(longest).map(i => Math.min(r[part][i] ?? NaN, 20 * top))))
    const isHigh = run.diverged || run.best > top
    const marks = [
      [{kind: 'line', color: 'gray', width: 1.3, opacity: .55, hover: false,
        legend: old.length ? words.old : null}, packCurves(old, 'val')],
      [{kind: 'line', color: colors(pins), width: 1.6, dash: 'dashed', hover: false},
        packCurves(pins, 'train')],
      [{kind: 'line', color: colors(pins), width: 2.2, label: pins.map(r => r.name)},
        packCurves(pins, 'val')],
      [{kind: 'line', width: 2, dash: 'dashed', label: words.train}, packCurves([run], 'train')],
      [{kind: 'line', width: 3, label: words.val, strong: true}, packCurves([run], 'val')],
      [{kind: 'ring', color: colors(inside),
        label: isHigh ? null : fill(words.lowest, {loss: digits(run.best)})},
        packPoints(inside.map(r => [r.epoch, r.best]))],
      [{kind: 'cross', color: colors(cut),
        label: cut.map(r => r.diverged ? words.diverged : words.above)}, pack([cut.map(exit)])],
    ]
    const axes = {x: axis(words.epoch, 0, 1.02 * epochs), y: axis(words.loss, 0, top)}
    return {spec: {...words.plain, ...axes, marks: marks.map(m => m[0]), alt},
      data: marks.map(m => m[1])}
  }

  function mapChart(set, at) {
    const {extent: [left, right, bottom, top], dots, axes} = loaded[set]
    const [pixels, epoch] = mapOf(set, at)
    const points = [['blue', 'circle'], ['orange', 'triangle']].map(([color, shape]) =>
      ({kind: 'points', color, shape, size: 2.6, hover: false}))
    return {spec: {...words.plain, x: axis(axes[0], left, right), y: axis(axes[1], bottom, top),
      title: fill(words.map, {epoch}), alt: fill(words.mapAlt, {epoch}), grid: false,
      marks: [{kind: 'image'}, ...points]}, data: [pixels, ...dots.map(packPoints)]}
  }

  // ---- what is on the page ---------------------------------------------------------------

  const part = (root, name) => root.querySelector(`[data-name="${name}"]`)
  const onClick = (root, name, call) => {
    const button = root.querySelector(`[data-do="${name}"]`)
    button.addEventListener('click', call)
    return button
  }

  function slider(root, name, onChange, textOf = String) {  // over values, which `set` gives
    const input = part(root, name), output = input.previousElementSibling
    let values = [], before = 0
    function show() {
      output.textContent = textOf(values[input.value])
      input.setAttribute('aria-valuetext', output.textContent)
    }
    input.addEventListener('input', () => { show(); onChange(false) })
    input.addEventListener('change', () => onChange(true))
    input.addEventListener('pointerdown', () => { before = input.value })
    input.addEventListener('pointercancel', () => {  // the finger scrolls the page
      input.value = before
      show()
      onChange(false)
    })
    return {
      get at() { return +input.value },
      get value() { return values[input.value] },
      set(list, start) {
        values = list
        Object.assign(input, {min: 0, max: list.length - 1, step: 1})
        input.value = start
        show()
      },
    }
  }

  function pills(root, name, texts, onChange) {  // radio buttons; `at` is the chosen one's index
    const box = part(root, name)
    const inputs = texts.map((text, i) => {
      const label = document.createElement('label'), input = document.createElement('input')
      Object.assign(input, {type: 'radio', name, value: i, checked: !i})
      input.addEventListener('change', () => onChange(true))
      label.append(input, text)
      box.append(label)
      return input
    })
    return {
      inputs,
      get at() { return inputs.findIndex(i => i.checked) },
      set(_, start) { inputs[start].checked = true },
    }
  }

  function view(root, onEvent) {  // of a panel: shows charts, and a sentence below
    const {show} = charts(root.querySelector('.shown'), onEvent)
    const below = root.querySelector('.said')
    return (widths, list, sentence) => {
      show(key => {  // "widths", "sentence", "c0", "c0m1"
        const [, i, mark] = key.match(/^c(\d)(?:m(\d+))?$/) || [], chart = list[i]
        return mark ? chart?.data[mark] : chart?.spec ?? {widths}[key]
      })
      if (below.innerHTML != sentence) below.innerHTML = sentence
    }
  }

  function stateOf(scene, name) {  // charts and sentence of a recorded state
    const [list, sentence] = scene.states[name]
    return [list.map(([spec, marks]) => ({spec: scene.specs[spec],
      data: marks.map(i => scene.marks[i])})), sentence]
  }

  // The same charts with other numbers in the marks that have this legend.
  const withData = (list, legend, numbers) => list.map(({spec, data}) =>
    ({spec, data: data.map((d, i) => spec.marks[i].legend == legend ? numbers : d)}))

  const scenes = {
    one(root) {
      const names = words.sets, old = [], pins = [], show = view(root)
      let set = names[0], timer = 0, at = null, note = ''
      const sizeText = v => v == loaded[set].points ? fill(words.all, {v}) : String(v)
      const rate = slider(root, 'rate', update), size = slider(root, 'size', update, sizeText)
      const epochs = slider(root, 'epochs', update)
      const sets = pills(root, 'set', names, () => wait(`${names[sets.at]}-losses`, begin))
      const seed = pills(root, 'seed', range(loaded[set].seeds).map(String), () => update(true))
      const chosen = () => ({rate: rate.at, size: size.at, epochs: epochs.value, seed: seed.at})
      const isLoaded = run => bytesOf(set, 'losses', run)
      const valuesOf = r => ({lr: loaded[set].rates[r.rate],
        batch_size: loaded[set].sizes[r.size], epochs: r.epochs, seed: r.seed})

      function address() {  // the state, as hk.open and `open` take it
        const now = valuesOf(chosen()), state = {data: set}, {fixed} = loaded[set]
        const changed = (a, b) => Object.keys(a).filter(k => a[k] != b[k])
        for (const key of changed(now, words.usual)) state[key] = now[key]
        const pin = pins.map(valuesOf)
          .map(v => changed(v, now).map(k => `${k}:${v[k]}`).join()).filter(p => p).join(';')
        const pairs = Object.entries({...state, ...pin && {pin}, ...fixed})
        return '#training?' + pairs.map(pair => pair.join('=')).join('&')
      }

      function parse(values) {  // a run of an address; null, and a note, if none was recorded
        const {rates, sizes, seeds, epochs: most, fixed} = loaded[set]
        const lists = {__proto__: null, lr: rates, batch_size: sizes, epochs: range(most, 1),
          seed: range(seeds)}
        const all = {...words.usual, ...values}, recorded = {...words.usual, ...fixed}
        const wrong = Object.keys(all).find(key => !(key in lists ? lists[key] : [recorded[key]])
          .map(String).includes(all[key]))
        if (wrong) return refuse(wrong, all[wrong])
        return {rate: rates.indexOf(+all.lr), size: sizes.indexOf(+all.batch_size),
          epochs: +all.epochs, seed: +all.seed}
      }

      function refuse(key, got) {
        note = fill(words.refused, {key: escapeHtml(key), got: escapeHtml(got)})
        draw()
        return null
      }

      function open() {  // what the address asks for, or nothing if we lack a part of it
        const [, kind, query] = location.hash.match(/^#([\w-]+)\?(.*)/) || []
        if (!kind) return
        const {data, pin = '', ...values} = Object.fromEntries(new URLSearchParams(query))
        if (kind != 'training') return refuse('panel', kind)
        if (!names.includes(data)) return refuse('data', data)
        sets.set(null, names.indexOf(data))
        wait(`${data}-losses`, () => {
          begin()
          const pinned = pin.split(';').filter(p => p).map(p => ({...values,
            ...Object.fromEntries(p.split(',').map(pair => pair.split(':')))}))
          const runs = [values, ...pinned.slice(0, PIN_COLORS.length)].map(parse)
          if (runs.includes(null)) return
          const [first, ...others] = runs, {rates, sizes, seeds, epochs: most} = loaded[set]
          rate.set(rates, first.rate)
          size.set(sizes, first.size)
          epochs.set(range(most, 1), first.epochs - 1)
          seed.set(range(seeds), first.seed)
          pins.push(...others.map((r, i) => ({...readRun(set, r), color: PIN_COLORS[i]})))
          old.length = 0
          update(true)
        })
      }

      function begin() {
        set = names[sets.at]
        old.length = pins.length = 0
        const {rates, sizes, epochs: most} = loaded[set]
        rate.set(rates, at ? at.rate : indexIn(rates, words.begin.rate))
        size.set(sizes, at ? Math.min(at.size, sizes.length - 1) : indexIn(sizes, words.begin.size))
        epochs.set(range(most, 1), most - 1)
        update(true)
      }

      const isCurrent = run => Object.keys(at).every(key => run[key] == at[key])

      function nameOf(run) {  // what tells a pinned run from the others
        const {rates, sizes} = loaded[set]
        const values = {rate: rates[run.rate], size: sizes[run.size], seed: run.seed}
        const keys = Object.keys(values).filter(key => [at, ...pins].some(r => r[key] != run[key]))
        const textOf = key => fill(words[key], {v: values[key]})
        return keys.map(textOf).join(', ') || textOf('rate')
      }

      function draw(run = chosen()) {
        if (!isLoaded(run)) return  // it is drawn when it is
        at = run
        const data = loaded[set], current = readRun(set, at)
        const text = fill(words[current.diverged ? 'gone' : 'told'], {rate: data.rates[at.rate],
          size: data.sizes[at.size], seed: at.seed, best: digits(current.best),
          epoch: current.epoch, epochs: at.epochs})
        const pinned = pins.map(r => ({...r, name: nameOf(r)}))
        const earlier = old.filter(r => !isCurrent(r))
        const list = [lossChart(current, pinned, earlier, data, text.replace(/<[^>]+>/g, ''))]
        if (data.map) list.push(mapChart(set, at))
        if (data.tiles) list.push(digitsChart(set))
        show(list[1] ? [3, 2] : [1], list, note + text)
        if (note) root.querySelector('.said').scrollIntoView({block: 'nearest'})
      }

      function update(done) {
        clearInterval(timer)
        note = ''
        draw()
        if (!done || old.some(isCurrent)) return
        old.push(readRun(set, at))
        if (old.length > MOST_OLD) old.shift()
      }

      onClick(root, 'watch', () => {
        clearInterval(timer)
        const most = epochs.value, start = performance.now()
        const still = matchMedia('(prefers-reduced-motion: reduce)').matches
        timer = setInterval(() => {
          const done = still ? 1 : Math.min(1, (performance.now() - start) / 3000)
          root.querySelector('.said').ariaLive = done < 1 ? 'off' : null  // announce the end only
          draw({...chosen(), epochs: Math.max(1, Math.round(most * done ** 1.6))})
          if (done == 1) clearInterval(timer)
        }, 40)
      })
      onClick(root, 'pin', () => {
        if (!isLoaded(chosen()) || pins.some(isCurrent)) return
        if (pins.length == PIN_COLORS.length) pins.shift()
        const color = PIN_COLORS.find(c => !pins.some(r => r.color == c))
        pins.push({...readRun(set, chosen()), color})
        draw()
      })
      onClick(root, 'clear', () => { old.length = pins.length = 0; update(true) })
      onClick(root, 'share', () => {
        history.replaceState(null, '', address())
        navigator.clipboard?.writeText(location.href).catch(() => {})
        note = fill(words.shared, {line: escapeHtml(address().slice(1), 400)})
        draw()
      })
      begin()
      open()
      addEventListener('hashchange', open)
      for (const name of [`${names[0]}-losses`, ...names.map(name => `${name}-maps`)])
        wait(name, () => name.startsWith(set) && draw())
    },

    guess(root, scene) {
      const story = root.querySelector('.story')
      let heights = null, shown = false
      const start = scene.marks[scene.states.draw[0][0][1][0]]
      const show = view(root, event => {
        if (event.type != 'draw') return
        heights = event.value
        draw()
      })
      const again = onClick(root, 'again', () => { [heights, shown] = [null, false]; draw() })
      const commit = onClick(root, 'look', () => { shown = true; draw() })

      function draw() {
        [again.hidden, commit.hidden, story.hidden] = [!shown, shown, !shown]
        commit.disabled = !heights
        const [list, sentence] = stateOf(scene, shown ? 'truth' : 'draw')
        const curve = heights || scene.flat, data = pack([scene.at], [curve])
        if (!shown) return show([1], [{...list[0], data: heights ? [data] : [start]}], words.draw)
        const errors = curve.map((v, i) => Math.abs(v - scene.truth[i]))
        const mean = errors.reduce((a, b) => a + b) / errors.length, low = Math.min(...curve)
        const facts = {off: mean.toFixed(2), low: low.toFixed(2),
          at: Math.round(scene.at[curve.indexOf(low)])}
        show(scene.widths, withData(list, words.guess, data), fill(words.guessed, facts) + sentence)
      }
      draw()
    },

    curve(root, scene) {
      let chosen = '', before = null  // batch size of the last curve, to be seen in gray
      const show = view(root, event => {
        if (event.type != 'click') return
        chosen = event.name == 'cross' ? scene.out[size.at][event.value] : event.value
        draw()
      })
      const size = slider(root, 'size', done => {
        chosen = ''
        draw()
        if (done) before = size.at
      })
      function draw() {
        const [list, sentence] = stateOf(scene, `${size.value}/${chosen}`)
        const means = before == null || before == size.at ? [] : scene.means[before]
        const points = scene.rates.map((rate, i) => [rate, means[i]]).filter(p => p[1] != null)
        show(scene.widths, withData(list, words.old, packPoints(points)), sentence)
      }
      before = indexIn(scene.sizes, words.begin.size)
      size.set(scene.sizes, before)
      draw()
    },

    path(root, scene) {
      const walked = {}, story = root.querySelector('.story'), most = scene.orders[0].length
      let step = 0, grid = ''
      const show = view(root), names = scene.orders.map(o => o.map(n => words.knobs[n]).join(', '))
      const order = pills(root, 'order', names, () => { step = 0; draw() })
      const ends = order.inputs.map(input => {
        const end = document.createElement('b')
        input.parentNode.append(end)
        return end
      })
      const next = onClick(root, 'step', () => { step++; draw() })
      const all = onClick(root, 'all', () => { step = most; draw() })
      const button = onClick(root, 'grid', () => { grid = grid ? '' : 'grid'; draw() })
      function draw() {
        if (step == most) walked[order.at] = true
        next.disabled = all.disabled = step == most
        button.setAttribute('aria-pressed', !!grid)
        story.hidden = Object.keys(walked).length < scene.orders.length
        ends.forEach((end, i) => { end.textContent = walked[i] ? digits(scene.ends[i]) : '' })
        const name = `${scene.orders[order.at].join()}/${step}/${grid}`
        show(scene.widths, ...stateOf(scene, name))
      }
      draw()
    },

    grid(root, scene) {
      const story = root.querySelector('.story')
      let guess = null, chosen = ''
      const show = view(root, event => {
        if (event.type != 'click' || event.name != 'cell') return
        if (guess == null) guess = event.value
        else chosen = String(event.value)
        draw()
      })
      const again = onClick(root, 'again', () => { [guess, chosen] = [null, '']; draw() })
      function draw() {
        again.hidden = story.hidden = guess == null
        const [list, sentence] = stateOf(scene, guess == null ? 'ask' : chosen)
        if (guess == null) return show([1], list, words.cell)
        const x = guess % scene.across, y = Math.floor(guess / scene.across)
        const outline = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]
          .map(([dx, dy]) => [x + dx / 2, y + dy / 2])
        const loss = scene.cells[guess], lowest = Math.min(...scene.cells.filter(v => v != null))
        const kind = loss == null ? 'cellOut' : loss == lowest ? 'cellBest' : 'cellLoss'
        const text = fill(words[kind], {loss: digits(loss || 0), times: digits(loss / lowest)})
        show(scene.widths, withData(list, words.guess, packPoints(outline)), text + sentence)
      }
      draw()
    },

    clinic(root, scene) {
      const {patients, words: texts} = scene, record = root.querySelector('.record')
      const score = root.querySelector('.score'), results = [], show = view(root)
      let number = 0, remedy = '', diagnosis = '', isFirst = true
      const lists = {fault: texts.faults, remedy: texts.remedies}
      const [fault, cure] = Object.keys(lists).map(name => {
        const box = part(root, name)
        box.append(new Option(texts.choose, ''), ...Object.entries(lists[name]).map(
          ([key, text]) => new Option(text, key)))
        return box
      })
      onClick(root, 'treat', () => {
        if (!fault.value || !cure.value) return draw(texts.both)
        ;[diagnosis, remedy] = [fault.value, cure.value]
        if (isFirst) results.push(diagnosis == patients[number].fault)
        isFirst = false
        draw()
      })
      onClick(root, 'next', () => {
        number = (number + 1) % patients.length
        ;[remedy, diagnosis, isFirst] = ['', '', true]
        fault.value = cure.value = ''
        draw()
      })
      function draw(hint) {
        const patient = patients[number]
        const [list, sentence] = stateOf(scene, `${number}/${remedy}`)
        const facts = {named: texts.faults[diagnosis], clue: texts.clues[patient.fault]}
        const verdict = diagnosis == patient.fault ? texts.right : texts.wrong
        record.innerHTML = patient.record
        const counts = [results.filter(right => right).length, results.length]
        score.textContent = results.length ? fill(texts.score, counts) : ''
        show(scene.widths, list, hint || (diagnosis ? fill(verdict, facts) + ' ' : '') + sentence)
      }
      draw()
    },
  }

  // ---- numbers come in -------------------------------------------------------------------

  function wait(name, call) {
    if (loaded[name]) call()
    else (waiting[name] ||= []).push(call)
  }

  function take(name, value) {
    const [set, kind] = name.split('-')  // 'moons-losses': of its runs
    if (kind) loaded[set][kind] = value = decode(value[kind])
    if (name == 'words') Object.assign(words, value)
    loaded[name] = value
    scenes[name]?.(document.getElementById(name), value)
    // Panels grow when their numbers come: a link goes to where its target is then.
    if (scenes[name]) document.querySelector(':target')?.scrollIntoView()
    for (const call of waiting[name] || []) call()
    if (name != words.first) return
    scenes.one(document.getElementById('one'))
    requestAnimationFrame(() => setTimeout(() => {  // the first picture has been painted
      for (const next of words.later) {  // one after another
        const script = document.createElement('script')
        Object.assign(script, {src: `page/${next}.js`, async: false})
        document.head.append(script)
      }
    }))
  }

  return {take, readRun, loaded}
})()
