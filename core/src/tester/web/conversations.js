// The state of each conversation on the page, and the messages that the page must still send.

import { newId, send } from './calls.js';

const { backend } = document.documentElement.dataset;
const READ = `httptester/${backend}/read`;

// The time up to which each conversation was read. The browser stores it, if it allows this.
const read = (() => {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(READ) ?? '{}')));
  } catch {
    return new Map();
  }
})();

function keepRead() {
  try {
    localStorage.setItem(READ, JSON.stringify(Object.fromEntries(read)));
  } catch {
    // If the browser does not store it, the marks last as long as the page.
  }
}

const all = new Map();

export function conversation(identity) {
  if (!all.has(identity)) all.set(identity, new Conversation(identity));
  return all.get(identity);
}

export const conversations = () => [...all.values()];

export class Conversation {
  rows = [];
  // The messages that the user typed and that are not in the history yet.
  pending = [];
  cursor = null;
  more = false;
  // Whether the rows are all rows that a pane wants, or only the rows that the list shows.
  whole = false;
  loaded = false;
  // The name under which the page first showed each sent message, by its id in the history.
  names = new Map();
  changed = () => {};
  wake = () => {};
  #sending = false;

  constructor(identity) {
    this.identity = identity;
  }

  // Applies the result of a poll, and reports the change.
  apply({ rows, reset, more, cursor }) {
    if (reset) {
      this.rows = [];
      this.more = more;
    }
    const known = new Map(this.rows.map((row) => [row.id, row]));
    for (const row of rows) known.set(row.id, row);
    this.rows = [...known.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    this.pending = this.pending.filter((message) => !known.has(message.row) && !(reset && message.state === 'taken'));
    this.cursor = cursor;
    this.loaded = true;
    this.changed();
  }

  // All messages in order, including the messages that are on their way.
  get messages() {
    return [...this.rows, ...this.pending];
  }

  nameOf(message) {
    return this.names.get(message.id) ?? message.id;
  }

  get unread() {
    const until = read.get(this.identity) ?? 0;
    return this.rows.filter((row) => row.direction === 'out' && row.at > until);
  }

  get failed() {
    const last = this.messages.at(-1);
    return last?.state === 'failed' || last?.state === 'unsent' || this.unread.some((row) => row.state === 'failed');
  }

  markRead() {
    const last = this.rows.findLast((row) => row.direction === 'out');
    if (last === undefined || last.at <= (read.get(this.identity) ?? 0)) return;
    read.set(this.identity, last.at);
    keepRead();
  }

  forget() {
    this.rows = [];
    this.pending = this.pending.filter((message) => message.state !== 'taken');
    this.cursor = null;
    this.more = false;
    read.delete(this.identity);
    keepRead();
    this.changed();
  }

  // Sends a text as this number, after the texts that were typed before.
  send(text) {
    this.pending.push({ id: newId(), direction: 'in', state: 'sending', text, at: Date.now() });
    this.changed();
    this.#drain();
  }

  retry() {
    for (const message of this.pending) if (message.state === 'unsent') message.state = 'sending';
    this.changed();
    this.#drain();
  }

  async #drain() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (;;) {
        const waiting = this.pending.filter((message) => message.state === 'sending');
        if (waiting.length === 0) break;
        await this.#send(waiting);
      }
    } finally {
      this.#sending = false;
    }
  }

  async #send(waiting) {
    let done = 0;
    const messages = waiting.map(({ id, text }) => ({ identity: this.identity, id, text }));
    try {
      await send(messages, (taken, ids) => {
        for (const id of ids) {
          const message = waiting[done];
          this.names.set(id, message.id);
          Object.assign(message, { state: 'taken', row: id });
          done += 1;
        }
        const known = new Set(this.rows.map((row) => row.id));
        this.pending = this.pending.filter((message) => !known.has(message.row));
        this.changed();
        this.wake();
      });
    } catch (problem) {
      for (const message of waiting.slice(done)) Object.assign(message, { state: 'unsent', detail: problem.message });
      this.changed();
    }
  }
}
