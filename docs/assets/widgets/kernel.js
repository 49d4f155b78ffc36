// Slide a 3 x 3 kernel over a small picture: nine products, and their sum.
import { clamp, button, check, choice, column, controls, el, figure, said, slider, surface } from "./parts/dom.js";
import { along, conv2d, relu } from "./parts/forward.js";
import { asPixel, asSigned, frame, short, squares } from "./parts/paint.js";
import { NAMES, SIDE, picture } from "./parts/pictures.js";
import { words } from "./parts/words.js";

const KERNELS = {
  vertical: [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  horizontal: [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
  blur: Array(9).fill(0.1),
  same: [0, 0, 0, 0, 1, 0, 0, 0, 0],
};
const EDGE = 1; // Room for a row of zeros around the picture.
const WIDE = SIDE + 2 * EDGE;

/** The feature map of a setting: what the squares show. */
export function compute({ pixels, kernel, bias, stride, padding, rectify }) {
  const image = { height: SIDE, width: SIDE, channels: 1, data: pixels };
  const map = conv2d(image, kernel, [bias], { stride, padding });
  return rectify ? relu(map) : map;
}

export function build() {
  const t = words("kernel");
  const state = { pixels: picture("seven"), kernel: [...KERNELS.vertical], bias: 0, stride: 1, padding: "valid" };
  Object.assign(state, { rectify: false, row: 0, column: 0, channels: 1, filters: 1 });

  const input = squares(WIDE, WIDE, "w-small");
  const mark = frame();
  input.node.append(mark.node);
  const products = squares(3, 3, "w-wide");
  const sum = said();
  const size = el("p", { class: "w-formula" });
  const parameters = el("p", { class: "w-formula" });
  const outputPlace = el("div");
  let output;

  const weights = state.kernel.map((value, place) => {
    const label = t("weight", { row: Math.floor(place / 3) + 1, column: (place % 3) + 1 });
    const set = (event) => {
      state.kernel[place] = Number(event.target.value) || 0;
      preset.input.value = "own";
      show();
    };
    return el("input", { type: "number", step: "any", value, "aria-label": label, oninput: set });
  });

  const preset = choice(
    t("kernel"),
    [...Object.keys(KERNELS), "own"].map((name) => [name, t(name)]),
    "vertical",
    (name) => {
      if (KERNELS[name]) state.kernel = [...KERNELS[name]];
      state.kernel.forEach((value, place) => (weights[place].value = value));
      show();
    },
  );
  const picked = choice(
    t("picture"),
    NAMES.map((name) => [name, t(name)]),
    "seven",
    (name) => {
      state.pixels = picture(name);
      show();
    },
  );
  const set =
    (name, read = (value) => value) =>
    (value) => {
      state[name] = read(value);
      show();
    };
  const padding = choice(
    t("padding"),
    [
      ["valid", "valid"],
      ["same", "same"],
    ],
    "valid",
    set("padding"),
  );
  const stride = choice(
    t("stride"),
    [1, 2, 3].map((n) => [n, String(n)]),
    1,
    set("stride", Number),
  );
  const bias = slider(t("bias"), { min: -20, max: 20, value: 0, show: short }, set("bias"));
  const rectify = check("ReLU", false, set("rectify"));
  const counts = [1, 3, 32, 64].map((n) => [n, String(n)]);
  const channels = choice(t("channels"), counts, 1, set("channels", Number));
  const filters = choice(t("filters"), counts, 1, set("filters", Number));

  const moveTo = (row, column) => {
    const { out } = along(SIDE, 3, state.stride, state.padding);
    state.row = clamp(row, 0, out - 1);
    state.column = clamp(column, 0, out - 1);
    show();
  };
  const step = () => {
    const { out } = along(SIDE, 3, state.stride, state.padding);
    const next = (state.row * out + state.column + 1) % (out * out);
    moveTo(Math.floor(next / out), next % out);
  };
  let timer;
  const play = button(t("play"), () => {
    const running = timer;
    clearInterval(timer);
    timer = running ? undefined : setInterval(step, 500);
    sum.setAttribute("aria-live", running ? "polite" : "off"); // Twice a second is too much to read aloud.
    play.textContent = t(running ? "play" : "stop");
  });

  function show() {
    const { out, before } = along(SIDE, 3, state.stride, state.padding);
    state.row = Math.min(state.row, out - 1);
    state.column = Math.min(state.column, out - 1);
    const at = (row, column) => {
      const inside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
      return inside ? state.pixels[row * SIDE + column] : 0;
    };
    input.node.classList.toggle("w-ringless", state.padding === "valid");
    input.cells.forEach((cell, place) => {
      const [row, column] = [Math.floor(place / WIDE) - EDGE, (place % WIDE) - EDGE];
      const inside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
      const top = state.stride * (out - 1) - before + 2;
      const padded =
        !inside && state.padding === "same" && Math.min(row, column) >= -before && Math.max(row, column) <= top;
      cell.className = inside ? "" : padded ? "w-padding" : "w-outside";
      if (inside) asPixel(cell, at(row, column));
      else cell.textContent = padded ? "0" : "";
    });
    const [row, column] = [state.row * state.stride - before, state.column * state.stride - before];
    mark.put({ row: row + EDGE, column: column + EDGE, rows: 3, columns: 3, height: WIDE, width: WIDE });

    const terms = state.kernel.map((weight, place) => {
      const value = at(row + Math.floor(place / 3), column + (place % 3));
      asSigned(products.cells[place], value * weight, 18);
      products.cells[place].textContent = `${short(value)} × ${short(weight)} = ${short(value * weight)}`;
      return value * weight;
    });
    const total = terms.reduce((all, term) => all + term, 0);
    const value = total + state.bias;
    const chain = `${short(total)} + ${short(state.bias)} = ${short(value)}`;
    const rectified = state.rectify ? `, ReLU: ${short(Math.max(0, value))}` : "";
    sum.textContent = t("sum", { row: state.row + 1, column: state.column + 1 }) + chain + rectified;

    showMap(compute(state), out);
    const spare = state.padding === "valid" ? 0 : Math.max(0, (out - 1) * state.stride + 3 - SIDE);
    size.textContent = t("size", { spare, stride: state.stride, out, side: SIDE });
    const number = 9 * state.channels * state.filters + state.filters;
    const values = { channels: state.channels, filters: state.filters, number: number.toLocaleString("en") };
    parameters.textContent = t("parameters", values);
  }

  function showMap(map, out) {
    if (!output || output.side !== out) {
      const drawn = squares(out, out);
      const here = frame();
      drawn.node.append(here.node);
      output = { side: out, ...drawn, here };
      outputPlace.replaceChildren(drawn.node);
    }
    const most = Math.max(...map.data.map(Math.abs));
    output.cells.forEach((cell, place) => asSigned(cell, map.data[place], most));
    output.here.put({ row: state.row, column: state.column, rows: 1, columns: 1, height: out, width: out });
  }

  const pointer = (scale) => (x, y) => {
    const { out, before } = along(SIDE, 3, state.stride, state.padding);
    if (scale === "output") moveTo(Math.floor(y * out), Math.floor(x * out));
    else {
      const to = (share) => Math.round((Math.floor(share * WIDE) - EDGE - 1 + before) / state.stride);
      moveTo(to(y), to(x));
    }
  };
  const moved = (rows, columns) => moveTo(state.row + rows, state.column + columns);
  const left = surface(t("move"), input.node, { moved, pointed: pointer("input") });
  const right = surface(t("moveOutput"), outputPlace, { moved, pointed: pointer("output"), hover: true });

  show();
  return figure(
    t("title"),
    controls(picked.node, preset.node, padding.node, stride.node, bias.node, rectify.node),
    el(
      "div",
      { class: "w-columns" },
      column(t("picture"), left),
      el(
        "div",
        { class: "w-column" },
        el("p", { class: "w-caption" }, t("kernel")),
        el("div", { class: "w-weights", role: "group", "aria-label": t("kernel") }, ...weights),
        el("p", { class: "w-caption" }, t("products")),
        products.node,
      ),
      column(t("map"), right),
    ),
    sum,
    controls(play, button(t("step"), step)),
    size,
    controls(channels.node, filters.node),
    parameters,
  );
}
