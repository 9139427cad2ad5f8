// The line above the composer that tells what went wrong, in the server's own words where it gave some.
import { byId } from './dom.js';

const plainCharactersMax = 500; // longer text is no sentence for a person

const refusals = {
  403: 'You are not logged in any more. Log in again in another tab; your text stays here.',
  404: 'This chat does not exist any more.',
  409: 'This chat still answers another message. Wait for it, or stop it.',
  413: 'This is too large to send. Put long data into a file and attach it.',
  422: 'Write a message first.',
};

export function showNotice(text) {
  const notice = byId('notice');
  if (!notice) return;
  notice.textContent = text;
  notice.hidden = false;
}

export function hideNotice() {
  const notice = byId('notice');
  if (notice) notice.hidden = true;
}

// The sentence of an error page of ours, or nothing.
function sentenceOf(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  return page.querySelector('[data-error-text], [role="alert"]')?.textContent.trim() ?? '';
}

export function refusalText(status, body, mediaType, sentence = sentenceOf) {
  const fallback = refusals[status] ?? `The server answered with an error (${status}). Try again.`;
  if (mediaType.startsWith('text/html')) return sentence(body) || fallback;
  const plain = mediaType.startsWith('text/plain') ? body.trim() : '';
  return plain && plain.length < plainCharactersMax ? plain : fallback;
}
