// Augmentation dials on a photograph: each view is drawn anew within what the dials allow.
import { button, check, controls, el, figure, slider } from "./parts/dom.js";
import { pixels } from "./parts/data.js";
import { words } from "./parts/words.js";

const VIEWS = 8;
const NOTHING = { flip: false, rotation: 0, zoom: 0, shift: 0, contrast: 0 };

/** A coordinate outside 0 to length - 1, reflected at the edge. */
function reflected(value, length) {
  const turn = 2 * length;
  const inside = ((value % turn) + turn) % turn;
  return Math.min(length - 1, Math.max(0, inside >= length ? turn - inside - 1 : inside));
}

/**
 * One view of an image, as the recipes compute it: one resampling around the centre, then contrast.
 * `image` is { width, height, data } with four bytes a pixel; `drawn` is { mirror, turn, zoom, right, down, contrast }:
 * turn in radians, zoom and contrast as shares, shifts in whole pixels.
 */
export function view({ width, height, data }, { mirror, turn, zoom, right, down, contrast }) {
  const out = new Uint8ClampedArray(data.length);
  const flip = mirror ? -1 : 1;
  const scale = 1 + zoom;
  const [xx, xy] = [scale * Math.cos(turn) * flip, -scale * Math.sin(turn)];
  const [yx, yy] = [scale * Math.sin(turn) * flip, scale * Math.cos(turn)];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const [x0, y0] = [middleX - xx * middleX - xy * middleY + right, middleY - yx * middleX - yy * middleY + down];
  const values = new Float32Array(3 * width * height);
  const sums = [0, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sourceX = reflected(xx * x + xy * y + x0, width);
      const sourceY = reflected(yx * x + yy * y + y0, height);
      const [left, top] = [Math.floor(sourceX), Math.floor(sourceY)];
      const [shareX, shareY] = [sourceX - left, sourceY - top];
      const [nextX, nextY] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)];
      for (let channel = 0; channel < 3; channel++) {
        const at = (row, column) => data[4 * (row * width + column) + channel];
        const upper = at(top, left) * (1 - shareX) + at(top, nextX) * shareX;
        const lower = at(nextY, left) * (1 - shareX) + at(nextY, nextX) * shareX;
        const value = upper * (1 - shareY) + lower * shareY;
        values[3 * (y * width + x) + channel] = value;
        sums[channel] += value;
      }
    }
  const means = sums.map((sum) => sum / (width * height));
  for (let place = 0; place < width * height; place++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = values[3 * place + channel];
      out[4 * place + channel] = means[channel] + (value - means[channel]) * (1 + contrast);
    }
    out[4 * place + 3] = 255;
  }
  return new ImageData(out, width, height);
}

export async function build() {
  const t = words("augment");
  const photo = await pixels("photograph.jpg");
  const dials = { ...NOTHING, flip: true, rotation: 0.05, zoom: 0.2 };
  const canvases = Array.from({ length: VIEWS + 1 }, () =>
    el("canvas", { width: photo.width, height: photo.height, "aria-hidden": "true" }),
  );
  canvases[0].getContext("2d").putImageData(photo, 0, 0);
  const setting = el("code", {});
  const between = () => 2 * Math.random() - 1;
  let draws = [];

  const draw = () => {
    draws = Array.from({ length: VIEWS }, () => Array.from({ length: 6 }, between));
    show();
  };

  function show() {
    draws.forEach(([mirror, turn, zoom, right, down, contrast], place) => {
      const drawn = {
        mirror: dials.flip && mirror < 0,
        turn: turn * dials.rotation * 2 * Math.PI,
        zoom: zoom * dials.zoom,
        right: Math.round(right * dials.shift * photo.width),
        down: Math.round(down * dials.shift * photo.height),
        contrast: contrast * dials.contrast,
      };
      canvases[place + 1].getContext("2d").putImageData(view(photo, drawn), 0, 0);
    });
    const used = Object.entries(dials).filter(([, value]) => value);
    const said = used.map(([name, value]) => `${name}=${value === true ? "True" : value}`);
    setting.textContent = `Augment(${said.join(", ")})`;
  }

  const dial = (name, max, step) => {
    const set = (value) => {
      dials[name] = value;
      show();
    };
    return slider(t(name), { min: 0, max, step, value: dials[name], show: (value) => value.toFixed(2) }, set);
  };
  const sliders = {
    rotation: dial("rotation", 0.5, 0.01),
    zoom: dial("zoom", 0.5, 0.01),
    shift: dial("shift", 0.5, 0.01),
    contrast: dial("contrast", 0.9, 0.05),
  };
  const flip = check(t("flip"), dials.flip, (value) => {
    dials.flip = value;
    show();
  });
  const none = button(t("none"), () => {
    Object.assign(dials, NOTHING);
    flip.input.checked = false;
    Object.values(sliders).forEach(({ set }) => set(0));
    show();
  });

  draw();
  const names = [t("original"), ...Array.from({ length: VIEWS }, (_, place) => t("view", { number: place + 1 }))];
  const shown = canvases.map((canvas, place) =>
    el("figure", { class: "w-view" }, canvas, el("figcaption", {}, names[place])),
  );
  return figure(
    t("title"),
    controls(flip.node, ...Object.values(sliders).map(({ node }) => node)),
    controls(button(t("again"), draw), none),
    el("div", { class: "w-views" }, ...shown),
    el("p", { class: "w-formula" }, setting),
    el("p", { class: "w-note" }, t("credit")),
  );
}
