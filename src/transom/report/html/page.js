"use strict";
// Shows all findings of the island, searched and filtered. Foreign text enters the page as text only: there is no markup
// in this file, and the page's policy lets no string become any. What the filters say stands in the fragment, so that it
// can be linked: #q=web&severity=4,3&window=network&rule=host-pid&namespace=shop&lang=zh-CN&theme=dark
(() => {
  const STEP = 200; // findings drawn at a time: a phone draws these in a blink, and 10,000 never
  const PAPER = 500; // findings that are printed: about 130 pages, and how many match is printed above them
  const WAIT_MS = 120; // between two letters of somebody who types
  const [RULE, SEVERITY, NAMESPACE, REF, CONTAINER, MESSAGE, EXCERPT, FIRST_PLACE] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [FILE, LINE, COLUMN, PATH, SEEN, EXPECTED, PLACE_WIDTH] = [0, 1, 2, 3, 4, 5, 6];
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const island = JSON.parse(byId("island").textContent);
  const { texts, findings, groups } = island;
  const state = { q: "", severity: new Set(), window: "", rule: "", namespace: "", lang: "", theme: "" };
  const selects = ["window", "rule", "namespace"];
  let matching = [];
  let drawn = 0;

  // words: copied from the page, which has them in every language

  function words(id, values = {}) {
    const copy = byId(id).content.cloneNode(true);
    const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      node.data = node.data.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
    }
    return copy;
  }

  function element(name, kind, ...content) {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    made.append(...content);
    return made;
  }

  // what the code made in English, in every language
  function told(number) {
    const said = Object.entries(island.said[number] || {});
    if (!said.length) return [texts[number]];
    return [["en", number], ...said].map(([language, each]) => {
      const made = element("span", "", texts[each]);
      made.lang = language;
      return made;
    });
  }

  const code = (text) => element("code", "", text);

  function ofRule(number, selector) {
    const found = byId(`rule-${number}`).querySelector(selector);
    return found ? [...found.childNodes].map((node) => node.cloneNode(true)) : [];
  }

  // findings

  const owners = [];
  groups.forEach(([text, count], number) => {
    for (let each = 0; each < count; each += 1) owners.push(number);
  });

  const bytes = atob(island.prints);
  function fingerprint(number) {
    let hex = "";
    for (let at = number * 16; at < number * 16 + 16; at += 1) hex += bytes.charCodeAt(at).toString(16).padStart(2, "0");
    return hex;
  }

  const folded = (text) => text.normalize("NFKC").toLowerCase();
  let haystacks = null;
  function searched() {
    if (haystacks) return haystacks;
    const titles = island.rules.map(([id], number) => `${texts[id]} ${byId(`rule-${number}`).querySelector("h3").textContent}`);
    haystacks = findings.map((row, number) => {
      const place = row.slice(FIRST_PLACE, FIRST_PLACE + PLACE_WIDTH);
      const own = [row[REF], row[CONTAINER], row[MESSAGE], ...Object.values(island.said[row[MESSAGE]] || {})].map((each) => texts[each]);
      const where = `${texts[place[FILE]]}:${place[LINE]}`;
      const seen = [PATH, SEEN, EXPECTED].map((column) => texts[place[column]]);
      return folded([texts[groups[owners[number]][0]], titles[row[RULE]], ...own, where, ...seen, fingerprint(number)].join(" "));
    });
    return haystacks;
  }

  function matches() {
    const wanted = folded(state.q).split(/\s+/).filter(Boolean);
    const hay = wanted.length ? searched() : null;
    const found = [];
    findings.forEach((row, number) => {
      const [rule, window] = island.rules[row[RULE]];
      if (state.severity.size && !state.severity.has(row[SEVERITY])) return;
      if (state.window && texts[window] !== state.window) return;
      if (state.rule && texts[rule] !== state.rule) return;
      if (state.namespace && texts[row[NAMESPACE]] !== state.namespace) return;
      if (hay && !wanted.every((word) => hay[number].includes(word))) return;
      found.push(number);
    });
    return found;
  }

  // drawing

  function drawFinding(number) {
    const row = findings[number];
    const [file, line] = row.slice(FIRST_PLACE);
    const severity = element("span", "severity", words(`severity-${row[SEVERITY]}`));
    const summary = element("summary", "", severity, " ", element("span", "title", ...ofRule(row[RULE], "h3")));
    if (row[CONTAINER]) summary.append(" ", element("span", "container", texts[row[CONTAINER]]));
    summary.append(" ", element("span", "place", line ? `${texts[file]}:${line}` : texts[file]));
    const made = element("details", `finding s${row[SEVERITY]}`, summary);
    made.addEventListener("toggle", () => fill(made, number));
    made.fill = () => fill(made, number);
    return made;
  }

  function fill(details, number) {
    if (details.querySelector("dl")) return;
    const row = findings[number];
    const list = element("dl", "");
    const part = (term, ...content) => {
      const made = [element("dt", "", words(`term-${term}`)), element("dd", "", ...content)];
      list.append(...made);
      return made;
    };
    if (row[REF]) part("object", texts[row[REF]]);
    if (row[MESSAGE]) part("message", ...told(row[MESSAGE]));
    const last = FIRST_PLACE + PLACE_WIDTH;
    for (const place of [row.slice(FIRST_PLACE, last), ...(row[last] || [])]) drawPlace(place, part);
    if (row[last + 1]) part("place", words("say-places", { count: row[last + 1] }));
    if (row[EXCERPT] >= 0) part("source", drawSource(island.excerpts[row[EXCERPT]]));
    for (const field of ["why", "fix"]) {
      const told = ofRule(row[RULE], `dd.${field}`);
      if (told.length) part(field, ...told).forEach((each) => each.classList.add("told"));
    }
    part("rule", code(texts[island.rules[row[RULE]][0]]));
    part("print", code(fingerprint(number)));
    details.append(list);
  }

  function drawPlace(place, part) {
    const [file, line, column, path, seen, expected] = place;
    const where = line ? `${texts[file]}:${line}:${column}` : texts[file];
    const shown = [where, texts[path]].filter(Boolean).map(code);
    part("place", ...shown.flatMap((each) => [each, " "]));
    if (seen) part("seen", element("code", "", ...told(seen)));
    if (expected) part("expected", element("code", "", ...told(expected)));
  }

  function drawSource([first, meant, ...lines]) {
    const made = element("pre", "");
    made.tabIndex = 0;
    lines.forEach((line, index) => {
      const content = [element("span", "number", String(first + index)), texts[line]];
      if (first + index === meant) made.append(element("mark", "", ...content), "\n");
      else made.append(...content, "\n");
    });
    return made;
  }

  function draw(most) {
    const list = byId("list");
    if (drawn === 0) list.replaceChildren();
    const end = Math.min(matching.length, drawn + Math.max(most, 0));
    const fresh = document.createDocumentFragment();
    let group = drawn ? list.lastElementChild : null;
    let owner = drawn ? owners[matching[drawn - 1]] : -1;
    for (; drawn < end; drawn += 1) {
      const number = matching[drawn];
      if (owners[number] !== owner) {
        owner = owners[number];
        group = element("div", "owner", element("h3", "", texts[groups[owner][0]]));
        fresh.append(group);
      }
      group.append(drawFinding(number));
    }
    list.append(fresh);
    const left = matching.length - drawn;
    const more = byId("more");
    more.hidden = left === 0;
    more.replaceChildren(words("say-more", { count: Math.min(left, STEP).toLocaleString("en") }));
  }

  function show() {
    matching = matches();
    drawn = 0;
    draw(STEP);
    if (!matching.length) byId("list").append(element("p", "", words("say-nothing")));
    tellCount(matching.length);
  }

  function tellCount(count) {
    const [shown, total] = [count, findings.length].map((each) => each.toLocaleString("en"));
    byId("count").replaceChildren(words("say-count", { shown, total }));
  }

  // language and theme

  const languages = [...document.querySelectorAll("[data-language]")];
  function speak(language) {
    if (!languages.some((each) => each.dataset.language === language)) return;
    root.lang = language;
    for (const each of languages) each.setAttribute("aria-pressed", String(each.dataset.language === language));
    for (const option of document.querySelectorAll("option[value='']")) {
      option.textContent = option.getAttribute(`data-${language.toLowerCase()}`);
    }
  }

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  function paint() {
    const dark = state.theme ? state.theme === "dark" : prefersDark.matches;
    if (state.theme) root.dataset.theme = state.theme;
    byId("theme").setAttribute("aria-pressed", String(dark));
  }

  function kept(name, value) {
    try {
      if (value) localStorage.setItem(`transom-${name}`, value);
      return localStorage.getItem(`transom-${name}`) || "";
    } catch {
      return ""; // a page from a file or a frame may have no store
    }
  }

  // state and its fragment

  function read() {
    const told = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    state.q = told.get("q") || "";
    state.severity = new Set((told.get("severity") || "").split(",").filter(Boolean).map(Number));
    for (const name of selects) state[name] = told.get(name) || "";
    state.lang = told.get("lang") || kept("lang") || state.lang;
    state.theme = told.get("theme") || kept("theme") || state.theme;
    if (state.lang) speak(state.lang);
    paint();
    if (!byId("filters")) return;
    byId("q").value = state.q;
    for (const box of document.querySelectorAll("#severities input")) box.checked = state.severity.has(Number(box.value));
    for (const name of selects) byId(name).value = state[name];
    for (const name of selects) state[name] = byId(name).value; // a choice that there is not filters nothing
  }

  function tell() {
    const told = new URLSearchParams();
    if (state.q) told.set("q", state.q);
    if (state.severity.size) told.set("severity", [...state.severity].join(","));
    for (const name of [...selects, "lang", "theme"]) if (state[name]) told.set(name, state[name]);
    try {
      history.replaceState(null, "", `#${told}`);
    } catch {
      // a sandboxed page may not change its own address
    }
  }

  function filtered() {
    tell();
    show();
  }

  function fillChoices() {
    const present = [...new Set(findings.map((row) => row[SEVERITY]))].sort((a, b) => b - a);
    for (const severity of present) {
      const box = element("input", "");
      box.type = "checkbox";
      box.value = severity;
      byId("severities").append(element("label", `s${severity}`, box, element("span", "", words(`severity-${severity}`))));
    }
    const values = {
      window: island.rules.map(([, window]) => texts[window]),
      rule: island.rules.map(([id]) => texts[id]),
      namespace: findings.map((row) => texts[row[NAMESPACE]]),
    };
    for (const name of selects) {
      for (const value of [...new Set(values[name])].filter(Boolean).sort()) {
        const option = element("option", "", value);
        option.value = value;
        byId(name).append(option);
      }
    }
  }

  function listen() {
    let timer = 0;
    byId("q").addEventListener("input", (event) => {
      state.q = event.target.value;
      clearTimeout(timer);
      timer = setTimeout(filtered, WAIT_MS);
    });
    byId("severities").addEventListener("change", (event) => {
      state.severity[event.target.checked ? "add" : "delete"](Number(event.target.value));
      filtered();
    });
    for (const name of selects) {
      byId(name).addEventListener("change", (event) => {
        state[name] = event.target.value;
        filtered();
      });
    }
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("reset", () => {
      state.q = "";
      state.severity.clear();
      for (const name of selects) state[name] = "";
      filtered();
    });
    byId("more").addEventListener("click", () => {
      const next = drawn;
      draw(STEP);
      const drawnNow = byId("list").querySelectorAll("summary");
      if (drawnNow[next]) drawnNow[next].focus();
    });
  }

  // paper takes what matches, opened
  function openAll() {
    if (byId("filters")) {
      draw(PAPER - drawn);
      tellCount(drawn);
    }
    for (const each of document.querySelectorAll("details")) {
      if (each.fill) each.fill();
      if (!each.open) each.dataset.closed = "";
      each.open = true;
    }
  }

  function closeAgain() {
    for (const each of document.querySelectorAll("details[data-closed]")) {
      each.open = false;
      delete each.dataset.closed;
    }
    if (byId("filters")) tellCount(matching.length);
  }

  for (const each of languages) {
    each.addEventListener("click", () => {
      state.lang = kept("lang", each.dataset.language) || each.dataset.language;
      speak(state.lang);
      tell();
    });
  }
  byId("theme").addEventListener("click", () => {
    const theme = byId("theme").getAttribute("aria-pressed") === "true" ? "light" : "dark";
    state.theme = kept("theme", theme) || theme;
    paint();
    tell();
  });
  prefersDark.addEventListener("change", paint);
  addEventListener("beforeprint", openAll);
  addEventListener("afterprint", closeAgain);
  document.querySelector(".switches").hidden = false;
  speak(root.lang);
  if (byId("filters")) {
    fillChoices();
    speak(root.lang);
    listen();
    byId("filters").hidden = false;
  }
  read();
  if (byId("filters")) show();
  addEventListener("hashchange", () => {
    if (!location.hash.includes("=")) return;
    read();
    if (byId("filters")) show();
  });
})();
