/* Names what ipywidgets leaves without one, for people who do not see the page: slider
   handles get the label above them, tables that scroll can be reached by Tab.
   A decimal comma in a number box becomes a point: browsers drop it, and 0,3 would be 3. */
function reachable(panel, words) {
  if (panel.hpNamed) return;
  panel.hpNamed = true;
  const speak = handle => {  // the value of a logarithmic slider, not its exponent
    if (!handle.closest('.hp-log')) return;
    const value = 10 ** handle.getAttribute('aria-valuetext');
    handle.setAttribute('aria-valuetext', Number(value.toPrecision(3)));
  };
  const voice = new MutationObserver(changes => {
    new Set(changes.map(change => change.target)).forEach(speak);
    voice.takeRecords();
  });
  voice.observe(panel, { subtree: true, attributeFilter: ['aria-valuetext'] });
  const name = () => {
    panel.querySelectorAll('.noUi-handle:not([aria-label])').forEach(handle => {
      const knob = handle.closest('.hp-knob, .hp-guess');
      const label = knob && knob.querySelector('.hp-name');
      const slider = handle.closest('[title]');
      const said = label ? label.textContent : slider ? slider.title : words.slider;
      handle.setAttribute('aria-label', said);
      speak(handle);
    });
    voice.takeRecords();  // its own
    panel.querySelectorAll('.hp-table:not([tabindex])').forEach(table => {
      table.tabIndex = 0;
      table.setAttribute('role', 'group');
      table.setAttribute('aria-label', words.table);
    });
  };
  const comma = event => {  // typed or pasted, 1.234,5 and 1,234.5, too; Firefox refuses spaces
    const number = event.target.type === 'number' && event.cancelable;
    if (!number || !/[,\s]/.test(event.data)) return;
    event.preventDefault();
    const plain = event.data.trim().replace(/[.,](?=.*[.,])/g, '').replace(',', '.');
    document.execCommand('insertText', false, plain);
  };
  panel.addEventListener('beforeinput', comma);
  panel.addEventListener('textInput', comma);  // Safari has dropped it before the other
  panel.addEventListener('wheel', ({ target }) => {  // scrolls, and changes no number
    if (target.type === 'number') target.blur();
  }, { passive: true });
  panel.addEventListener('keydown', event => {  // which would make 1.1 of 0.1
    const up = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    if (up && event.target.step === 'any') event.preventDefault();
  }, true);
  panel.addEventListener('click', event => {  // without the clipboard of safe addresses
    if (!event.target.matches('.hp-copy')) return;
    getSelection().selectAllChildren(event.target.previousElementSibling);
    document.execCommand('copy');
  });
  name();
  new MutationObserver(name).observe(panel, { childList: true, subtree: true });
}

// A plain key in a list or a table is its own. JupyterLab hears it first, and would go to
// another cell. This script is loaded once a panel.
if (!window.hpKeys) {
  window.hpKeys = ({ target, shiftKey, ctrlKey, altKey, metaKey }) => {
    if (target.matches?.('.hpkit :is(select, .hp-table)')) target.toggleAttribute(
      'data-lm-suppress-shortcuts', !(shiftKey || ctrlKey || altKey || metaKey));
  };
  addEventListener('keydown', window.hpKeys, true);
}

export default {
  render({ model, el }) {
    let asked;
    const find = () => {  // the charts are made before they are on the page
      const panel = el.closest('.hpkit');
      if (panel) reachable(panel, model.get('words'));
      else if (!el.isConnected) asked = requestAnimationFrame(find);
    };
    find();
    const close = liveCharts.render({ model, el });
    return () => { cancelAnimationFrame(asked); close(); };
  },
}
