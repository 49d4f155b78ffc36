// The largest value of each window, or the mean, and what remains of them when the picture is shifted.
import { choice, clamp, column, controls, el, figure, said, slider, surface } from "./parts/dom.js";
import { pool2d } from "./parts/forward.js";
import { asPixel, asSigned, frame, short, squares } from "./parts/paint.js";
import { NAMES, SIDE, picture } from "./parts/pictures.js";
import { words } from "./parts/words.js";

const REACH = 2;

/** A picture moved down and to the right; what comes in is zero. */
export function shifted(pixels, down, right) {
  return Float32Array.from(pixels, (_, place) => {
    const [row, column] = [Math.floor(place / SIDE) - down, (place % SIDE) - right];
    return row >= 0 && row < SIDE && column >= 0 && column < SIDE ? pixels[row * SIDE + column] : 0;
  });
}

/** Both kinds of pooling of 64 values. */
export function compute(pixels, size, stride = size) {
  const image = { height: SIDE, width: SIDE, channels: 1, data: pixels };
  return { max: pool2d(image, size, stride, "max"), mean: pool2d(image, size, stride, "mean") };
}

const changed = (one, other) => one.filter((value, place) => value !== other[place]).length;

export function build() {
  const t = words("pooling");
  const state = { name: "seven", size: 2, down: 0, right: 0, row: 0, column: 0 };
  const input = squares(SIDE, SIDE, "w-small");
  const mark = frame();
  input.node.append(mark.node);
  const places = { max: el("div"), mean: el("div") };
  let drawn;
  const window_ = said();
  const kept = said();

  const set =
    (name, read = Number) =>
    (value) => {
      state[name] = read(value);
      show();
    };
  const picked = choice(
    t("picture"),
    NAMES.map((name) => [name, t(name)]),
    state.name,
    set("name", String),
  );
  const size = choice(
    t("window"),
    [
      [2, "2 × 2"],
      [4, "4 × 4"],
    ],
    2,
    set("size"),
  );
  const right = slider(t("right"), { min: -REACH, max: REACH, value: 0, show: short }, set("right"));
  const down = slider(t("down"), { min: -REACH, max: REACH, value: 0, show: short }, set("down"));

  function outputs(side) {
    if (drawn?.side === side) return drawn;
    drawn = { side };
    for (const kind of ["max", "mean"]) {
      const grid = squares(side, side);
      const here = frame();
      grid.node.append(here.node);
      places[kind].replaceChildren(grid.node);
      drawn[kind] = { ...grid, here };
    }
    return drawn;
  }

  function show() {
    const plain = picture(state.name);
    const moved = shifted(plain, state.down, state.right);
    const [before, after] = [compute(plain, state.size), compute(moved, state.size)];
    const side = after.max.height;
    state.row = Math.min(state.row, side - 1);
    state.column = Math.min(state.column, side - 1);
    input.cells.forEach((cell, place) => asPixel(cell, moved[place]));
    const { size: rows } = state;
    mark.put({ row: state.row * rows, column: state.column * rows, rows, columns: rows, height: SIDE, width: SIDE });
    for (const kind of ["max", "mean"]) {
      const { cells, here } = outputs(side)[kind];
      cells.forEach((cell, place) => asSigned(cell, after[kind].data[place], 9));
      here.put({ row: state.row, column: state.column, rows: 1, columns: 1, height: side, width: side });
    }
    const place = state.row * side + state.column;
    const values = { max: short(after.max.data[place]), mean: short(after.mean.data[place]) };
    window_.textContent = t("here", { row: state.row + 1, column: state.column + 1, ...values });
    const count = { pixels: changed(plain, moved), max: changed(before.max.data, after.max.data), of: side * side };
    kept.textContent = t("kept", { ...count, mean: changed(before.mean.data, after.mean.data), all: SIDE * SIDE });
  }

  const shift = (rows, columns) => {
    state.down = clamp(state.down + rows, -REACH, REACH);
    state.right = clamp(state.right + columns, -REACH, REACH);
    down.set(state.down);
    right.set(state.right);
    show();
  };
  const choose = (row, column) => {
    const last = SIDE / state.size - 1;
    [state.row, state.column] = [clamp(row, 0, last), clamp(column, 0, last)];
    show();
  };
  const pointed = (x, y) => choose(Math.floor((y * SIDE) / state.size), Math.floor((x * SIDE) / state.size));
  const among = (rows, columns) => choose(state.row + rows, state.column + columns);
  const [first, second] = ["max", "mean"].map((kind) =>
    surface(t(kind), places[kind], { moved: among, pointed, hover: true }),
  );

  show();
  return figure(
    t("title"),
    controls(picked.node, size.node, right.node, down.node),
    el(
      "div",
      { class: "w-columns" },
      column(t("input"), surface(t("shift"), input.node, { moved: shift, pointed })),
      column(t("max"), first),
      column(t("mean"), second),
    ),
    window_,
    kept,
  );
}
