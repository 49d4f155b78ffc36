// Draw a digit; mnist_functional says which it is.
import { bars, button, check, clamp, column, controls, el, figure, radios, said } from "./parts/dom.js";
import { network, pictures } from "./parts/data.js";
import { forward } from "./parts/forward.js";
import { canvas, paint, thumbnail } from "./parts/paint.js";
import { words } from "./parts/words.js";

const SIDE = 28;
const SIZE = 280;
const BOX = 20; // MNIST's digits fill 20 x 20 pixels, with their centre of mass in the middle of 28 x 28.
const PEN = 22;

/** Mean ink of a drawing's part, at `rows` x `columns` pixels; all ink lies between 0 and 255. */
function shrink(ink, { top, left, height, width }, rows, columns) {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column_ = 0; column_ < columns; column_++) {
      const [y, x] = [top + (row * height) / rows, left + (column_ * width) / columns];
      const [down, right] = [Math.max(y + 1, y + height / rows), Math.max(x + 1, x + width / columns)];
      let [sum, number] = [0, 0];
      for (let i = Math.floor(y); i < Math.min(SIZE, Math.ceil(down)); i++)
        for (let j = Math.floor(x); j < Math.min(SIZE, Math.ceil(right)); j++) {
          sum += ink[i * SIZE + j];
          number += 1;
        }
      out[row * columns + column_] = number ? sum / number : 0;
    }
  return out;
}

/** The part of a drawing that has ink, or nothing. */
function inked(ink) {
  let [top, left, bottom, right] = [SIZE, SIZE, -1, -1];
  ink.forEach((value, place) => {
    if (!value) return;
    const [row, column_] = [Math.floor(place / SIZE), place % SIZE];
    [top, left] = [Math.min(top, row), Math.min(left, column_)];
    [bottom, right] = [Math.max(bottom, row), Math.max(right, column_)];
  });
  return bottom < 0 ? undefined : { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** 28 x 28 pixels of a drawing of 280 x 280: as it lies, or brought to MNIST's size and place. */
export function prepare(ink, centred) {
  const all = { top: 0, left: 0, height: SIZE, width: SIZE };
  const box = inked(ink);
  if (!centred || !box) return shrink(ink, all, SIDE, SIDE);
  const scale = BOX / Math.max(box.height, box.width);
  const [rows, columns] = [box.height, box.width].map((length) => Math.max(1, Math.round(length * scale)));
  const digit = shrink(ink, box, rows, columns);
  let [mass, down, right] = [0, 0, 0];
  digit.forEach((value, place) => {
    mass += value;
    down += value * Math.floor(place / columns);
    right += value * (place % columns);
  });
  const top = Math.round((SIDE - 1) / 2 - down / mass);
  const left = Math.round((SIDE - 1) / 2 - right / mass);
  const out = new Float32Array(SIDE * SIDE);
  digit.forEach((value, place) => {
    const [row, column_] = [top + Math.floor(place / columns), left + (place % columns)];
    if (row >= 0 && row < SIDE && column_ >= 0 && column_ < SIDE) out[row * SIDE + column_] = value;
  });
  return out;
}

const STEPS = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };

export async function build() {
  const t = words("draw");
  const [cnn, digits] = await Promise.all([network("mnist_functional"), pictures("mnist")]);
  const board = el("canvas", { class: "w-board", width: SIZE, height: SIZE, "aria-hidden": "true" });
  const pen = board.getContext("2d", { willReadFrequently: true });
  const cursor = el("span", { class: "w-cursor" });
  const stage = el("div", { class: "w-stage w-board-size" }, board, cursor);
  const seen = canvas(SIDE, SIDE);
  const answer = bars(digits.classes, t("answers"), "w-digits");
  const verdict = said();
  const state = { x: SIZE / 2, y: 60, down: false, centred: true, given: undefined };

  function show() {
    const data = pen.getImageData(0, 0, SIZE, SIZE).data;
    const ink = Float32Array.from({ length: SIZE * SIZE }, (_, place) => data[4 * place]);
    const pixels = state.given ?? prepare(ink, state.centred);
    paint(seen, pixels, 0, 255);
    if (!pixels.some((value) => value > 0)) {
      answer.update(digits.classes.map(() => 0));
      verdict.textContent = t("empty");
      return;
    }
    const probabilities = Array.from(forward(cnn, pixels).at(-1).data);
    const top = probabilities.indexOf(Math.max(...probabilities));
    answer.update(probabilities);
    verdict.textContent = t("said", { digit: digits.classes[top], percent: (100 * probabilities[top]).toFixed(1) });
  }

  function clear() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIZE, SIZE);
    state.given = undefined;
    examples.set(-1);
    show();
  }

  function to(x, y, draws) {
    if (draws && state.given) clear();
    pen.strokeStyle = "#fff";
    Object.assign(pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    if (draws) {
      pen.beginPath();
      pen.moveTo(state.x, state.y);
      pen.lineTo(x + 0.01, y);
      pen.stroke();
    }
    [state.x, state.y] = [x, y];
    cursor.style.left = `${(100 * x) / SIZE}%`;
    cursor.style.top = `${(100 * y) / SIZE}%`;
    cursor.classList.toggle("w-down", state.down);
    if (draws) show();
  }

  const place = el(
    "div",
    { class: "w-surface w-draggable", role: "application", tabindex: "0", "aria-label": t("board") },
    stage,
  );
  place.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step) to(clamp(state.x + step[0], 10, SIZE - 10), clamp(state.y + step[1], 10, SIZE - 10), state.down);
    else if (event.key === " ") {
      state.down = !state.down;
      to(state.x, state.y, state.down);
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
  });
  const at = (event) => {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
  };
  place.addEventListener("pointerdown", (event) => {
    place.setPointerCapture(event.pointerId);
    [state.x, state.y] = at(event);
    to(state.x, state.y, true);
  });
  place.addEventListener("pointermove", (event) => {
    if (event.buttons) to(...at(event), true);
  });

  const options = digits.all
    .slice(0, 10)
    .map(({ pixels, label }, number) => [number, thumbnail(pixels), digits.classes[label]]);
  const examples = radios(
    t("examples"),
    options,
    -1,
    (number) => {
      clear();
      state.given = digits.all[number].pixels;
      examples.set(number);
      const image = thumbnail(state.given);
      pen.drawImage(image, 0, 0, SIZE, SIZE);
      show();
    },
    "w-pictures",
  );
  const centred = check(t("centred"), true, (value) => {
    state.centred = value;
    show();
  });

  clear();
  to(state.x, state.y, false);
  const accuracy = (100 * cnn.test_accuracy).toFixed(2);
  const about = t("about", {
    parameters: cnn.parameters.toLocaleString("en"),
    accuracy,
    images: cnn.test_images.toLocaleString("en"),
  });
  return figure(
    t("title"),
    el(
      "div",
      { class: "w-columns" },
      column(t("here"), place),
      column(t("seen"), el("div", { class: "w-stage w-middle" }, seen)),
      el("div", { class: "w-column w-answers" }, el("p", { class: "w-caption" }, t("answers")), answer.node),
    ),
    controls(button(t("clear"), clear), centred.node),
    verdict,
    examples.node,
    el("p", { class: "w-note" }, t("keys")),
    el("p", { class: "w-note" }, about),
  );
}
