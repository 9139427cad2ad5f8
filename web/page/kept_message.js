// A message that waits in this tab until it can be sent. It survives a reload, not the tab.

const freshFor = 60_000; // milliseconds for which it goes out by itself after a reload, too

export const joinedTexts = (...texts) => texts.filter(Boolean).join('\n\n');

export class KeptMessage {
  constructor(storage, chat) {
    Object.assign(this, { storage, key: `varro-queued-${chat}` });
  }

  // { text, at }, or null.
  read() {
    try {
      return JSON.parse(this.storage.getItem(this.key) ?? 'null');
    } catch {
      return null;
    }
  }

  write(text, now = Date.now()) {
    this.storage.setItem(this.key, JSON.stringify({ text, at: now }));
  }

  forget() {
    this.storage.removeItem(this.key);
  }
}

export const isFresh = (message, now = Date.now()) => now - message.at < freshFor;
