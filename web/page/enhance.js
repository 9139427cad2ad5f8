// What the server cannot do for a block: colours of code, formulas, buttons that copy.
import { make } from './dom.js';

const highlightedMax = 100_000; // characters of code; more would hold the page
const formulaLimits = { throwOnError: false, trust: false, strict: 'ignore', maxSize: 20, maxExpand: 500 };

function highlight(root) {
  const { hljs } = window;
  for (const code of root.querySelectorAll('pre > code[class*="language-"]:not([data-highlighted])')) {
    const language = code.className.match(/language-([\w+#-]+)/)?.[1];
    if (code.textContent.length < highlightedMax && language && hljs.getLanguage(language)) hljs.highlightElement(code);
  }
}

function typeset(root) {
  for (const element of root.querySelectorAll('.math:not([data-typeset])')) {
    const tex = element.textContent;
    element.dataset.typeset = '';
    try {
      window.katex.render(tex, element, { displayMode: element.classList.contains('block'), ...formulaLimits });
    } catch {
      element.textContent = tex;
    }
  }
}

function addCopyButtons(root) {
  for (const pre of root.querySelectorAll('pre:not(.copyable pre)')) {
    const frame = make('div', { className: 'copyable' });
    const button = make('button', { type: 'button', className: 'copy', textContent: 'Copy' });
    button.dataset.action = 'copy';
    pre.replaceWith(frame);
    frame.append(pre, button);
  }
}

export function enhance(root) {
  highlight(root);
  typeset(root);
  addCopyButtons(root);
}
