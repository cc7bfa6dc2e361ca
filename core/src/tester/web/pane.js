// One conversation on the screen: its messages, and the field for the next message.

import { avatar, dayOf, el, icon, iconButton, timeOf } from './dom.js';
import { segments } from './segments.js';

const STATES = {
  sending: ['wait', 'Sending'],
  unsent: ['failed', 'Not sent'],
  taken: ['once', 'Received'],
  received: ['once', 'Received, not handled yet'],
  handled: ['twice', 'Handled'],
  queued: ['wait', 'Waiting to be sent'],
  sent: ['once', 'Sent'],
  delivered: ['twice', 'Delivered'],
  failed: ['failed', 'Failed'],
};

// Whether the browser can make a field grow with its text.
const GROWS = CSS.supports('field-sizing', 'content');

// The distance from the end, in pixels, within which the user counts as reading at the end.
const NEAR = 80;

export class Pane {
  #items = new Map();
  #firstUnread = null;
  #recalled = 0;
  #atEnd = true;
  #wasAway = false;
  #count;

  // `acts`: the functions back, beside, bulk, clear, close and earlier. Each gets the conversation.
  constructor(conversation, acts) {
    this.conversation = conversation;
    const { identity } = conversation;
    const act = (name) => () => acts[name](conversation);
    this.list = el('ol', { class: 'messages', role: 'log', 'aria-label': `Messages of ${identity}`, tabindex: '0' });
    this.empty = el('div', { class: 'empty' },
      avatar(identity),
      el('p', {}, 'You hold a phone with the number ', el('bdi', {}, identity), '.'),
      el('p', { class: 'hint' }, 'Type a message and press Enter. The replies of the apps appear here.'));
    this.earlier = el('button', { type: 'button', class: 'plain earlier', on: { click: act('earlier') } }, 'Show earlier messages');
    this.down = el('button', { type: 'button', class: 'down', hidden: true, on: { click: () => this.toEnd() } }, 'New messages');
    this.scroller = el('div', { class: 'scroller', on: { scroll: () => this.#scrolled() } }, this.earlier, this.empty, this.list);
    this.text = el('textarea', {
      rows: '1', placeholder: 'Message', 'aria-label': `Message from ${identity}`, enterkeyhint: 'send',
      on: { input: () => this.#typed(), keydown: (event) => this.#pressed(event) },
    });
    this.count = el('p', { class: 'count' });
    this.element = el('section', { class: 'pane', 'aria-label': `Conversation of ${identity}`, data: { identity } },
      el('header', {},
        iconButton('back', 'Back to the numbers', act('back'), { class: 'quiet back' }),
        avatar(identity),
        el('h2', {}, el('bdi', {}, identity)),
        iconButton('beside', 'Another number beside this one', act('beside'), { class: 'quiet beside' }),
        iconButton('bulk', 'Send a file of messages', act('bulk')),
        iconButton('clear', 'Clear this conversation', act('clear')),
        iconButton('close', 'Close this conversation', act('close'), { class: 'quiet close' })),
      this.scroller,
      this.down,
      el('form', { class: 'compose', on: { submit: (event) => this.#submitted(event) } },
        el('div', { class: 'field' }, this.text,
          el('button', { class: 'send', 'aria-label': 'Send', title: 'Send (Enter; Shift+Enter for a new line; Ctrl+Enter also sends a blank message)' }, icon('send'))),
        this.count));
    // A user who reads at the end stays at the end, even if the field below grows.
    new ResizeObserver(() => { if (this.#atEnd) this.toEnd(); }).observe(this.scroller);
    conversation.changed = () => this.render();
    this.#typed();
    this.render();
    this.toEnd();
  }

  focus() {
    this.text.focus({ preventScroll: true });
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#atEnd = true;
    this.down.hidden = true;
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #scrolled() {
    this.#atEnd = this.#isAtEnd;
    if (this.#atEnd) this.down.hidden = true;
  }

  // The user sees the pane. This marks the new messages, and they count as read.
  seen() {
    const [first] = this.conversation.unread;
    if (first === undefined) return;
    if (this.#wasAway) this.#firstUnread = first.id;
    this.#wasAway = false;
    this.conversation.markRead();
    this.render();
  }

  // The user no longer sees the pane.
  away() {
    this.#wasAway = true;
  }

  render() {
    const { conversation } = this;
    const { messages } = conversation;
    const atEnd = this.#atEnd;
    this.empty.hidden = messages.length > 0 || !conversation.loaded;
    this.earlier.hidden = !conversation.more;
    // A screen reader does not read the messages that were there when the page was loaded.
    this.list.setAttribute('aria-live', this.#items.size > 0 || conversation.loaded ? 'polite' : 'off');
    const wanted = [];
    let day = null;
    messages.forEach((message, at) => {
      const thisDay = dayOf(message.at);
      if (thisDay !== day) wanted.push(this.#item(`day ${thisDay}`, () => el('li', { class: 'day' }, thisDay)));
      if (message.id === this.#firstUnread) wanted.push(this.#item('new', () => el('li', { class: 'new' }, 'New')));
      day = thisDay;
      const item = this.#item(conversation.nameOf(message), () => this.#message());
      this.#fill(item, message, ends(message, messages[at + 1]));
      wanted.push(item);
    });
    this.#arrange(wanted);
    if (atEnd) this.toEnd();
    else if (this.#count !== undefined && messages.length > this.#count) this.down.hidden = false;
    this.#count = messages.length;
  }

  #item(name, make) {
    let item = this.#items.get(name);
    if (item === undefined) {
      item = make();
      item.dataset.name = name;
      this.#items.set(name, item);
    }
    return item;
  }

  // Puts the items in their places, without touching the items that are already in place.
  #arrange(wanted) {
    const kept = new Set(wanted);
    for (const [name, item] of this.#items) {
      if (!kept.has(item)) {
        item.remove();
        this.#items.delete(name);
      }
    }
    let next = this.list.firstElementChild;
    for (const item of wanted) {
      if (item === next) next = next.nextElementSibling;
      else this.list.insertBefore(item, next);
    }
  }

  #message() {
    return el('li', { class: 'message' }, el('p', { class: 'bubble', dir: 'auto' }), el('p', { class: 'meta' }));
  }

  #fill(item, message, last) {
    const fresh = message.direction === 'out' && message.id === this.#firstUnread;
    const now = [message.state, message.detail, message.text, last, fresh].join('\0');
    if (item.dataset.now === now) return;
    item.dataset.now = now;
    const [bubble, meta] = item.children;
    item.className = `message ${message.direction} ${message.state}${last ? ' last' : ''}`;
    if (bubble.textContent !== message.text || message.text === '') bubble.textContent = message.text;
    bubble.classList.toggle('blank', message.text.trim() === '');
    const [picture, words] = STATES[message.state] ?? ['wait', message.state];
    const { count } = segments(message.text);
    const trouble = message.state === 'failed' || message.state === 'unsent';
    const shown = trouble ? `${words}${message.detail ? `: ${message.detail}` : ''}` : '';
    meta.title = `${words}${message.detail && !trouble ? `: ${message.detail}` : ''}${message.attempts > 1 ? ` (attempt ${message.attempts})` : ''}`;
    meta.replaceChildren(
      el('time', { datetime: new Date(message.at).toISOString() }, timeOf(message.at)),
      ...(count > 1 ? [el('span', { class: 'parts' }, `${count} SMS`)] : []),
      el('span', { class: 'state' }, icon(picture), el('span', { class: trouble ? 'trouble' : 'unseen' }, shown || words)),
      ...(message.state === 'unsent' ? [el('button', { type: 'button', class: 'plain retry', on: { click: () => this.conversation.retry() } }, 'Try again')] : []));
  }

  #typed() {
    const { text, count } = this;
    if (!GROWS) {
      text.style.height = 'auto';
      if (text.scrollHeight > 0) text.style.height = `${text.scrollHeight}px`;
    }
    const it = segments(text.value);
    count.dataset.coding = it.coding;
    count.dataset.parts = it.count;
    count.dataset.units = it.units;
    count.classList.toggle('several', it.count > 1);
    const why = it.odd === null ? '' : ` because of ${shown(it.odd)}`;
    count.textContent = text.value === '' ? 'Enter sends' : `${it.coding}${why} · ${it.units} of ${it.room} · ${it.count} SMS`;
  }

  #pressed(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send(event.ctrlKey || event.metaKey);
    } else if (event.key === 'ArrowUp' && (this.text.value === '' || this.#recalled > 0) && !event.isComposing) {
      this.#recall(event, 1);
    } else if (event.key === 'ArrowDown' && this.#recalled > 0 && !event.isComposing) {
      this.#recall(event, -1);
    } else if (event.key !== 'Shift') {
      this.#recalled = 0;
    }
  }

  // Recalls a message that was sent before, as a shell does with its commands.
  #recall(event, step) {
    const sent = this.conversation.messages.filter((message) => message.direction === 'in').reverse();
    const at = Math.min(this.#recalled + step, sent.length);
    if (at === this.#recalled) return;
    event.preventDefault();
    this.#recalled = at;
    this.text.value = at === 0 ? '' : sent[at - 1].text;
    this.#typed();
  }

  #submitted(event) {
    event.preventDefault();
    this.#send(false);
    this.focus();
  }

  #send(evenBlank) {
    const text = this.text.value;
    if (text === '' && !evenBlank) return;
    this.text.value = '';
    this.#recalled = 0;
    this.#firstUnread = null;
    this.#typed();
    this.conversation.send(text);
    this.toEnd();
  }
}

// Returns whether a message is the last one that one side sent within a minute.
function ends(message, next) {
  return next === undefined || next.direction !== message.direction || next.at - message.at > 60_000;
}

// Returns a character for a sentence, with its code number. The number helps because some characters are invisible and
// some look like others.
function shown(c) {
  const number = `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  return /[\p{C}\p{Z}\p{M}]/u.test(c) ? number : `${c} (${number})`;
}
