// The page: the open conversations, and the polling that keeps them up to date.

import { address, asked, call, newNumber } from './calls.js';
import { bulk } from './bulk.js';
import { conversation, conversations } from './conversations.js';
import { confirmed, el, say } from './dom.js';
import { List } from './list.js';
import { Log } from './log.js';
import { Pane } from './pane.js';

// The waits between polls, in milliseconds: while the page is visible, after some time without news, and while the page
// is hidden.
const QUICK = 1000;
const IDLE = 3000;
const HIDDEN = 15_000;
const IDLE_AFTER = 120_000;
// The waits after a message was sent. They are shorter, because a reply may come soon.
const SOON = [120, 250, 400, 700];
// A visible page asks for the list and for the conversations without a pane only once in this many polls.
const LIST_EVERY = 4;
const FOLLOWED = 40;
// The number of rows that the list needs of a conversation, and the number that a pane needs.
const PREVIEW = 20;
const ROWS = 200;
const EARLIER = 2000;

const body = document.body;
const panesElement = document.getElementById('panes');
let panes = [];
let used = [];
let soon = [];
let lastNews = Date.now();
let failures = 0;
let polls = 0;
let rouse = () => {};

const narrow = matchMedia('(max-width: 719px)');
const isWatched = () => document.visibilityState === 'visible' && document.hasFocus();

// ---- panes

const acts = {
  back: () => show('list'),
  beside: () => beside(newNumber()),
  bulk: ({ identity }) => bulk(identity, wake),
  close: (closed) => close(closed.identity),
  clear: async (cleared) => {
    const { identity } = cleared;
    if (await confirmed(`Clear the conversation of ${identity}?`, 'Its messages are deleted. The data that the apps keep about the number stays.', 'Clear')) {
      await clearing({ identity });
      cleared.forget();
      refresh();
    }
    focusOn(identity);
  },
  earlier: (grown) => {
    Object.assign(grown, { cursor: null, wanted: EARLIER });
    wake();
  },
};

function paneOf(identity) {
  return panes.find((pane) => pane.conversation.identity === identity);
}

function focusOn(identity) {
  paneOf(identity)?.focus();
}

// Shows exactly these conversations.
function arrange(identities, { push = true, focus = identities[0] } = {}) {
  const old = panes;
  panes = identities.map((identity) => paneOf(identity) ?? newPane(identity));
  for (const pane of old) if (!panes.includes(pane)) pane.conversation.changed = () => {};
  panesElement.replaceChildren(...panes.map((pane) => pane.element));
  panesElement.dataset.count = panes.length;
  for (const pane of panes) pane.toEnd();
  const to = address(identities);
  if (push && to !== location.pathname + location.search) history.pushState(null, '', to);
  show('panes');
  refresh();
  focusOn(focus);
  wake();
}

function newPane(identity) {
  const opened = conversation(identity);
  opened.wake = wake;
  if (!opened.whole) {
    opened.whole = true;
    opened.cursor = null;
    opened.wanted = ROWS;
  }
  return new Pane(opened, acts);
}

const identities = () => panes.map((pane) => pane.conversation.identity);

// Shows a conversation in place of the pane in which the user was.
function open(identity) {
  const open = identities();
  if (open.includes(identity)) {
    show('panes');
    if (narrow.matches) arrange([identity, ...open.filter((other) => other !== identity)]);
    focusOn(identity);
    refresh();
    return;
  }
  const active = panes.find((pane) => pane.element.contains(document.activeElement)) ?? panes.at(lastActive) ?? panes[0];
  const at = Math.max(panes.indexOf(active), 0);
  open.splice(at, 1, identity);
  arrange(open, { focus: identity });
}

let lastActive = 0;
panesElement.addEventListener('focusin', (event) => {
  lastActive = Math.max(panes.findIndex((pane) => pane.element.contains(event.target)), 0);
  for (const pane of panes) pane.element.classList.toggle('active', pane === panes[lastActive]);
});

function beside(identity) {
  const open = identities().filter((other) => other !== identity);
  arrange(narrow.matches ? [identity, ...open] : [...open, identity], { focus: identity });
}

function close(identity) {
  const open = identities().filter((other) => other !== identity);
  if (open.length > 0) arrange(open);
  else {
    arrange([newNumber()]);
    if (narrow.matches) show('list');
  }
}

