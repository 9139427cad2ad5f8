// Runs before the first paint: the theme that the reader chose, if any; otherwise the system's.
'use strict';
{
  let theme = null;
  try {
    theme = localStorage.getItem('varro-theme');
  } catch {
    // A browser without storage follows the system.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  document.documentElement.classList.add('scripted');
}
