/* Adds what ipywidgets lacks for people who do not see the page: a panel is named by its title,
   slider handles and choices by the label above them; buttons say that they are pressed, sliders
   what they stand at; tables that scroll are reached by Tab, and notes are announced.
   A decimal comma becomes a point: number boxes drop it, sliders drop what comes after it. */
function setUpPanel(panel, words, manager) {
  if (panel.hpReady) return;
  panel.hpReady = true;
  const setRole = (node, role, label) => {
    node.setAttribute('role', role);
    if (label) node.setAttribute('aria-label', label);
  };
  const updateState = node => {
    if (node.matches('.widget-toggle-button'))
      node.setAttribute('aria-pressed', node.classList.contains('mod-active'));
    if (!node.matches(':is(.hp-slide, .hp-guess) .noUi-handle')) return;
    // The value that is shown: ipywidgets gives its place in a list, or its exponent.
    const shown = node.closest('.hp-slide, .hp-guess').querySelector('.widget-readout').textContent;
    node.setAttribute('aria-valuetext', Number(shown) || shown);
  };
  let byKeyboard = false, inInput = false;  // last event; typing announces the new cost
  const updateLive = () => panel.querySelector('.hp-status').setAttribute(
    'aria-live', inInput && panel.matches('.hp-stale') ? 'polite' : 'off');
  const observer = new MutationObserver(changes => {
    new Set(changes.map(change => change.target)).forEach(updateState);
    updateLive();
    const focused = document.activeElement;  // if it is about to vanish, the focus moves on
    const vanishes = focused.matches(':disabled, .hpkit:not(.hp-covered) .hp-guess *');
    const next = focused.matches(':enabled:focus-visible')  // after a click, only to a button
      ? '.hp-controls > :not(.hp-guess) :is(input, select, button, .noUi-handle)'
      : '.hp-buttons button';
    if (vanishes && panel.contains(focused)) {
      const { top, bottom } = focused.getBoundingClientRect();
      const view = scroller?.getBoundingClientRect() ?? { top: 0, bottom: innerHeight };
      [...panel.querySelectorAll(`${next}, .hp-foot button`)].find(
        node => !node.disabled && node.offsetParent
      )?.focus({ preventScroll: !byKeyboard || bottom < view.top || top > view.bottom });
    }
    observer.takeRecords();  // of its own changes
  });
  const watched = ['aria-valuetext', 'class', 'disabled'];
  observer.observe(panel, { subtree: true, attributeFilter: watched });
  const labelOf = node => {
    const label = node.querySelector(':scope > .widget-label');  // often an empty one
    const row = node.closest('.hp-knob, .hp-guess, .hp-row');
    return label?.textContent || row?.querySelector('.hp-name')?.textContent;
  };
  const nameParts = () => {
    const title = panel.querySelector('.hp-title');
    // Around the panel: Orca goes to a list that changes in the same group as the focus.
    const group = panel.matches(':only-child') ? panel.parentElement : panel;
    if (title && !group.hasAttribute('role')) setRole(group, 'group', title.textContent);
    panel.querySelectorAll('.noUi-handle:not([aria-label])').forEach(handle => {
      const label = labelOf(handle) || handle.closest('[title]')?.title || words.slider;
      handle.setAttribute('aria-label', label);
      updateState(handle);
    });
    panel.querySelectorAll('.widget-readout[contenteditable]:not([role])').forEach(
      number => setRole(number, 'textbox', labelOf(number)));
    panel.querySelectorAll('.widget-toggle-buttons:not([role])').forEach(
      choice => setRole(choice, 'group', labelOf(choice)));
    panel.querySelectorAll('.widget-toggle-button:not([aria-pressed])').forEach(updateState);
    panel.querySelectorAll(':is(.hp-foot, .hp-guess) > .hp-muted:not([role])').forEach(
      note => setRole(note, 'status'));
    panel.querySelectorAll('.hp-wrong').forEach(  // else the next control would cover it
      answer => byKeyboard && answer.classList.add('hp-keys'));
    panel.querySelectorAll('.hp-table:not([tabindex])').forEach(table => {
      table.tabIndex = 0;
      setRole(table, 'group', words.table);
    });
    observer.takeRecords();  // of these changes
  };
  const fixComma = event => {  // also in pasted text, 1.234,5 and 1,234.5; Firefox refuses spaces
    const isNumber = event.target.type === 'number' || event.target.matches('.widget-readout');
    if (!isNumber || !event.cancelable || !/[,\s]/.test(event.data)) return;
    event.preventDefault();
    const number = event.data.trim().replace(/[.,](?=.*[.,])/g, '').replace(',', '.');
    document.execCommand('insertText', false, number);
  };
  for (const kind of ['keydown', 'pointerdown']) panel.addEventListener(kind, event => {
    byKeyboard = kind === 'keydown';
    inInput = event.target.matches('input');
    updateLive();
  }, true);
  panel.addEventListener('beforeinput', fixComma);
  panel.addEventListener('textInput', fixComma);  // Safari drops the comma before `beforeinput`
  // ipywidgets waits for a blur that bubbles, but none does: without this, a value typed at a
  // slider would count after Enter only.
  panel.addEventListener('focusout', ({ target, relatedTarget }) => {
    if (target.isContentEditable)
      target.dispatchEvent(new FocusEvent('blur', { bubbles: true, relatedTarget }));
  });
  panel.addEventListener('focusin', ({ target }) => {  // selects the number, as in an input
    if (target.isContentEditable) getSelection().selectAllChildren(target);
  });
  panel.addEventListener('wheel', ({ target }) => {  // scrolls the page, changes no number
    if (target.type === 'number') target.blur();
  }, { passive: true });
  panel.addEventListener('keydown', event => {  // without a step, arrows would turn 0.1 into 1.1
    const isArrow = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    if (isArrow && event.target.step === 'any') event.preventDefault();
  }, true);
  panel.addEventListener('keydown', event => {  // VS Code would take the key, and the focus
    const handled = event.target.matches('[data-lm-suppress-shortcuts]');
    if (handled && /^(Arrow|Home|End|Page)/.test(event.key)) event.stopPropagation();
  });
  panel.addEventListener('click', event => {  // navigator.clipboard needs https
    if (!event.target.matches('.hp-copy')) return;
    getSelection().selectAllChildren(event.target.previousElementSibling);
    const copied = document.execCommand('copy') && !event.target.textContent.includes('✓');
    if (copied) event.target.append(' ✓');  // seen, and heard: the note is a status
  });
  // After Shift + Enter, JupyterLab scrolls to the next cell, which would cut off the panel.
  // Scroll back to all of it, and as much of the text above as fits, unless the user has
  // scrolled since. Also when it grows after a guess. Of two panels in a cell, to the first.
  const scroller = panel.closest('.jp-WindowedPanel-outer'), cell = panel.closest('.jp-Cell');
  const keepInView = (checks, guessed) => {
    const wasRun = cell?.nextElementSibling?.matches('.jp-mod-active');
    const isFirst = cell?.querySelector('.hpkit') === panel;
    if (!scroller || !checks || window.hpMoved || !(guessed || wasRun && isFirst)) return;
    const { top, bottom } = panel.getBoundingClientRect(), view = scroller.getBoundingClientRect();
    if (top < view.top || bottom > view.bottom)
      panel.scrollIntoView({ block: panel.offsetHeight < view.height ? 'end' : 'start' });
    setTimeout(keepInView, 100, checks - 1, guessed);
  };
  keepInView(20, false);
  panel.addEventListener('click', event => {
    if (!event.target.closest('.hp-guess button')) return;
    window.hpMoved = false;
    keepInView(10, true);
  });
  // JupyterLab tells widgets when a kernel restarts, but not when it is shut down or changed.
  const notebook = panel.closest('.jp-NotebookPanel'), kernel = manager?.kernel;
  const kernelObserver = new MutationObserver(() => {
    if (manager.kernel === kernel) return;
    kernelObserver.disconnect();
    notebook.querySelectorAll('.hp-mortal').forEach(
      node => node.classList.add('jupyter-widgets-disconnected'));
  });
  if (notebook && kernel)
    kernelObserver.observe(notebook, { subtree: true, attributeFilter: ['data-status'] });
  nameParts();
  new MutationObserver(nameParts).observe(panel, { childList: true, subtree: true });
}

