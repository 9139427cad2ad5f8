// One run's event stream, as long as it takes: opened again after a refusal, where it stopped; closed in a tab that
// nobody looks at, because browsers allow few connections to one origin.

const failuresMax = 6;
const firstPause = 1000; // milliseconds before a refused stream is asked for again; each time twice as long
const hiddenFor = 20_000; // milliseconds until a hidden tab gives its connection back

export class EventStream {
  #source = null;
  #last = null; // id of the newest event, after which a new connection goes on
  #failures = 0;
  #timer = 0;

  // `handlers`: progress(html), content(html), done(data), lost(). `Source` is the browser's EventSource.
  constructor(url, handlers, Source = globalThis.EventSource) {
    Object.assign(this, { url, handlers, Source });
  }

  open() {
    const url = new URL(this.url);
    if (this.#last) url.searchParams.set('after', this.#last);
    const source = new this.Source(url);
    this.#source = source;
    source.addEventListener('open', () => { this.#failures = 0; });
    source.addEventListener('progress', (event) => this.handlers.progress(event.data));
    source.addEventListener('content', (event) => {
      if (event.lastEventId) this.#last = event.lastEventId;
      this.handlers.content(event.data);
    });
    source.addEventListener('done', (event) => {
      this.close();
      this.handlers.done(JSON.parse(event.data));
    });
    source.addEventListener('error', () => {
      // The browser repeats lost connections itself; a refused one it gives up.
      if (source.readyState === this.Source.CLOSED) this.#retry();
    });
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  pause() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), hiddenFor);
  }

  resume() {
    clearTimeout(this.#timer);
    if (!this.#source || this.#source.readyState === this.Source.CLOSED) this.open();
  }

  #retry() {
    this.#failures += 1;
    if (this.#failures > failuresMax) {
      this.handlers.lost();
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), firstPause * 2 ** (this.#failures - 1));
  }
}
