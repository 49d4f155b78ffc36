// Elements of the page: every control is a native one, with its label.
let made = 0;

/** An element with attributes (those that begin with "on" are listeners) and children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** The frame of a figure: its title, and what is in it. */
export function figure(title, ...children) {
  return el("section", { class: "w", "aria-label": title }, el("p", { class: "w-title" }, title), ...children);
}

/** Controls in a row that breaks on a narrow screen. */
export const controls = (...children) => el("div", { class: "w-controls" }, ...children);

/** A column with a caption above what it shows. */
export const column = (caption, ...children) =>
  el("div", { class: "w-column" }, el("p", { class: "w-caption" }, caption), ...children);

/** A line that is read aloud when it changes. */
export const said = (className = "") => el("p", { class: `w-said ${className}`, "aria-live": "polite" });

/** A slider with its value beside it; `set` moves it without a call of `changed`. */
export function slider(label, { min, max, step = 1, value, show = String }, changed) {
  const output = el("output", {}, show(value));
  const input = el("input", { type: "range", min, max, step, value });
  input.addEventListener("input", () => {
    output.textContent = show(Number(input.value));
    changed(Number(input.value));
  });
  const node = el("label", { class: "w-slider" }, el("span", {}, label), input, output);
  const set = (to) => {
    input.value = to;
    output.textContent = show(to);
  };
  return { node, input, set };
}

/** A list to choose from: options are [value, text]. */
export function choice(label, options, value, changed) {
  const input = el("select", {}, ...options.map(([key, text]) => el("option", { value: key }, text)));
  input.value = value;
  input.addEventListener("change", () => changed(input.value));
  return { node: el("label", { class: "w-choice" }, el("span", {}, label), input), input };
}

export function check(label, value, changed) {
  const input = el("input", { type: "checkbox", checked: value });
  input.addEventListener("change", () => changed(input.checked));
  return { node: el("label", { class: "w-check" }, input, el("span", {}, label)), input };
}

export const button = (text, pressed) => el("button", { type: "button", class: "w-button", onclick: pressed }, text);

/** Radio buttons: options are [value, what is shown, its name for screen readers where it is a picture]. */
export function radios(legend, options, value, changed, className = "") {
  const name = `w-radio-${(made += 1)}`;
  const labels = options.map(([key, shown, spoken]) => {
    const input = el("input", { type: "radio", name, value: key, checked: key === value, "aria-label": spoken });
    input.addEventListener("change", () => changed(key));
    return el("label", {}, input, typeof shown === "string" ? el("span", {}, shown) : shown);
  });
  const node = el("fieldset", { class: `w-radios ${className}` }, el("legend", {}, legend), ...labels);
  const set = (to) => {
    for (const input of node.querySelectorAll("input")) input.checked = input.value === String(to);
  };
  return { node, set };
}

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** A surface that arrow keys and the pointer move something on: `moved(rows, columns)`, `pointed(x, y)` as shares. */
export function surface(label, content, { moved, pointed, hover = false }) {
  const node = el("div", { class: "w-surface", role: "application", tabindex: "0", "aria-label": label }, content);
  node.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    moved(...step);
  });
  const tell = (event) => {
    const box = content.getBoundingClientRect();
    pointed((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, event.type);
  };
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    tell(event);
  });
  node.addEventListener("pointermove", (event) => {
    if (hover || event.buttons) tell(event);
  });
  return node;
}

/** A bar for each answer, the largest marked. `update(values)` moves them. */
export function bars(names, label, className = "") {
  const rows = names.map((name) => {
    const fill = el("span", { class: "w-fill" });
    const figure = el("span", { class: "w-figure" });
    const row = el("li", {}, el("span", { class: "w-name" }, name), el("span", { class: "w-track" }, fill), figure);
    return { row, fill, figure };
  });
  const node = el("ul", { class: `w-bars ${className}`, "aria-label": label }, ...rows.map(({ row }) => row));
  const update = (values) => {
    const most = Math.max(...values);
    const top = most > 0 ? values.indexOf(most) : -1;
    rows.forEach(({ row, fill, figure }, place) => {
      fill.style.width = `${100 * values[place]}%`;
      figure.textContent = `${(100 * values[place]).toFixed(1)}%`;
      row.classList.toggle("w-top", place === top);
    });
  };
  return { node, update };
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