async function clearing(what) {
  try {
    while ((await call('clear', what)).left > 0);
  } catch (problem) {
    say(problem.message, 'error');
  }
}

// ---- views: on a narrow screen, one of the three fills the screen

const log = new Log({ open: (identity) => open(identity) });
const logButton = document.getElementById('show-log');

function show(view) {
  if (body.dataset.view === view) return;
  body.dataset.view = view;
  logButton.setAttribute('aria-pressed', String(view === 'log'));
  panesElement.hidden = view === 'log';
  if (view === 'log') log.show();
  else log.hide();
}

logButton.addEventListener('click', () => show(body.dataset.view === 'log' ? 'panes' : 'log'));

document.getElementById('clear-all').addEventListener('click', async () => {
  if (!(await confirmed('Clear all conversations?', 'The messages of all numbers are deleted. The data that the apps keep about the numbers stays.', 'Clear all'))) return;
  await clearing({ identity: null });
  for (const cleared of conversations()) cleared.forget();
  used = [];
  refresh();
  if (body.dataset.view === 'log') log.show();
});

// ---- the list

const list = new List({ open, beside });

document.getElementById('new-number').addEventListener('click', () => open(newNumber()));
document.getElementById('open').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = event.target.elements.identity;
  const identity = field.value.trim();
  if (identity === '') return;
  if (new TextEncoder().encode(identity).length > 256) {
    say('A number can have at most 256 bytes.', 'error');
    return;
  }
  field.value = '';
  open(identity);
});

// Marks what is read and what is not, and updates the list and the title.
function refresh() {
  if (isWatched() && body.dataset.view !== 'log') {
    for (const pane of panes) if (pane.element.offsetParent !== null) pane.seen();
  } else {
    for (const pane of panes) pane.away();
  }
  list.render(used, identities());
  const unread = conversations().reduce((sum, one) => sum + one.unread.length, 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${title}`;
}

const { title } = document;

// ---- polling

async function poll() {
  const withList = polls % LIST_EVERY < 1 || polls === 1 || document.visibilityState !== 'visible';
  const open = identities();
  const others = withList ? used.filter((identity) => !open.includes(identity)).slice(0, FOLLOWED) : [];
  const followed = [...new Set([...open, ...others])].map((identity) => {
    const { cursor, wanted } = conversation(identity);
    return { identity, cursor, rows: wanted ?? PREVIEW };
  });
  polls += 1;
  const news = await call('poll', { conversations: followed, numbers: withList });
  for (const one of news.conversations) {
    conversation(one.identity).apply(one);
    lastNews = Date.now();
  }
  if (news.numbers !== undefined) {
    used = news.numbers.map((number) => number.identity);
    // The next poll brings the messages of these numbers.
    if (polls === 1) soon.unshift(0);
  }
}

function delay() {
  if (failures > 0) return Math.min(1000 * 2 ** (failures - 1), HIDDEN);
  if (document.visibilityState !== 'visible') return HIDDEN;
  if (soon.length > 0) return soon.shift();
  return Date.now() - lastNews > IDLE_AFTER ? IDLE : QUICK;
}

// Starts the next poll at once, and some more polls soon after it.
function wake() {
  lastNews = Date.now();
  soon = [...SOON];
  rouse();
}

async function run() {
  for (;;) {
    try {
      await poll();
      if (failures > 0) say('');
      failures = 0;
    } catch (problem) {
      failures += 1;
      // A single failure may be chance, so the page does not show it.
      if (failures > 1) say(`${problem.message} Trying again.`, 'trouble');
    }
    refresh();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, delay());
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    rouse = () => {};
  }
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') {
    polls = 0;
    wake();
  }
  refresh();
});
addEventListener('focus', refresh);
addEventListener('blur', refresh);
addEventListener('popstate', () => arrange(asked(), { push: false }));
addEventListener('online', wake);

// ---- the start

const testers = document.getElementById('testers');
const names = testers.dataset.testers.split(' ');
if (names.length > 1) {
  const { backend } = document.documentElement.dataset;
  testers.append(...names.map((name) => el('a', {
    href: `/${testers.dataset.folder}/${name}/`, 'aria-current': name === backend ? 'page' : null,
  }, name)));
}
document.getElementById('log-out').hidden = document.documentElement.dataset.token === '';

arrange(asked(), { push: false });
run();
