// The list of numbers at the left side, with the last message and the unread mark of each. The last used number is
// first.

import { address } from './calls.js';
import { conversation } from './conversations.js';
import { avatar, briefly, el, icon, iconButton, plural } from './dom.js';

export class List {
  #items = new Map();
  #list = document.getElementById('numbers');

  // `open` and `beside` are functions that get an identity.
  constructor({ open, beside }) {
    this.open = open;
    this.beside = beside;
    this.identities = [];
  }

  // `used`: the numbers from the tester, the last used first. `shown`: the numbers that have a pane.
  render(used, shown) {
    this.identities = [...shown.filter((identity) => !used.includes(identity)), ...used];
    const wanted = this.identities.map((identity) => {
      let item = this.#items.get(identity);
      if (item === undefined) {
        item = this.#item(identity);
        this.#items.set(identity, item);
      }
      this.#fill(item, identity, shown.indexOf(identity));
      return item;
    });
    for (const [identity, item] of this.#items) {
      if (!wanted.includes(item)) {
        item.remove();
        this.#items.delete(identity);
      }
    }
    let next = this.#list.firstElementChild;
    for (const item of wanted) {
      if (item === next) next = next.nextElementSibling;
      else this.#list.insertBefore(item, next);
    }
  }

  #item(identity) {
    const open = (event) => {
      // With one of these keys, the browser opens another tab or window.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open(identity);
    };
    return el('li', { data: { identity } },
      el('a', { href: address([identity]), on: { click: open } },
        avatar(identity),
        el('span', { class: 'who' }, el('bdi', {}, identity)),
        el('time', {}),
        el('span', { class: 'preview' }),
        el('span', { class: 'marks' })),
      iconButton('beside', `Open ${identity} beside the others`, () => this.beside(identity), { class: 'quiet beside' }));
  }

  #fill(item, identity, place) {
    const { messages, unread, failed, loaded } = conversation(identity);
    const last = messages.at(-1);
    const now = [loaded, last?.id, last?.state, last?.at && briefly(last.at), unread.length, failed, place].join('\0');
    if (item.dataset.now === now) return;
    item.dataset.now = now;
    const link = item.firstElementChild;
    const [, , time, preview, marks] = link.children;
    item.classList.toggle('open', place >= 0);
    item.classList.toggle('unread', unread.length > 0);
    if (place >= 0) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    time.textContent = last === undefined ? '' : briefly(last.at);
    const words = last === undefined ? (loaded ? 'No messages yet' : '') : last.text.trim().slice(0, 120) || '(blank)';
    preview.replaceChildren(last?.direction === 'in' ? `You: ${words}` : words);
    marks.replaceChildren(
      ...(failed ? [el('span', { class: 'failed', title: 'A message failed' }, icon('failed'), el('span', { class: 'unseen' }, 'A message failed'))] : []),
      ...(unread.length > 0 ? [el('span', { class: 'badge', title: plural(unread.length, 'unread reply').replace('replys', 'replies') }, String(unread.length), el('span', { class: 'unseen' }, ' unread'))] : []));
  }
}
