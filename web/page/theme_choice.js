// Light or dark, as the reader chose; theme.js brings it back before the next page's first paint.

export function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('varro-theme', root.dataset.theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
