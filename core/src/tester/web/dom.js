// Makes elements, icons and dialogs. All texts become text nodes, so the browser never reads a text of a user as HTML.

export function el(tag, { on = {}, data = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.className = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  Object.assign(element.dataset, data);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const ICONS = {
  add: 'M12 5v14M5 12h14',
  back: 'M15 5l-7 7 7 7',
  beside: 'M4 5h16v14H4zM12 5v14',
  bulk: 'M12 16V5M8 9l4-4 4 4M5 15v4h14v-4',
  clear: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
  close: 'M6 6l12 12M18 6L6 18',
  failed: 'M12 7v6M12 17h.01M12 3a9 9 0 100 18 9 9 0 000-18z',
  log: 'M5 6h14M5 12h14M5 18h9',
  once: 'M5 13l4 4L19 7',
  out: 'M10 5H5v14h5M14 8l4 4-4 4M18 12H9',
  send: 'M5 12h13M12 5l7 7-7 7',
  twice: 'M2 13l4 4 9-10M11 15.5l1.5 1.5L22 7',
  wait: 'M12 7v5l3 2M12 3a9 9 0 100 18 9 9 0 000-18z',
};

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  for (const [key, value] of [['viewBox', '0 0 24 24'], ['aria-hidden', 'true'], ['class', `icon icon-${name}`]]) {
    svg.setAttribute(key, value);
  }
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

// Returns a button that shows only an icon. The label is the tooltip, and a screen reader reads it.
export function iconButton(name, label, press, more = {}) {
  return el('button', { type: 'button', class: 'quiet', 'aria-label': label, title: label, on: { click: press }, ...more },
    icon(name));
}

// Returns the round picture of a number: its last two characters on one of eight colours.
export function avatar(identity) {
  let hash = 0;
  for (const c of identity) hash = Math.imul(hash ^ c.codePointAt(0), 0x9e3779b1) >>> 0;
  return el('span', { class: 'avatar', 'aria-hidden': 'true', data: { colour: hash >>> 29 } }, [...identity].slice(-2).join(''));
}

// Asks the user before an action that cannot be undone.
export function confirmed(question, explanation, action) {
  return new Promise((resolve) => {
    const dialog = el('dialog', { class: 'confirm', 'aria-labelledby': 'question' },
      el('form', { method: 'dialog' },
        el('h2', { id: 'question' }, question),
        el('p', {}, explanation),
        el('div', { class: 'actions' },
          el('button', { value: 'no', class: 'plain' }, 'Cancel'),
          el('button', { value: 'yes', class: 'danger' }, action))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Shows a notice at the bottom of the page for a while.
export function say(text, kind = 'note') {
  const note = document.getElementById('notice');
  note.textContent = text;
  note.dataset.kind = kind;
  note.hidden = text === '';
  clearTimeout(say.timer);
  if (kind !== 'trouble') say.timer = setTimeout(() => { note.hidden = true; }, 5000);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export const timeOf = (ms) => clock.format(ms);

export function dayOf(ms) {
  const day = (then) => new Date(then).toDateString();
  if (day(ms) === day(Date.now())) return 'Today';
  if (day(ms) === day(Date.now() - 86_400_000)) return 'Yesterday';
  return date.format(ms);
}

export const briefly = (ms) => (dayOf(ms) === 'Today' ? timeOf(ms) : short.format(ms));

export function plural(count, word) {
  return `${count.toLocaleString()} ${word}${count === 1 ? '' : 's'}`;
}
