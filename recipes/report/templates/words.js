  const facts = {{ facts|tojson }};
  const preferred = (navigator.languages || [navigator.language]).map((tag) => tag.slice(0, 2)).find((tag) => tag in facts.words);
  const language = facts.language || preferred || "en", words = facts.words[language];
  const byId = (id) => document.getElementById(id);
  const filled = (word, values) => words[word].replace(/\{(\w+)\}/g, (whole, name) => values[name]);
  document.documentElement.lang = language;
  document.title = words.title;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  byId("progress")?.setAttribute("aria-label", words.title);