// Plain keys in a list, on a table or a slider, and letters and digits anywhere, belong to the
// panel. JupyterLab hears them first: it would go to another cell, cut the panel's cell, or, as
// 0.001 is typed, restart the kernel. The script is loaded once per panel.
if (!window.hpKeys) {
  window.hpKeys = ({ target, key, shiftKey, ctrlKey, altKey, metaKey }) => {
    if (!target.closest?.('.hp-mortal')) return;
    const isOurs = key.length === 1 || target.matches('select, .hp-table, [role=slider]');
    target.toggleAttribute(
      'data-lm-suppress-shortcuts', isOurs && !(shiftKey || ctrlKey || altKey || metaKey));
  };
  addEventListener('keydown', window.hpKeys, true);
  addEventListener('keydown', ({ key, shiftKey, ctrlKey, metaKey }) => {
    window.hpMoved = key !== 'Enter' || !(shiftKey || ctrlKey || metaKey);
  }, true);
  for (const kind of ['wheel', 'pointerdown']) addEventListener(kind, ({ target, type }) => {
    window.hpMoved ||= Boolean(target.closest?.('.jp-WindowedPanel-outer'));
    if (type === 'pointerdown') window.hpUsed = target.closest?.('.hp-mortal');
  }, { capture: true, passive: true });
  // After using a panel or a quiz, Shift + Enter goes on to the next cell. JupyterLab has
  // selected the panel's cell at the first click, and would run it again, losing the guess and
  // the runs; from a box it would do nothing.
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
    let frame;
    const setUp = () => {  // the charts are made before they are on the page
      const panel = el.closest('.hpkit');
      if (panel) setUpPanel(panel, model.get('words'), model.widget_manager);
      else if (!el.isConnected) frame = requestAnimationFrame(setUp);
    };
    setUp();
    const view = charts(el, event => { try { model.send(event); } catch { /* no kernel */ } });
    const show = () => view.show(key => model.get(key));
    model.on('change:picture', show);
    show();
    return () => { cancelAnimationFrame(frame); model.off('change:picture', show); view.close(); };
  },
}
