// Stands at the end of HTML that a cell displayed, in a frame of the page: tells how high it would like to be. The page
// decides. Such documents mostly have no doctype, and then the body is never lower than the frame.
'use strict';

addEventListener('load', () => {
  const space = 12; // pixels below the last line
  const scrollBar = 16;

  // Of the element and what stands out of it; what scrolls inside it needs no more.
  function bottomOf(element) {
    const inner = getComputedStyle(element).overflowY === 'visible' ? [...element.children] : [];
    return inner.reduce((lowest, child) => Math.max(lowest, bottomOf(child)), element.getBoundingClientRect().bottom);
  }

  function contentHeight() {
    const { body, scrollingElement } = document;
    if (scrollingElement.scrollHeight > innerHeight) return scrollingElement.scrollHeight;
    const contents = document.createRange(); // text that stands in no element too
    contents.selectNodeContents(body);
    const lowest = [...body.children].reduce(
      (lowest, child) => Math.max(lowest, bottomOf(child)), contents.getBoundingClientRect().bottom);
    return lowest + scrollY;
  }

  const { scrollWidth } = document.scrollingElement;
  const bar = scrollWidth > innerWidth ? scrollBar : 0;
  parent.postMessage({ displayHeight: Math.ceil(contentHeight()) + space + bar }, '*');
});
