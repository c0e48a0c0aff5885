// The page: recorded numbers, drawn by the script of the panels, whose `charts` stands above.
// `page.take` is what the scripts with the numbers call; `page.look` reads one training of
// what was `taken`.

window.page = (() => {
  const INK = ['orange', 'green', 'purple', 'brown']  // of pinned runs
  const ENTITY = {'<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;'}
  const KEPT = 6  // earlier runs in gray
  const taken = {}, waiting = {}, words = {}

  // ---- numbers as the charts take them ---------------------------------------------------

  function pack(...columns) {  // each a list of rows; rows of one column are equally long
    const shapes = columns.flatMap(rows => [rows.length, rows.length ? rows[0].length : 0])
    const numbers = columns.flatMap(rows => rows.flatMap(row => Array.from(row)))
    const made = new DataView(new ArrayBuffer(4 * (1 + shapes.length + numbers.length)))
    const head = [columns.length, ...shapes]
    head.forEach((v, i) => made.setInt32(4 * i, v, true))
    numbers.forEach((v, i) => made.setFloat32(4 * (head.length + i), v, true))
    return made
  }

  function packPixels(pixels, across) {
    const made = new Uint8Array(12 + pixels.length)
    made.set(new Uint8Array(new Int32Array([1, pixels.length / 4 / across, across]).buffer))
    made.set(pixels, 12)
    return new DataView(made.buffer)
  }

  const bytesOf = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
  const range = (n, from = 0) => Array.from({length: n}, (_, i) => from + i)
  const digits = v => v >= 1e3 ? v.toExponential(1) : v.toPrecision(3)
  const placeOf = (value, list) => Math.max(0, list.indexOf(value))
  const safe = (text, most = 20) => String(text).slice(0, most).replace(/[<>&"]/g, c => ENTITY[c])
  const fill = (text, facts) => text.replace(/{(\w+)}/g, (_, name) => facts[name])

  // ---- the first panel -------------------------------------------------------------------

  function lossOf(level) {  // see levels() in recorded.py
    const {ends, levels} = words, k = level > levels[1] ? 1 : 0
    const share = (level - levels[k]) / (levels[k + 1] - levels[k])
    return level > levels[2] ? NaN : ends[k] * (ends[k + 1] / ends[k]) ** share
  }

  function recorded(set, kind, at) {  // bytes of a run; null where they are not here yet
    const {rates, sizes, seeds, opening, [kind]: all} = taken[set]
    const run = (at.rate * sizes.length + at.size) * seeds + at.seed
    const long = all && all.length / (rates.length * sizes.length * seeds)
    if (all) return all.subarray(run * long, (run + 1) * long)
    return run == opening?.run ? bytesOf(opening[kind]) : null
  }

  function curves(set, at) {  // losses of training and validation, up to the epochs asked for
    const bytes = recorded(set, 'losses', at), long = taken[set].epochs + 1
    return [0, 1].map(part => {
      const losses = []
      for (let e = 0, level = 0; e <= at.epochs; e++) {
        const i = part * long + e
        level = level + 256 * bytes[i] + bytes[2 * long + i] & 65535
        losses.push(lossOf(level))
      }
      return losses
    })
  }

  function look(set, at) {
    const [train, val] = curves(set, at)
    const worst = val.map(v => isNaN(v) ? Infinity : v)
    const best = Math.min(...worst), epoch = worst.indexOf(best)
    const broken = [...train, ...val].some(v => isNaN(v))
    return {...at, train, val, best, epoch, out: broken || train.at(-1) > 3 * train[0]}
  }

  function mapOf(set, at) {  // pixels, and their epoch: the last one that has a map
    const {map, stages} = taken[set], pixels = new Uint8Array(4 * map * map)
    const stage = stages.filter(e => e <= at.epochs).length - 1
    const maps = recorded(set, 'maps', at), start = stage * map * map / 2
    if (maps) range(map * map).forEach(i => {
      const both = maps[start + (i >> 1)], share = (i % 2 ? both & 15 : both >> 4) / 15
      const sure = Math.abs(2 * share - 1)
      pixels.set([...words.classes[share > .5 ? 1 : 0], 158 * sure ** .8], 4 * i)
    })
    return [packPixels(pixels, map), stages[stage]]
  }

  function digitsChart(set) {
    const {tiles, across} = taken[set]
    const pixels = Uint8Array.from(Array.from(bytesOf(tiles), v => [...words.classes[0], v]).flat())
    return {spec: {...words.plain, x: none, y: none, title: words.digits, alt: words.digitsAlt,
      grid: false, marks: [{kind: 'image'}]}, data: [packPixels(pixels, across)]}
  }

  const axis = (label, low, high) => ({label, kind: 'linear', domain: [low, high]})
  const none = {label: '', kind: 'none', domain: [0, 1]}

  function lossChart(run, pins, old, {top, epochs}, name) {
    const all = [run, ...pins], inside = all.filter(r => r.best <= top)
    const gone = all.filter(r => r.out || r.val.at(-1) > top)
    const left = r => r.val.findLastIndex(v => v <= top) + 1  // where it leaves the chart
    const tints = runs => runs.map(r => r.color || 'blue')
    const longest = Math.max(...[...all, ...old].map(r => r.val.length))
    const cut = (runs, part) => runs.map(r => r[part].map(v => Math.min(v, 20 * top)))
    const long = rows => rows.map(r => [...r, ...Array(longest - r.length).fill(NaN)])
    const many = (runs, part) => pack(runs.map(() => range(longest)), long(cut(runs, part)))
    const lowest = run.out || run.best > top ? null : fill(words.lowest, {loss: digits(run.best)})
    const marks = [
      [{kind: 'line', color: 'gray', width: 1.3, opacity: .55, hover: false,
        legend: old.length ? words.old : null}, many(old, 'val')],
      [{kind: 'line', color: tints(pins), width: 1.6, dash: 'dashed', hover: false},
        many(pins, 'train')],
      [{kind: 'line', color: tints(pins), width: 2.2, label: pins.map(r => r.name)},
        many(pins, 'val')],
      [{kind: 'line', width: 2, dash: 'dashed', label: words.train}, many([run], 'train')],
      [{kind: 'line', width: 3, label: words.val, strong: true}, many([run], 'val')],
      [{kind: 'ring', color: tints(inside), label: lowest},
        pack([inside.map(r => r.epoch)], [inside.map(r => r.best)])],
      [{kind: 'cross', color: tints(gone),
        label: gone.map(r => r.out ? words.diverged : words.above)}, pack([gone.map(left)])],
    ]
    const axes = {x: axis(words.epoch, 0, 1.02 * epochs), y: axis(words.loss, 0, top)}
    return {spec: {...words.plain, ...axes, marks: marks.map(m => m[0]), alt: name},
      data: marks.map(m => m[1])}
  }

  function mapChart(set, at) {
    const {extent: [left, right, bottom, top], dots, axes} = taken[set]
    const [pixels, epoch] = mapOf(set, at), title = fill(words.map, {epoch})
    const looks = [['blue', 'circle'], ['orange', 'triangle']].map(([color, shape]) =>
      ({kind: 'points', color, shape, size: 2.6, hover: false}))
    return {spec: {...words.plain, x: axis(axes[0], left, right), y: axis(axes[1], bottom, top),
      title, alt: fill(words.mapAlt, {epoch}), grid: false,
      marks: [{kind: 'image'}, ...looks]},
      data: [pixels, ...dots.map(c => pack([c.map(p => p[0])], [c.map(p => p[1])]))]}
  }

  // ---- what is on the page ---------------------------------------------------------------

  const part = (root, name) => root.querySelector(`[data-name="${name}"]`)
  const act = (root, name, call) => {
    const button = root.querySelector(`[data-do="${name}"]`)
    button.addEventListener('click', call)
    return button
  }

  function slider(root, name, call, said = String) {  // over values, which `set` gives
    const input = part(root, name), out = input.previousElementSibling
    let values = [], before = 0
    function show() {
      out.textContent = said(values[input.value])
      input.setAttribute('aria-valuetext', out.textContent)
    }
    input.addEventListener('input', () => { show(); call(false) })
    input.addEventListener('change', () => call(true))
    input.addEventListener('pointerdown', () => { before = input.value })
    input.addEventListener('pointercancel', () => {  // the finger scrolls the page
      input.value = before
      show()
      call(false)
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

  function pills(root, name, texts, call) {  // radio buttons; `at` is the number of the chosen one
    const box = part(root, name)
    const inputs = texts.map((text, i) => {
      const label = document.createElement('label'), input = document.createElement('input')
      Object.assign(input, {type: 'radio', name, value: i, checked: !i})
      input.addEventListener('change', () => call(true))
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

  function view(root, tell) {  // charts of a panel, and its sentence
    const shown = charts(root.querySelector('.shown'), tell)
    const said = root.querySelector('.said')
    return (widths, list, text) => {
      shown.show(key => {  // "widths", "sentence", "c0", "c0m1"
        const [, number, mark] = key.match(/^c(\d)(?:m(\d+))?$/) || [], one = list[number]
        return !one ? {widths}[key] : mark == null ? one.spec : one.data[mark]
      })
      if (said.innerHTML != text) said.innerHTML = text
    }
  }

  function stateOf(scene, name) {  // charts of a recorded state, and what is said
    const [list, said] = scene.states[name]
    return [list.map(([spec, marks]) => ({spec: scene.specs[spec],
      data: marks.map(i => scene.marks[i])})), said]
  }

  // The same charts with other numbers in the marks of this legend.
  const replaced = (list, legend, made) => list.map(({spec, data}) =>
    ({spec, data: data.map((d, i) => spec.marks[i].legend == legend ? made : d)}))

  const scenes = {
    one(root) {
      const names = words.sets, old = [], pins = [], show = view(root)
      let set = names[0], timer = 0, at = null, note = ''
      const said = v => v == taken[set].points ? fill(words.all, {v}) : String(v)
      const rate = slider(root, 'rate', moved), size = slider(root, 'size', moved, said)
      const epochs = slider(root, 'epochs', moved)
      const sets = pills(root, 'set', names, () => wait(`${names[sets.at]}-losses`, begin))
      const seed = pills(root, 'seed', range(taken[set].seeds).map(String), () => moved(true))
      const place = () => ({rate: rate.at, size: size.at, epochs: epochs.value, seed: seed.at})

      const here = (r = place()) => recorded(set, 'losses', r)
      const valuesOf = r => ({lr: taken[set].rates[r.rate], batch_size: taken[set].sizes[r.size],
        epochs: r.epochs, seed: r.seed})

      function line(pinned = pins) {  // the state, as hk.open and the page's address take it
        const now = valuesOf(place()), other = (a, b) => Object.keys(a).filter(k => a[k] != b[k])
        const said = {data: set}, {fixed} = taken[set]
        for (const key of other(now, words.usual)) said[key] = now[key]
        const pin = pinned.map(valuesOf).map(v => other(v, now).map(k => `${k}:${v[k]}`).join())
        if (pin.some(p => p)) said.pin = pin.filter(p => p).join(';')
        const made = Object.entries({...said, ...fixed}).map(pair => pair.join('=')).join('&')
        return made.length > 190 ? line(pinned.slice(1)) : '#training?' + made
      }

      function placed(said) {  // places of what is said of a run; null, and why, if none is ours
        const {rates, sizes, seeds, epochs: most, fixed} = taken[set]
        const lists = {__proto__: null, lr: rates, batch_size: sizes, epochs: range(most, 1),
          seed: range(seeds)}
        const all = {...words.usual, ...said}, ours = {...words.usual, ...fixed}
        const wrong = Object.keys(all).find(key => !(key in lists ? lists[key] : [ours[key]])
          .map(String).includes(all[key]))
        if (wrong) return refuse(wrong, all[wrong])
        return {rate: rates.indexOf(+all.lr), size: sizes.indexOf(+all.batch_size),
          epochs: +all.epochs, seed: +all.seed}
      }

      function refuse(key, got) {
        note = fill(words.refused, {key: safe(key), got: safe(got)})
        draw()
        return null
      }

      function open() {  // what the address asks for; nothing of it where we lack a part
        const [, kind, rest] = location.hash.match(/^#([\w-]+)\?(.*)/) || []
        if (!kind) return
        const {data, pin = '', ...said} = Object.fromEntries(new URLSearchParams(rest))
        if (kind != 'training') return refuse('panel', kind)
        if (!names.includes(data)) return refuse('data', data)
        sets.set(null, names.indexOf(data))
        wait(`${data}-losses`, () => {
          begin()
          const pinned = pin.split(';').filter(p => p).map(p => ({...said,
            ...Object.fromEntries(p.split(',').map(pair => pair.split(':')))}))
          const runs = [said, ...pinned.slice(0, INK.length)].map(placed)
          if (runs.includes(null)) return
          const [first, ...others] = runs, {rates, sizes, seeds, epochs: most} = taken[set]
          rate.set(rates, first.rate)
          size.set(sizes, first.size)
          epochs.set(range(most, 1), first.epochs - 1)
          seed.set(range(seeds), first.seed)
          pins.push(...others.map((r, n) => ({...look(set, r), color: INK[n]})))
          old.length = 0
          moved(true)
        })
      }

      function begin() {
        set = names[sets.at]
        old.length = pins.length = 0
        const {rates, sizes, epochs: most} = taken[set]
        rate.set(rates, at ? at.rate : placeOf(words.begin.rate, rates))
        size.set(sizes, at ? Math.min(at.size, sizes.length - 1) : placeOf(words.begin.size, sizes))
        epochs.set(range(most, 1), most - 1)
        moved(true)
      }

      const same = run => Object.keys(at).every(key => run[key] == at[key])

      function named(run) {  // what tells a pinned run from the others
        const {rates, sizes} = taken[set]
        const values = {rate: rates[run.rate], size: sizes[run.size], seed: run.seed}
        const other = key => [at, ...pins].some(r => r[key] != run[key])
        const names = Object.keys(values).filter(other)
        const said = key => fill(words[key], {v: values[key]})
        return names.map(said).join(', ') || said('rate')
      }

      function draw(now = place()) {
        if (!here(now)) return  // drawn when it is
        at = now
        const data = taken[set], run = look(set, at)
        const text = fill(words[run.out ? 'gone' : 'told'], {rate: data.rates[at.rate],
          size: data.sizes[at.size], seed: at.seed, best: digits(run.best), epoch: run.epoch,
          epochs: at.epochs})
        const pinned = pins.map(r => ({...r, name: named(r)}))
        const earlier = old.filter(r => !same(r))
        const list = [lossChart(run, pinned, earlier, data, text.replace(/<[^>]+>/g, ''))]
        if (data.map) list.push(mapChart(set, at))
        if (data.tiles) list.push(digitsChart(set))
        show(list[1] ? [3, 2] : [1], list, note + text)
        if (note) root.querySelector('.said').scrollIntoView({block: 'nearest'})
      }

      function moved(done) {
        clearInterval(timer)
        note = ''
        draw()
        if (!done || old.some(same)) return
        old.push(look(set, at))
        if (old.length > KEPT) old.shift()
      }

      act(root, 'watch', () => {
        clearInterval(timer)
        const most = epochs.value, start = performance.now()
        const still = matchMedia('(prefers-reduced-motion: reduce)').matches
        timer = setInterval(() => {
          const done = still ? 1 : Math.min(1, (performance.now() - start) / 3000)
          root.querySelector('.said').ariaLive = done < 1 ? 'off' : null  // no reader is flooded
          draw({...place(), epochs: Math.max(1, Math.round(most * done ** 1.6))})
          if (done == 1) clearInterval(timer)
        }, 40)
      })
      act(root, 'pin', () => {
        if (!here()) return
        if (pins.length == INK.length) pins.shift()
        const color = INK.find(c => !pins.some(r => r.color == c))
        pins.push({...look(set, place()), color})
        draw()
      })
      act(root, 'clear', () => { old.length = pins.length = 0; moved(true) })
      act(root, 'share', () => {
        history.replaceState(null, '', line())
        navigator.clipboard?.writeText(location.href).catch(() => {})
        note = fill(words.shared, {line: safe(line().slice(1), 200)})
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
      let heights = null, truth = false
      const start = scene.marks[scene.states.draw[0][0][1][0]]
      const show = view(root, event => {
        if (event.type != 'draw') return
        heights = event.value
        draw()
      })
      const again = act(root, 'again', () => { [heights, truth] = [null, false]; draw() })
      const commit = act(root, 'look', () => { truth = true; draw() })

      function draw() {
        [again.hidden, commit.hidden, story.hidden] = [!truth, truth, !truth]
        commit.disabled = !heights
        const [list, said] = stateOf(scene, truth ? 'truth' : 'draw')
        const curve = heights || scene.flat, data = pack([scene.at], [curve])
        if (!truth) return show([1], [{...list[0], data: heights ? [data] : [start]}], words.draw)
        const off = curve.map((v, i) => Math.abs(v - scene.truth[i]))
        const mean = off.reduce((a, b) => a + b) / off.length, low = Math.min(...curve)
        const facts = {off: mean.toFixed(2), low: low.toFixed(2),
          at: Math.round(scene.at[curve.indexOf(low)])}
        show(scene.widths, replaced(list, words.guess, data), fill(words.guessed, facts) + said)
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
        const [list, said] = stateOf(scene, `${size.value}/${chosen}`)
        const means = before == null || before == size.at ? [] : scene.means[before]
        const pairs = scene.rates.map((rate, i) => [rate, means[i]]).filter(p => p[1] != null)
        const gray = pack([pairs.map(p => p[0])], [pairs.map(p => p[1])])
        show(scene.widths, replaced(list, words.old, gray), said)
      }
      before = placeOf(words.begin.size, scene.sizes)
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
      const next = act(root, 'step', () => { step++; draw() })
      const all = act(root, 'all', () => { step = most; draw() })
      const button = act(root, 'grid', () => { grid = grid ? '' : 'grid'; draw() })
      function draw() {
        if (step == most) walked[order.at] = true
        next.disabled = all.disabled = step == most
        button.setAttribute('aria-pressed', !!grid)
        story.hidden = Object.keys(walked).length < 2
        ends.forEach((end, i) => { end.textContent = walked[i] ? digits(scene.ends[i]) : '' })
        const [list, said] = stateOf(scene, `${scene.orders[order.at].join()}/${step}/${grid}`)
        show(scene.widths, list, said)
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
      const again = act(root, 'again', () => { [guess, chosen] = [null, '']; draw() })
      function draw() {
        again.hidden = story.hidden = guess == null
        const [list, said] = stateOf(scene, guess == null ? 'ask' : chosen)
        if (guess == null) return show([1], list, words.cell)
        const at = [guess % scene.across, Math.floor(guess / scene.across)]
        const cell = pack(...[[-.5, .5, .5, -.5, -.5], [-.5, -.5, .5, .5, -.5]]  // its outline
          .map((around, k) => [around.map(d => at[k] + d)]))
        const loss = scene.cells[guess], lowest = Math.min(...scene.cells.filter(v => v != null))
        const kind = loss == null ? 'cellOut' : loss == lowest ? 'cellBest' : 'cellLoss'
        const text = fill(words[kind], {loss: digits(loss || 0), times: digits(loss / lowest)})
        show(scene.widths, replaced(list, words.guess, cell), text + said)
      }
      draw()
    },

    clinic(root, scene) {
      const {patients, words: say} = scene, record = root.querySelector('.record')
      const score = root.querySelector('.score'), tries = []
      let number = 0, remedy = '', named = '', first = true
      const show = view(root)
      const lists = {fault: say.faults, remedy: say.remedies}
      const [fault, cure] = Object.keys(lists).map(name => {
        const box = part(root, name)
        box.append(new Option(say.choose, ''), ...Object.entries(lists[name]).map(
          ([key, text]) => new Option(text, key)))
        return box
      })
      act(root, 'treat', () => {
        if (!fault.value || !cure.value) return draw(say.both)
        ;[named, remedy] = [fault.value, cure.value]
        if (first) tries.push(named == patients[number].fault)
        first = false
        draw()
      })
      act(root, 'next', () => {
        number = (number + 1) % patients.length
        ;[remedy, named, first] = ['', '', true]
        fault.value = cure.value = ''
        draw()
      })
      function draw(text) {
        const one = patients[number]
        let [list, said] = stateOf(scene, `${number}/${remedy}`)
        if (named) said = fill(named == one.fault ? say.right : say.wrong,
          {named: say.faults[named], clue: say.clues[one.fault]}) + ' ' + said
        record.innerHTML = one.record
        const row = tries.length - 1 - tries.lastIndexOf(false)
        const facts = {0: row, 1: tries.filter(right => right).length, 2: tries.length}
        score.textContent = tries.length ? fill(say.score, facts) : ''
        show(scene.widths, list, text || said)
      }
      draw()
    },
  }

  // ---- numbers come in -------------------------------------------------------------------

  function wait(name, call) {
    if (taken[name]) call(taken[name])
    else (waiting[name] = waiting[name] || []).push(call)
  }

  function take(name, value) {
    const [set, kind] = name.split('-')  // 'moons-losses': of its runs
    if (kind) taken[set][kind] = value = bytesOf(value[kind])
    if (name == 'words') Object.assign(words, value)
    taken[name] = value
    if (scenes[name]) scenes[name](document.getElementById(name), value)
    for (const call of waiting[name] || []) call(value)
    if (name != words.first) return
    scenes.one(document.getElementById('one'))
    requestAnimationFrame(() => setTimeout(() => {  // the first picture stands
      for (const next of words.later) {  // one behind the other
        const script = document.createElement('script')
        Object.assign(script, {src: `page/${next}.js`, async: false})
        document.head.append(script)
      }
    }))
  }

  return {take, look, taken}
})()
