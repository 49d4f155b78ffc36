// fashion_cnn answers in the browser: choose a picture, see the ten probabilities.
import { bars, el, figure, radios, said } from "./parts/dom.js";
import { network, pictures } from "./parts/data.js";
import { forward } from "./parts/forward.js";
import { thumbnail } from "./parts/paint.js";
import { className, words } from "./parts/words.js";

export async function build() {
  const t = words("home");
  const [cnn, clothes] = await Promise.all([network("fashion_cnn"), pictures("fashion_mnist")]);
  const names = clothes.classes.map(className);
  const answer = bars(names, t("answers"));
  const verdict = said();

  function show(place) {
    const { pixels, label } = clothes.all[place];
    const start = performance.now();
    const probabilities = Array.from(forward(cnn, pixels).at(-1).data);
    const milliseconds = performance.now() - start;
    answer.update(probabilities);
    const top = probabilities.indexOf(Math.max(...probabilities));
    const values = { said: names[top], truth: names[label], ms: milliseconds.toFixed(1) };
    verdict.textContent = t(top === label ? "right" : "wrong", values);
  }

  const options = clothes.all.map(({ pixels, label }, place) => [
    place,
    thumbnail(pixels),
    t("picture", { name: names[label], number: place + 1 }),
  ]);
  const chosen = radios(t("choose"), options, 0, show, "w-pictures");
  forward(cnn, clothes.all[0].pixels); // The first pass compiles the code, and would be timed with it.
  show(0);
  const accuracy = (100 * cnn.test_accuracy).toFixed(1);
  const about = t("about", {
    parameters: cnn.parameters.toLocaleString("en"),
    accuracy,
    images: cnn.test_images.toLocaleString("en"),
  });
  return figure(
    t("title"),
    el("div", { class: "w-columns w-sides" }, chosen.node, el("div", { class: "w-answers" }, answer.node)),
    verdict,
    el("p", { class: "w-note" }, about),
  );
}
