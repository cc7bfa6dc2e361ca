// Sends the messages of a text file. Each line is one message.

import { newId, send } from './calls.js';
import { el, plural, say } from './dom.js';

const NUMBER = /^\s*(\+?\d[\d-]*)\s*>\s?(.*)$/u;
const EXPECTED = /^\s*\+?\d[\d-]*\s*<|^\s*#/u;

// Returns the lines of a file in any of the known encodings, without blank lines.
export async function linesOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const mark = bytes[0] << 8 | bytes[1];
  const charset = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  let text;
  try {
    text = new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder('windows-1252').decode(bytes);
  }
  return text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
}

// Returns whether the file is a transcript: every line is `number > text`, `number < text` or a comment, and at least
// one line is `number > text`.
export function isTranscript(lines) {
  return lines.some((line) => NUMBER.test(line)) && lines.every((line) => NUMBER.test(line) || EXPECTED.test(line));
}

export function messagesOf(lines, identity, transcript) {
  if (!transcript) return lines.map((text) => ({ identity, text, id: newId() }));
  return lines.flatMap((line) => {
    const [, number, text] = NUMBER.exec(line) ?? [];
    return number === undefined ? [] : [{ identity: number, text, id: newId() }];
  });
}

export function bulk(identity, wake) {
  let lines = [];
  let messages = [];
  let at = 0;
  let state = 'choosing';

  const file = el('input', { type: 'file', id: 'bulk-file', accept: '.txt,.csv,.log,text/*', on: { change: () => choose() } });
  const way = (value, ...words) => el('label', {},
    el('input', { type: 'radio', name: 'way', value, on: { change: () => count() } }), el('span', {}, ...words));
  const ways = el('fieldset', { hidden: true }, el('legend', {}, 'Each line is'),
    way('text', 'a message of ', el('bdi', {}, identity)),
    way('transcript', el('code', {}, 'number > message'), ', as in a transcript'));
  const progress = el('progress', { 'aria-label': 'Messages sent', value: '0', max: '1', hidden: true });
  const status = el('p', { class: 'hint', role: 'status' }, 'A text file with one message on each line. Blank lines are skipped.');
  const start = el('button', { type: 'button', class: 'primary', disabled: true, on: { click: () => go() } }, 'Send');
  const close = el('button', { type: 'button', class: 'plain', on: { click: () => stop() } }, 'Cancel');
  const dialog = el('dialog', { class: 'bulk', 'aria-labelledby': 'bulk-title' },
    el('h2', { id: 'bulk-title' }, 'Send a file of messages'),
    el('label', { class: 'file', for: 'bulk-file' }, 'Text file'), file, ways, status, progress,
    el('div', { class: 'actions' }, close, start));

  async function choose() {
    lines = file.files.length > 0 ? await linesOf(file.files[0]) : [];
    at = 0;
    const transcript = isTranscript(lines);
    ways.hidden = lines.length === 0;
    dialog.querySelector(`[value=${transcript ? 'transcript' : 'text'}]`).checked = true;
    count();
  }

  function count() {
    const transcript = dialog.querySelector('[name=way]:checked')?.value === 'transcript';
    messages = messagesOf(lines, identity, transcript);
    const numbers = new Set(messages.map((message) => message.identity)).size;
    start.disabled = messages.length === 0;
    status.textContent = messages.length === 0
      ? 'There is no message in this file.'
      : `${plural(messages.length, 'message')} of ${plural(numbers, 'number')}.`;
  }

  function show(words) {
    progress.hidden = false;
    progress.max = messages.length;
    progress.value = at;
    status.textContent = words;
  }

  async function go() {
    state = 'sending';
    for (const field of [file, start, ...ways.querySelectorAll('input')]) field.disabled = true;
    close.textContent = 'Stop';
    const count = () => `${at.toLocaleString()} of ${plural(messages.length, 'message')} sent.`;
    show(count());
    const before = at;
    try {
      await send(messages.slice(before), (taken) => {
        at = before + taken;
        show(count());
        wake();
        return state === 'sending';
      });
    } catch (problem) {
      show(`${count()} ${problem.message}`);
      start.disabled = false;
      start.textContent = 'Go on';
      state = 'choosing';
      close.textContent = 'Close';
      return;
    }
    if (at === messages.length) show(`All ${plural(messages.length, 'message')} sent.`);
    else show(`${count()} Stopped.`);
    state = 'done';
    close.textContent = 'Close';
    close.focus();
  }

  function stop() {
    if (state === 'sending') state = 'stopping';
    else dialog.close();
  }

  dialog.addEventListener('cancel', (event) => {
    if (state === 'sending') {
      event.preventDefault();
      stop();
    }
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (at > 0) say(`${at.toLocaleString()} of ${plural(messages.length, 'message')} sent.`);
  });
  document.body.append(dialog);
  dialog.showModal();
}
