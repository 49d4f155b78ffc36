// Inside fashion_cnn: its feature maps, what one value of them depends on, and what a shift of the picture changes.
import { bars, clamp, column, controls, el, figure, radios, said, slider, surface } from "./parts/dom.js";
import { network, pictures } from "./parts/data.js";
import { forward, reach } from "./parts/forward.js";
import { canvas, channel, frame, paint, short, thumbnail } from "./parts/paint.js";
import { className, words } from "./parts/words.js";

const SIDE = 28;
const REACH = 8;
const SHOE = "Sneaker";

/** A picture moved down and to the right; what comes in is black. */
export function shifted(pixels, down, right) {
  return Float32Array.from(pixels, (_, place) => {
    const [row, column] = [Math.floor(place / SIDE) - down, (place % SIDE) - right];
    return row >= 0 && row < SIDE && column >= 0 && column < SIDE ? pixels[row * SIDE + column] : 0;
  });
}

/** The map with the largest sum: many others are nearly black. */
function busiest({ channels, data }) {
  const sums = new Float32Array(channels);
  data.forEach((value, place) => (sums[place % channels] += value));
  return sums.indexOf(Math.max(...sums));
}

export async function build() {
  const t = words("network");
  const [cnn, clothes] = await Promise.all([network("fashion_cnn"), pictures("fashion_mnist")]);
  const names = clothes.classes.map(className);
  const some = clothes.all.slice(0, clothes.classes.length);
  const state = { picture: some.findIndex(({ label }) => clothes.classes[label] === SHOE), down: 0, right: 0 };
  Object.assign(state, { layer: "conv1", map: 0, row: 14, column: 14 });
  let outputs;

  const image = canvas(SIDE, SIDE);
  const field = frame();
  const imageStage = el("div", { class: "w-stage w-map-size" }, image, field.node);
  const here = frame();
  const mapStage = el("div", { class: "w-stage w-map-size" });
  const mapCaption = el("p", { class: "w-caption" });
  const maps = el("div");
  let mapCanvas;
  let small = [];
  const answer = bars(names, t("answers"));
  const line = said();

  const layerOf = () => outputs.find(({ name }) => name === state.layer);

  function compute() {
    outputs = forward(cnn, shifted(some[state.picture].pixels, state.down, state.right));
    show();
  }

  function listMaps() {
    const { height, width, channels } = layerOf();
    small = Array.from({ length: channels }, () => canvas(height, width, "w-thumbnail"));
    const options = small.map((drawn, place) => [place, drawn, t("map", { number: place + 1 })]);
    const choose = (place) => {
      state.map = place;
      show();
    };
    maps.replaceChildren(
      radios(
        t("maps", { layer: state.layer, channels, height, width }),
        options,
        state.map,
        choose,
        "w-pictures w-tight",
      ).node,
    );
    mapCanvas = canvas(height, width);
    mapStage.replaceChildren(mapCanvas, here.node);
  }

  function show() {
    const layer = layerOf();
    const { height, width, channels } = layer;
    if (small.length !== channels || mapCanvas.height !== height) listMaps();
    state.row = Math.min(state.row, height - 1);
    state.column = Math.min(state.column, width - 1);
    paint(image, shifted(some[state.picture].pixels, state.down, state.right), 0, 255);
    const most = 0.6 * layer.data.reduce((high, value) => Math.max(high, value), 0); // Few values are near the largest.
    small.forEach((drawn, place) => paint(drawn, channel(layer, place), 0, most));
    const values = channel(layer, state.map);
    paint(mapCanvas, values, 0, most);
    here.put({ row: state.row, column: state.column, rows: 1, columns: 1, height, width });

    const [top, bottom] = reach(cnn, state.layer, state.row);
    const [left, right] = reach(cnn, state.layer, state.column);
    const cut = (place) => clamp(place, 0, SIDE - 1);
    const box = {
      row: cut(top),
      column: cut(left),
      rows: cut(bottom) - cut(top) + 1,
      columns: cut(right) - cut(left) + 1,
    };
    field.put({ ...box, height: SIDE, width: SIDE });
    mapCaption.textContent = t("map", { number: state.map + 1 });
    line.textContent = t("value", {
      layer: state.layer,
      map: state.map + 1,
      row: state.row + 1,
      column: state.column + 1,
      value: short(values[state.row * width + state.column]),
      side: bottom - top + 1,
      top: cut(top) + 1,
      bottom: cut(bottom) + 1,
      left: cut(left) + 1,
      right: cut(right) + 1,
    });
    answer.update(Array.from(outputs.at(-1).data));
  }

  const shiftTo = (down, right) => {
    state.down = clamp(down, -REACH, REACH);
    state.right = clamp(right, -REACH, REACH);
    downwards.set(state.down);
    sideways.set(state.right);
    compute();
  };
  const range = { min: -REACH, max: REACH, value: 0, show: short };
  const sideways = slider(t("right"), range, (value) => shiftTo(state.down, value));
  const downwards = slider(t("down"), range, (value) => shiftTo(value, state.right));
  let start;
  const drag = (x, y, type) => {
    const [row, column] = [Math.floor(y * SIDE), Math.floor(x * SIDE)];
    if (type === "pointerdown") start = { row: row - state.down, column: column - state.right };
    else if (start) shiftTo(row - start.row, column - start.column);
  };
  const chooseValue = (row, column) => {
    const { height, width } = layerOf();
    [state.row, state.column] = [clamp(row, 0, height - 1), clamp(column, 0, width - 1)];
    show();
  };
  const pointMap = (x, y) => chooseValue(Math.floor(y * layerOf().height), Math.floor(x * layerOf().width));

  const options = some.map(({ pixels, label }, place) => [place, thumbnail(pixels), names[label]]);
  const chosen = radios(
    t("choose"),
    options,
    state.picture,
    (place) => {
      state.picture = place;
      shiftTo(0, 0);
    },
    "w-pictures",
  );
  const layers = cnn.layers.filter(({ side }) => side).map(({ name }) => [name, name]);
  const layer = radios(t("layer"), layers, state.layer, (name) => {
    state.layer = name;
    state.map = busiest(outputs.find((one) => one.name === name));
    const centre = outputs.find((one) => one.name === name).height >> 1;
    [state.row, state.column] = [centre, centre];
    show();
    listMaps();
    show();
  });

  const left = surface(t("drag"), imageStage, {
    moved: (rows, columns) => shiftTo(state.down + rows, state.right + columns),
    pointed: drag,
  });
  const right = surface(t("point"), mapStage, {
    moved: (rows, columns) => chooseValue(state.row + rows, state.column + columns),
    pointed: pointMap,
  });
  left.classList.add("w-draggable");
  outputs = forward(cnn, some[state.picture].pixels);
  state.map = busiest(layerOf());
  compute();
  return figure(
    t("title"),
    chosen.node,
    controls(sideways.node, downwards.node),
    layer.node,
    el(
      "div",
      { class: "w-columns" },
      column(t("input"), left),
      el("div", { class: "w-column" }, mapCaption, right),
      el("div", { class: "w-column w-answers" }, el("p", { class: "w-caption" }, t("answers")), answer.node),
    ),
    line,
    maps,
  );
}
