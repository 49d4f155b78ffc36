// Finds the places of the interactive figures on a page and fills them. Without it, their paragraph stays.
const NAMES = ["kernel", "network", "pooling", "draw", "freeze", "augment", "dropout", "features", "home"];

async function mount(place) {
  const name = place.dataset.widget;
  if (!NAMES.includes(name) || place.dataset.state) return;
  place.dataset.state = "loading";
  try {
    const { build } = await import(new URL(`widgets/${name}.js`, import.meta.url));
    const figure = await build();
    place.replaceChildren(figure);
    place.dataset.state = "ready";
  } catch (fault) {
    place.dataset.state = "failed"; // The paragraph is still there.
    console.error(`The figure '${name}' could not be shown: ${fault.message}`);
  }
}

function mountAll() {
  for (const place of document.querySelectorAll(".widget[data-widget]")) mount(place);
}

if (window.document$)
  window.document$.subscribe(mountAll); // Material's own event, which comes anew with each page.
else mountAll();
