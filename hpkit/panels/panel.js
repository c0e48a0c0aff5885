/* Names what ipywidgets leaves without one, for people who do not see the page: a panel by
   its title, slider handles and choices by the label above them, what is pressed, what a
   slider stands at; tables that scroll can be reached by Tab, notes are said aloud.
   A decimal comma becomes a point: number boxes drop it, sliders what comes after it. */
function reachable(panel, words, manager) {
  if (panel.hpNamed) return;
  panel.hpNamed = true;
  const put = (node, role, label) => {
    node.setAttribute('role', role);
    if (label) node.setAttribute('aria-label', label);
  };
  const state = node => {
    if (node.matches('.widget-toggle-button'))
      node.setAttribute('aria-pressed', node.classList.contains('mod-active'));
    if (!node.matches(':is(.hp-slide, .hp-guess) .noUi-handle')) return;
    // The value that is shown, not its number in a list, nor its exponent.
    const shown = node.closest('.hp-slide, .hp-guess').querySelector('.widget-readout').textContent;
    node.setAttribute('aria-valuetext', Number(shown) || shown);
  };
  let keys = false, typed = false;  // last; what a slider that moves would cost is not said
  const price = () => panel.querySelector('.hp-status').setAttribute(
    'aria-live', typed && panel.matches('.hp-stale') ? 'polite' : 'off');
  const voice = new MutationObserver(changes => {
    new Set(changes.map(change => change.target)).forEach(state);
    price();
    const here = document.activeElement;  // about to go, and the keys' place with it
    const gone = here.matches(':disabled, .hpkit:not(.hp-covered) .hp-guess *');
    const next = here.matches(':enabled:focus-visible')  // else, of the mouse, no list or box
      ? '.hp-controls > :not(.hp-guess) :is(input, select, button, .noUi-handle)'
      : '.hp-buttons button';
    if (gone && panel.contains(here)) {
      const { top, bottom } = here.getBoundingClientRect();
      const room = page?.getBoundingClientRect() ?? { top: 0, bottom: innerHeight };
      [...panel.querySelectorAll(`${next}, .hp-foot button`)].find(
        node => !node.disabled && node.offsetParent
      )?.focus({ preventScroll: !keys || bottom < room.top || top > room.bottom });
    }
    voice.takeRecords();
  });
  const watched = ['aria-valuetext', 'class', 'disabled'];
  voice.observe(panel, { subtree: true, attributeFilter: watched });
  const label = node => {
    const about = node.closest('.hp-knob, .hp-guess, .hp-row');
    const own = node.querySelector(':scope > .widget-label');
    return own?.textContent || about?.querySelector('.hp-name')?.textContent;
  };
  const name = () => {
    const title = panel.querySelector('.hp-title');
    // Around it: Orca goes to a list that changes in the same group as what has the focus.
    const group = panel.matches(':only-child') ? panel.parentElement : panel;
    if (title && !group.hasAttribute('role')) put(group, 'group', title.textContent);
    panel.querySelectorAll('.noUi-handle:not([aria-label])').forEach(handle => {
      const slider = handle.closest('[title]');
      const said = label(handle) || slider?.title || words.slider;
      handle.setAttribute('aria-label', said);
      state(handle);
    });
    panel.querySelectorAll('.widget-readout[contenteditable]:not([role])').forEach(
      number => put(number, 'textbox', label(number)));
    panel.querySelectorAll('.widget-toggle-buttons:not([role])').forEach(
      choice => put(choice, 'group', label(choice)));
    panel.querySelectorAll('.widget-toggle-button:not([aria-pressed])').forEach(state);
    panel.querySelectorAll(':is(.hp-foot, .hp-guess) > .hp-muted:not([role])').forEach(
      note => put(note, 'status'));
    panel.querySelectorAll('.hp-wrong').forEach(  // else what Tab goes to would hide it
      answer => keys && answer.classList.add('hp-keys'));
    panel.querySelectorAll('.hp-table:not([tabindex])').forEach(table => {
      table.tabIndex = 0;
      put(table, 'group', words.table);
    });
    voice.takeRecords();  // its own
  };
  const comma = event => {  // typed or pasted, 1.234,5 and 1,234.5, too; Firefox refuses spaces
    const number = event.target.type === 'number' || event.target.matches('.widget-readout');
    if (!number || !event.cancelable || !/[,\s]/.test(event.data)) return;
    event.preventDefault();
    const plain = event.data.trim().replace(/[.,](?=.*[.,])/g, '').replace(',', '.');
    document.execCommand('insertText', false, plain);
  };
  for (const kind of ['keydown', 'pointerdown']) panel.addEventListener(kind, event => {
    keys = kind === 'keydown';
    typed = event.target.matches('input');
    price();
  }, true);
  panel.addEventListener('beforeinput', comma);
  panel.addEventListener('textInput', comma);  // Safari has dropped it before the other
  // ipywidgets waits for a blur that bubbles, as none does: what is typed at a slider
  // would count after Enter alone.
  panel.addEventListener('focusout', ({ target, relatedTarget }) => {
    if (target.isContentEditable)
      target.dispatchEvent(new FocusEvent('blur', { bubbles: true, relatedTarget }));
  });
  panel.addEventListener('focusin', ({ target }) => {  // as Tab does in a box
    if (target.isContentEditable) getSelection().selectAllChildren(target);
  });
  panel.addEventListener('wheel', ({ target }) => {  // scrolls, and changes no number
    if (target.type === 'number') target.blur();
  }, { passive: true });
  panel.addEventListener('keydown', event => {  // which would make 1.1 of 0.1
    const up = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    if (up && event.target.step === 'any') event.preventDefault();
  }, true);
  panel.addEventListener('keydown', event => {  // VS Code would take it and the focus, too
    const own = event.target.matches('[data-lm-suppress-shortcuts]');
    if (own && /^(Arrow|Home|End|Page)/.test(event.key)) event.stopPropagation();
  });
  panel.addEventListener('click', event => {  // without the clipboard of safe addresses
    if (!event.target.matches('.hp-copy')) return;
    getSelection().selectAllChildren(event.target.previousElementSibling);
    const done = document.execCommand('copy') && !event.target.textContent.includes('✓');
    if (done) event.target.append(' ✓');  // seen, and heard: the note is a status
  });
  // After Shift + Enter JupyterLab shows the cell below, and a panel would be cut. It comes
  // into view whole, with as much as fits of the text above, unless somebody has scrolled
  // since; so it does when it grows after a guess. Of two in a cell the first one does.
  const page = panel.closest('.jp-WindowedPanel-outer'), cell = panel.closest('.jp-Cell');
  const show = (looks, asked) => {
    const run = cell?.nextElementSibling?.matches('.jp-mod-active');
    const first = cell?.querySelector('.hpkit') === panel;
    if (!page || !looks || window.hpMoved || !(asked || run && first)) return;
    const { top, bottom } = panel.getBoundingClientRect(), room = page.getBoundingClientRect();
    if (top < room.top || bottom > room.bottom)
      panel.scrollIntoView({ block: panel.offsetHeight < room.height ? 'end' : 'start' });
    setTimeout(show, 100, looks - 1, asked);
  };
  show(20, false);
  panel.addEventListener('click', event => {
    if (!event.target.closest('.hp-guess button')) return;
    window.hpMoved = false;
    show(10, true);
  });
  // JupyterLab says so to widgets when a kernel restarts, not when it is shut down or changed.
  const notebook = panel.closest('.jp-NotebookPanel'), kernel = manager?.kernel;
  const status = new MutationObserver(() => {
    if (manager.kernel === kernel) return;
    status.disconnect();
    notebook.querySelectorAll('.hp-mortal').forEach(
      node => node.classList.add('jupyter-widgets-disconnected'));
  });
  if (notebook && kernel)
    status.observe(notebook, { subtree: true, attributeFilter: ['data-status'] });
  name();
  new MutationObserver(name).observe(panel, { childList: true, subtree: true });
}

