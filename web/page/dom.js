// What every module of the page needs of the document.

export const byId = (id) => document.getElementById(id);

// The chat that this page shows, as text, or null on the page of a new one.
export const currentChat = () => location.pathname.match(/^\/chat\/(\d+)/)?.[1] ?? null;

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
