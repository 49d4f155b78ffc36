// Numbers as pictures: canvases for maps, small squares of the page where each number is to be read.
import { el } from "./dom.js";

/** A canvas of one pixel a value, which the style sheet enlarges. */
export function canvas(height, width, className = "w-map") {
  return el("canvas", { class: className, width, height, "aria-hidden": "true" });
}

/** Paint values from `low` (black) to `high` (white). */
export function paint(target, values, low, high) {
  const image = new ImageData(target.width, target.height);
  const span = high - low || 1;
  values.forEach((value, place) => {
    const grey = Math.round((255 * (value - low)) / span);
    image.data.set([grey, grey, grey, 255], 4 * place);
  });
  target.getContext("2d").putImageData(image, 0, 0);
}

/** One channel of a tensor. */
export function channel({ height, width, channels, data }, which) {
  return Float32Array.from({ length: height * width }, (_, place) => data[place * channels + which]);
}

export function thumbnail(pixels, side = 28) {
  const target = canvas(side, side, "w-thumbnail");
  paint(target, pixels, 0, 255);
  return target;
}

/** A frame over part of a picture, in its own rows and columns. */
export function frame(className = "w-frame") {
  const node = el("span", { class: className });
  const put = ({ row, column, rows, columns, height, width }) => {
    Object.assign(node.style, {
      top: `${(100 * row) / height}%`,
      left: `${(100 * column) / width}%`,
      height: `${(100 * rows) / height}%`,
      width: `${(100 * columns) / width}%`,
    });
  };
  return { node, put };
}

/** Squares with a number in each. `update(values, style)` fills them; style is "grey" (0 to 9) or "signed". */
export function squares(height, width, className = "") {
  const cells = Array.from({ length: height * width }, () => el("span", {}));
  const grid = el(
    "div",
    { class: `w-squares ${className}`, style: `--columns: ${width}`, "aria-hidden": "true" },
    ...cells,
  );
  return { node: el("div", { class: "w-stage" }, grid), grid, cells };
}

/** Fill a square as a picture's pixel, from black (0) to white (9). */
export function asPixel(cell, value) {
  const grey = Math.round((255 * value) / 9);
  cell.textContent = value;
  cell.style.background = `rgb(${grey} ${grey} ${grey})`;
  cell.style.color = grey < 118 ? "#fff" : "#000";
}

/** Fill a square with a number: orange above zero, blue below, the stronger the further away. */
export function asSigned(cell, value, most) {
  const share = most ? Math.min(1, Math.abs(value) / most) : 0;
  cell.textContent = short(value);
  cell.style.background = `rgb(${value < 0 ? "30 110 235" : "245 124 0"} / ${(0.38 * share).toFixed(3)})`;
}

/** A number in few characters, with a real minus sign. */
export function short(value) {
  const rounded = Math.abs(value) < 10 ? Math.round(value * 100) / 100 : Math.round(value * 10) / 10;
  return String(rounded === 0 ? 0 : rounded).replace("-", "−");
}