// A plain key in a list, on a table or a slider is its own, and a letter or digit anywhere.
// JupyterLab hears it first, and would go to another cell, cut the panel's, or for a 0.001
// restart. This script is loaded once a panel.
if (!window.hpKeys) {
  window.hpKeys = ({ target, key, shiftKey, ctrlKey, altKey, metaKey }) => {
    if (!target.closest?.('.hp-mortal')) return;
    const own = key.length === 1 || target.matches('select, .hp-table, [role=slider]');
    target.toggleAttribute(
      'data-lm-suppress-shortcuts', own && !(shiftKey || ctrlKey || altKey || metaKey));
  };
  addEventListener('keydown', window.hpKeys, true);
  addEventListener('keydown', ({ key, shiftKey, ctrlKey, metaKey }) => {
    window.hpMoved = key !== 'Enter' || !(shiftKey || ctrlKey || metaKey);
  }, true);
  for (const kind of ['wheel', 'pointerdown']) addEventListener(kind, ({ target, type }) => {
    window.hpMoved ||= Boolean(target.closest?.('.jp-WindowedPanel-outer'));
    if (type === 'pointerdown') window.hpUsed = target.closest?.('.hp-mortal');
  }, { capture: true, passive: true });
  // Who has used a panel or a quiz goes on with Shift + Enter: JupyterLab has marked its cell
  // at the first click, and would run it again, without the guess and the runs; from a box
  // it would do nothing.
  addEventListener('keydown', event => {
    const { key, shiftKey, target } = event;
    if (key !== 'Enter' || !shiftKey || target.closest?.('.cm-editor')) return;
    const panel = target.closest?.('.hp-mortal') || window.hpUsed;
    const next = panel?.closest('.jp-Cell.jp-mod-active')?.nextElementSibling;
    if (!next) return;
    for (const kind of ['mousedown', 'mouseup'])
      next.dispatchEvent(new MouseEvent(kind, { bubbles: true }));
    window.hpUsed = null;
    if (!target.matches('input, textarea, [contenteditable]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    target.blur();  // takes what was typed
    next.focus({ preventScroll: true });
    const again = { key, keyCode: 13, shiftKey, bubbles: true, cancelable: true };
    next.dispatchEvent(new KeyboardEvent('keydown', again));
  }, true);
}

export default {
  render({ model, el }) {
    let asked;
    const find = () => {  // the charts are made before they are on the page
      const panel = el.closest('.hpkit');
      if (panel) reachable(panel, model.get('words'), model.widget_manager);
      else if (!el.isConnected) asked = requestAnimationFrame(find);
    };
    find();
    const view = charts(el, event => { try { model.send(event); } catch { /* no kernel */ } });
    const show = () => view.show(key => model.get(key));
    model.on('change:picture', show);
    show();
    return () => {
      cancelAnimationFrame(asked);
      model.off('change:picture', show);
      view.close();
    };
  },
}
