// Times of files in the reader's own zone and language; the server writes them in UTC.

export function listenToFileLists() {
  document.addEventListener('htmx:afterSwap', (event) => {
    for (const time of event.detail.target.querySelectorAll?.('.file-list time') ?? []) {
      const when = new Date(time.dateTime);
      time.textContent = when.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
    }
  });
}
