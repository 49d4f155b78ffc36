// A photo becomes 1,280 numbers: photos that look alike have like numbers, which their pixels have not.
import { el, figure, radios, said } from "./parts/dom.js";
import { features, pixels } from "./parts/data.js";
import { canvas, paint } from "./parts/paint.js";
import { words } from "./parts/words.js";

const NEAREST = 6;
const ACROSS = 64;

/** Places of the rows nearest to one of them, the nearest first, with their distances: [[place, distance], ...]. */
export function nearest(rows, place, number = NEAREST) {
  const distance = (one, other) => Math.sqrt(one.reduce((sum, value, at) => sum + (value - other[at]) ** 2, 0));
  const all = rows.map((row, other) => [other, distance(rows[place], row)]).filter(([other]) => other !== place);
  return all.sort((one, other) => one[1] - other[1]).slice(0, number);
}

/** Percent of the nearest that have the same label, over all rows. */
export function agreement(rows, labels) {
  const of = (place) => nearest(rows, place).filter(([other]) => labels[other] === labels[place]).length;
  return (100 * labels.reduce((sum, _, place) => sum + of(place), 0)) / (NEAREST * labels.length);
}

/** The raw values of each tile of a strip. */
function values(strip, tile, number) {
  return Array.from({ length: number }, (_, place) =>
    Float32Array.from({ length: 3 * tile * tile }, (_, at) => {
      const [row, column] = [Math.floor(at / 3 / tile), Math.floor(at / 3) % tile];
      return strip.data[4 * (row * strip.width + place * tile + column) + (at % 3)];
    }),
  );
}

export async function build() {
  const t = words("features");
  const [facts, strip] = await Promise.all([features(), pixels("tiles.png")]);
  const rows = {
    features: facts.rows.map((row) => Float32Array.from(row)),
    pixels: values(strip, facts.tile, facts.labels.length),
  };
  const shares = { features: agreement(rows.features, facts.labels), pixels: agreement(rows.pixels, facts.labels) };
  const state = { place: 7, by: "features" };

  const tile = (place) => {
    const target = canvas(facts.tile, facts.tile, "w-tile");
    target.getContext("2d").putImageData(strip, -place * facts.tile, 0);
    return target;
  };
  const spoken = (place) => t("part", { number: place + 1, kind: t(facts.classes[facts.labels[place]]) });
  const numbers = canvas(facts.length / ACROSS, ACROSS, "w-numbers");
  const near = el("div", { class: "w-near" });
  const line = said();

  function show() {
    const row = facts.rows[state.place];
    paint(numbers, Array.from(row, Math.sqrt), 0, Math.sqrt(Math.max(...row))); // Roots, or few numbers would be seen.
    const found = nearest(rows[state.by], state.place);
    const same = (other) => facts.labels[other] === facts.labels[state.place];
    const scale = state.by === "features" ? facts.largest / 255 : 1;
    const shown = found.map(([other, distance]) => {
      const value = (scale * distance).toFixed(state.by === "features" ? 1 : 0);
      const text = el("figcaption", {}, t("distance", { value }));
      return el(
        "figure",
        { class: `w-view ${same(other) ? "w-same" : ""}` },
        el("span", { role: "img", "aria-label": spoken(other) }, tile(other)),
        text,
      );
    });
    near.replaceChildren(...shown);
    const right = found.filter(([other]) => same(other)).length;
    line.textContent = t("here", { right, features: shares.features.toFixed(0), pixels: shares.pixels.toFixed(0) });
  }

  const set = (key) => (value) => {
    state[key] = value;
    show();
  };
  const options = facts.labels.map((_, place) => [place, tile(place), spoken(place)]);
  const chosen = radios(t("choose"), options, state.place, set("place"), "w-pictures w-tight");
  const by = radios(
    t("compare"),
    ["features", "pixels"].map((key) => [key, t(key)]),
    state.by,
    set("by"),
  );
  show();
  return figure(
    t("title"),
    chosen.node,
    el("p", { class: "w-caption" }, t("numbers")),
    numbers,
    by.node,
    el("p", { class: "w-caption" }, t("nearest", { others: facts.labels.length - 1 })),
    near,
    line,
    el("p", { class: "w-note" }, t("credit")),
  );
}
