// Makes the calls to the tester of this page, and writes the addresses of its pages.

const { root, token } = document.documentElement.dataset;

// The maximum number of messages and of characters in one call. The tester refuses larger calls.
const MOST_MESSAGES = 50;
const MOST_CHARACTERS = 200_000;

export class CallError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function call(name, body) {
  let response;
  try {
    response = await fetch(`${root}${name}.json`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tester-token': token },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(40_000),
      credentials: 'same-origin',
    });
  } catch {
    throw new CallError(0, 'The tester does not answer.');
  }
  if (response.status === 401) {
    location.assign(`${root}login.html?identity=${encodeURIComponent(here())}`);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) {
    throw Object.assign(new CallError(response.status, answer?.error ?? `The tester answers ${response.status}.`), { answer });
  }
  return answer;
}

// Sends messages in order, in one or more calls. After each call, this calls `taken` with the number of accepted
// messages and their ids. If `taken` returns false, the sending stops.
export async function send(messages, taken) {
  for (let at = 0; at < messages.length;) {
    const some = [];
    let size = 0;
    for (const message of messages.slice(at, at + MOST_MESSAGES)) {
      size += message.text.length;
      if (some.length > 0 && size > MOST_CHARACTERS) break;
      some.push(message);
    }
    let answer;
    try {
      answer = await call('send', { messages: some });
    } catch (problem) {
      if (problem.answer?.taken) taken(at + problem.answer.taken, problem.answer.ids);
      throw problem;
    }
    at += answer.taken;
    if (taken(at, answer.ids) === false) return;
  }
}

const PLAIN = /^[A-Za-z0-9_+-]+$/;

// Returns the address of a page that shows these conversations side by side.
export function address([first, ...others]) {
  const query = new URLSearchParams();
  let path = root;
  if (PLAIN.test(first)) path += `${first}/`;
  else query.append('identity', first);
  for (const other of others) query.append('also', other);
  return query.size > 0 ? `${path}?${query}` : path;
}

// Returns the conversations that are in the address of the page.
export function asked() {
  const query = new URLSearchParams(location.search);
  const segment = decodeURIComponent(location.pathname.slice(root.length)).replace(/\/$/, '');
  const first = segment || query.get('identity') || newNumber();
  return [...new Set([first, ...query.getAll('also').filter((other) => other !== '')])];
}

const here = () => asked()[0];

export function newNumber() {
  return `555${String(crypto.getRandomValues(new Uint32Array(1))[0] % 10_000_000).padStart(7, '0')}`;
}

export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
