// What the theme leaves out for those who read with the keyboard or a screen reader.

function mend() {
  const search = document.querySelector(".md-search[role=dialog]");
  search?.setAttribute("aria-label", search.querySelector("input")?.placeholder || "Search");
  // A list of links is called what its heading says; the theme names it after an arrow without words.
  for (const list of document.querySelectorAll(".md-nav[aria-labelledby]")) {
    const above = list.parentElement.closest(".md-nav[aria-label]").getAttribute("aria-label");
    const title = list.querySelector(":scope > .md-nav__title").textContent.trim();
    list.removeAttribute("aria-labelledby");
    list.setAttribute("aria-label", `${above}, ${title}`);
  }
  // The buttons of a code block are no landmark of the page.
  for (const buttons of document.querySelectorAll(".md-code__nav")) buttons.setAttribute("role", "presentation");
  // A wide table is scrolled with the arrow keys.
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap")) wide.tabIndex = 0;
}

// The theme wraps tables and adds buttons after the page has loaded.
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
