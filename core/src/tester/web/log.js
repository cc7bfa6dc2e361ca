// The messages from and to all numbers, in one table.

import { address, call } from './calls.js';
import { dayOf, el, timeOf } from './dom.js';

const REFRESH = 3000;

export class Log {
  #section = document.getElementById('log');
  #timer = null;
  #shown = '';

  constructor({ open }) {
    this.open = open;
    this.filter = el('input', { type: 'search', 'aria-label': 'Show only rows with', placeholder: 'Show only rows with …', on: { input: () => this.#render() } });
    this.body = el('tbody');
    this.foot = el('p', { class: 'hint' });
    this.#section.append(
      el('header', {}, el('h2', {}, 'All messages'), this.filter),
      el('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Messages of all numbers' },
        el('table', {},
          el('thead', {}, el('tr', {}, ...['Time', 'Number', '', 'Message', 'State'].map((title) => el('th', { scope: 'col' }, title)))),
          this.body),
        this.foot));
  }

  show() {
    this.#section.hidden = false;
    this.#load();
  }

  hide() {
    this.#section.hidden = true;
    clearTimeout(this.#timer);
  }

  async #load() {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible') {
      try {
        this.log = await call('log', {});
        this.#render();
      } catch (problem) {
        this.foot.textContent = problem.message;
      }
    }
    if (!this.#section.hidden) this.#timer = setTimeout(() => this.#load(), REFRESH);
  }

  #render() {
    const { rows = [], more = false } = this.log ?? {};
    const wanted = this.filter.value.toLowerCase();
    const has = (row) => `${row.identity}\n${row.text}\n${row.state}`.toLowerCase().includes(wanted);
    const found = wanted === '' ? rows : rows.filter(has);
    const now = `${wanted}\n${found.map((row) => `${row.id} ${row.state}`).join('\n')}`;
    this.foot.textContent = found.length === 0 ? 'There are no messages yet.' : more ? 'Older messages are in the conversations.' : '';
    if (now === this.#shown) return;
    this.#shown = now;
    this.body.replaceChildren(...found.map((row) => this.#row(row)));
  }

  #row({ identity, at, direction, text, state, detail }) {
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open(identity);
    };
    const time = dayOf(at) === 'Today' ? timeOf(at) : `${dayOf(at)}, ${timeOf(at)}`;
    return el('tr', { class: `${direction} ${state}` },
      el('td', {}, el('time', { datetime: new Date(at).toISOString() }, time)),
      el('td', {}, el('a', { href: address([identity]), on: { click: open } }, el('bdi', {}, identity))),
      el('td', { class: 'way', title: direction === 'in' ? 'From the phone' : 'To the phone' }, direction === 'in' ? '→' : '←',
        el('span', { class: 'unseen' }, direction === 'in' ? 'from the phone' : 'to the phone')),
      el('td', { class: `text${text.trim() === '' ? ' blank' : ''}`, dir: 'auto' }, text),
      el('td', { class: 'state' }, state === 'failed' && detail ? `failed: ${detail}` : state));
  }
}
