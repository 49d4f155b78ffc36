// Dropout: units set to zero in training, the others scaled up; nothing is dropped when the network answers.
import { button, controls, el, figure, radios, said, slider } from "./parts/dom.js";
import { short } from "./parts/paint.js";
import { words } from "./parts/words.js";

const UNITS = [1.2, 0.4, 2.1, 0.9, 1.7, 0.3, 1.1, 2.6, 0.8, 1.5, 0.6, 1.9, 1.0, 0.5, 2.3, 1.4];
const MANY = 1000;

/** Keep each value with probability 1 - rate, scaled by 1 / (1 - rate), as Keras does in training. */
export function drop(values, rate, random = Math.random) {
  return values.map((value) => (random() < rate ? 0 : value / (1 - rate)));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

export function build() {
  const t = words("dropout");
  const state = { rate: 0.4, mode: "training" };
  const bars = UNITS.map(() => {
    const fill = el("span", { class: "w-fill" });
    const figure_ = el("span", { class: "w-figure" });
    return {
      fill,
      figure: figure_,
      node: el("div", { class: "w-unit" }, figure_, el("span", { class: "w-shaft" }, fill)),
    };
  });
  const line = said();
  const mean = said();
  const highest = Math.max(...UNITS);

  function show() {
    const training = state.mode === "training";
    const values = training ? drop(UNITS, state.rate) : UNITS;
    const most = highest / (1 - (training ? state.rate : 0));
    values.forEach((value, place) => {
      const { fill, figure, node } = bars[place];
      fill.style.height = `${(100 * value) / most}%`;
      figure.textContent = value.toFixed(1);
      node.classList.toggle("w-dropped", value === 0);
    });
    const kept = values.filter((value) => value > 0).length;
    const all = {
      kept,
      units: UNITS.length,
      scale: short(1 / (1 - state.rate)),
      sum: sum(values).toFixed(1),
      plain: sum(UNITS).toFixed(1),
    };
    line.textContent = t(training ? "training_line" : "answering_line", { ...all, rate: state.rate });
    const sums = Array.from({ length: MANY }, () => sum(drop(UNITS, state.rate)));
    mean.textContent = training
      ? t("mean", { many: MANY.toLocaleString("en"), mean: (sum(sums) / MANY).toFixed(1), plain: all.plain })
      : "";
    again.disabled = !training;
  }

  const rate = slider(
    t("rate"),
    { min: 0, max: 0.9, step: 0.1, value: state.rate, show: (value) => value.toFixed(1) },
    (value) => {
      state.rate = value;
      show();
    },
  );
  const mode = radios(
    t("mode"),
    [
      ["training", t("training")],
      ["answering", t("answering")],
    ],
    "training",
    (value) => {
      state.mode = value;
      show();
    },
  );
  const again = button(t("again"), show);
  show();
  return figure(
    t("title"),
    mode.node,
    controls(rate.node, again),
    el("div", { class: "w-units", "aria-hidden": "true" }, ...bars.map(({ node }) => node)),
    line,
    mean,
  );
}
