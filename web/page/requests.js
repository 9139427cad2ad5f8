// Requests to the server: each carries the token that shows it comes from this page, and tells what was refused.
import { refusalText, showNotice } from './notices.js';

const csrfToken = () => document.querySelector('meta[name="csrf"]')?.content ?? '';
const typeOf = (response) => response.headers.get('Content-Type') ?? '';

// The response, whatever its status.
export function ask(path, method, fields) {
  const headers = csrfToken() ? { 'X-CSRF-Token': csrfToken() } : {};
  return fetch(path, { method, headers, body: fields && new URLSearchParams(fields) });
}

// Whether it was done; else the notice says why not.
export async function change(path, method, fields = {}) {
  const response = await ask(path, method, fields);
  if (response.ok) return true;
  showNotice(refusalText(response.status, await response.text(), typeOf(response)));
  return false;
}

export function listenToRequests() {
  document.addEventListener('htmx:configRequest', (event) => {
    if (csrfToken()) event.detail.headers['X-CSRF-Token'] = csrfToken();
  });
  document.addEventListener('htmx:responseError', ({ detail: { xhr } }) =>
    showNotice(refusalText(xhr.status, xhr.responseText, xhr.getResponseHeader('Content-Type') ?? '')));
  document.addEventListener('htmx:sendError', () =>
    showNotice('The server cannot be reached. Your text is kept; try again.'));
}
