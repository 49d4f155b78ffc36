// The freeze ladder of VGG16: what trains, how long an epoch takes, and what the linter says.
import { check, choice, controls, el, figure, said } from "./parts/dom.js";
import { json } from "./parts/data.js";
import { isKorean, words } from "./parts/words.js";

const number = (value) => value.toLocaleString("en");

export async function build() {
  const t = words("freeze");
  const ladder = await json("freeze.json");
  const state = { place: 1, head: "trained", rate: "0.00001", compiled: true };
  const most = Math.max(...ladder.stages.map(({ parameters }) => parameters));
  const name = `w-ladder-${Math.random().toString(36).slice(2)}`;

  const rungs = ladder.stages.map((stage, place) => {
    const input = el("input", { type: "radio", name, checked: place === state.place });
    input.addEventListener("change", () => {
      state.place = place;
      show();
    });
    const fill = el("span", { class: "w-fill", style: `width: ${(100 * stage.parameters) / most}%` });
    const status = el("span", { class: "w-status" });
    const label = el("span", { class: "w-name" }, t("upFrom", { stage: stage.name }));
    const row = el(
      "label",
      { class: "w-rung" },
      input,
      label,
      el("span", { class: "w-track" }, fill),
      el("span", { class: "w-figure" }, number(stage.parameters)),
      status,
    );
    return { row, status };
  });
  const trainable = said("w-strong");
  const minutes = said();
  const findings = el("div", { class: "w-findings", "aria-live": "polite" });

  const set = (key) => (value) => {
    state[key] = value;
    show();
  };
  const head = choice(
    t("head"),
    [
      ["trained", t("trained")],
      ["new", t("new")],
    ],
    state.head,
    set("head"),
  );
  const rates = [
    ["0.001", "0.001"],
    ["0.00001", "0.00001"],
  ];
  const rate = choice(t("rate"), rates, state.rate, set("rate"));
  const compiled = check(t("compiled"), true, set("compiled"));

  function finding({ code, stops, message }) {
    const kind = t(stops ? "stops" : "warning");
    const ours = isKorean() ? [el("p", {}, t(code))] : [];
    const theirs = el("p", { lang: "en", class: "w-code" }, message);
    return el(
      "div",
      { class: stops ? "w-finding w-stops" : "w-finding" },
      el("p", {}, el("b", {}, `${kind}: ${code}`)),
      ...ours,
      theirs,
    );
  }

  function show() {
    const stage = ladder.stages[state.place].name;
    let sum = 0;
    rungs.forEach(({ row, status }, place) => {
      const trains = place <= state.place;
      if (trains) sum += ladder.stages[place].parameters;
      row.classList.toggle("w-frozen", !trains);
      status.textContent = t(trains ? "trains" : "frozen");
    });
    const share = ((100 * sum) / ladder.parameters).toFixed(1);
    trainable.textContent = t("sum", { number: number(sum), all: number(ladder.parameters), share });
    const measured = ladder.minutes[stage];
    const values = measured && {
      plain: measured.plain.toFixed(1),
      kept: (60 * measured.bfloat16).toFixed(1),
      cores: ladder.cores,
    };
    minutes.textContent = measured ? t("minutes", values) : t("unmeasured");
    const found = ladder.findings[`${stage} ${state.head} ${state.rate} ${state.compiled ? "again" : "before"}`];
    findings.replaceChildren(...(found.length ? found.map(finding) : [el("p", {}, t("clean"))]));
  }

  show();
  return figure(
    t("title"),
    el("fieldset", { class: "w-ladder" }, el("legend", {}, t("choose")), ...rungs.map(({ row }) => row)),
    trainable,
    minutes,
    controls(head.node, rate.node, compiled.node),
    el("p", { class: "w-caption" }, t("linter")),
    findings,
  );
}
