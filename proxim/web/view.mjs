// What a person sees. Everything that comes from elsewhere is set as text, never as HTML.
// Must never be here: sockets, links, files' bytes.

import { save, shown } from "./saving.mjs";

const STEPS = ["loaded", "asked", "approved", "connecting", "connected"];
const SHOWN_AT_ONCE = 200; // names in a question; the others are counted
const MAX_TEXTS = 200;
const KILO = 1000;

const $ = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export class View {
  constructor(texts) {
    this.page = texts.page;
    this.reasons = texts.reasons;
    this.language = texts.language;
    this.rows = new Map();
    this.reached = 0; // the last rung that was passed
    document.documentElement.lang = texts.language;
    for (const element of document.querySelectorAll("[data-t]")) element.textContent = this.page[element.dataset.t];
  }

  say(key, values = {}) {
    return this.page[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  clean(text, most) {
    return shown(text, most);
  }

  /** The program's sentence for a reason; the host's own where it knows more reasons than we. */
  sentence(reason, said) {
    return this.reasons[reason] ?? (said ? shown(said, 300) : this.reasons.host_error);
  }

  size(bytes) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let unit = 0;
    for (; bytes >= KILO - 0.5 && unit < units.length - 1; unit++) bytes /= KILO;
    const digits = unit && bytes < 99.95 ? 1 : 0;
    const style = { style: "unit", unit: units[unit], unitDisplay: unit ? "short" : "long", minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(this.language, style).format(bytes);
  }

  time(seconds) {
    const minutes = seconds >= 60;
    const style = { style: "unit", unit: minutes ? "minute" : "second", unitDisplay: "short" };
    return new Intl.NumberFormat(this.language, style).format(Math.ceil(minutes ? seconds / 60 : seconds));
  }

  // --- the ladder --------------------------------------------------------------------------------------------------

  ladder(state, name, mayAsk) {
    const rung = { dialling: 1, asked: 1, approved: 3, waiting: 3, connected: 5 }[state.step];
    this.reached = rung ?? this.reached;
    const failed = state.step === "ended" && !state.quiet;
    [...$("ladder").children].forEach((item, index) => {
      const now = index === this.reached;
      item.className = index < this.reached ? "done" : !now ? "" : failed ? "failed" : "now";
      if (now) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const seconds = state.until ? Math.max(0, Math.ceil((state.until - Date.now()) / 1000)) : 0;
    const words = {
      none: () => this.say("scan"),
      dialling: () => this.say("reaching"),
      asked: () => (seconds ? this.say("lookThere", { seconds }) : this.say("waitingAnswer")),
      approved: () => this.say("opening"),
      connected: () => this.say("linkedWith", { name }),
      waiting: () => this.say("reconnecting", { seconds }),
      ended: () => (this.reached === STEPS.length ? this.say("justEnded") : ""),
    };
    $("status").textContent = words[state.step]();
    $("problem").hidden = state.step !== "ended";
    if (state.step === "ended") $("problem").textContent = this.sentence(state.reason, state.said);
    $("again").hidden = !(state.step === "ended" && mayAsk);
    $("ladder").hidden = state.step === "connected"; // all of it is passed: room for what the link is for
    $("linked").hidden = state.step !== "connected";
    $("leave").hidden = !["dialling", "asked", "approved", "connected", "waiting"].includes(state.step);
    $("badge").hidden = state.step === "none";
    $("badge").textContent = this.say(state.verified ? "verified" : "unverified");
    $("badge").classList.toggle("amber", !state.verified);
  }

  // --- text --------------------------------------------------------------------------------------------------------

  text(who, text) {
    const body = make("p", { className: "text", dir: "auto", textContent: text });
    const copy = make("button", { type: "button", textContent: this.say("copy") });
    copy.onclick = () => {
      copy.textContent = this.say(copyOf(text, body) ? "copied" : "copyByHand");
    };
    $("texts").prepend(make("li", {}, make("span", { className: "small", textContent: who }), body, copy));
    while ($("texts").children.length > MAX_TEXTS) $("texts").lastChild.remove();
    $("texts-box").hidden = false;
  }

  // --- files -------------------------------------------------------------------------------------------------------

  /** Draw one transfer as it is now. */
  transfer(one, name) {
    if (one.state === "arriving") return;
    let row = this.rows.get(one);
    if (!row) this.rows.set(one, (row = this.row(one, name)));
    if (one.state === "asked" && !row.question) $("questions").append((row.question = this.question(one, name)));
    if (one.state !== "asked") {
      row.question?.remove();
      row.question = null;
      if (!row.item.isConnected) $("transfers").prepend(row.item);
      $("transfers-box").hidden = false;
    }
    row.bar.max = one.size || 1;
    row.bar.value = one.state === "done" ? row.bar.max : one.moved;
    row.bar.hidden = one.over;
    row.cancel.hidden = one.over;
    row.words.textContent = this.words(one);
    for (const file of (one.saved ?? []).slice(row.saved.children.length)) {
      const anchor = make("a", { className: "button", href: file.url, download: file.name, textContent: this.say("save", { name: file.name }) });
      row.saved.append(make("li", {}, anchor));
      save(file);
    }
  }

  row(one) {
    const title = make("b", { textContent: this.title(one) });
    const bar = make("progress");
    bar.setAttribute("aria-label", title.textContent);
    const cancel = make("button", { type: "button", textContent: this.say("cancel"), onclick: () => one.cancel() });
    const words = make("p", { className: "small" });
    const saved = make("ul");
    const arrow = one.direction === "in" ? "↓ " : "↑ ";
    return { item: make("li", {}, arrow, title, bar, words, saved, cancel), bar, cancel, words, saved, question: null };
  }

  title({ entries }) {
    const first = shown(entries[0]?.path.split("/")[0] ?? "") || "?";
    return entries.length > 1 ? `${first} (${this.count(entries)})` : first;
  }

  count(entries) {
    const count = entries.filter((entry) => !entry.directory).length;
    return count === 1 ? this.say("oneFile") : this.say("manyFiles", { count });
  }

  words(one) {
    if (one.state === "done") return this.say(one.direction === "in" ? "allSaved" : "arrived");
    if (one.over) return this.sentence(one.reason, null);
    const parts = [this.say("progress", { moved: this.size(one.moved), size: this.size(one.size) })];
    if (one.state === "announced") parts.unshift(this.say("waitingAccept"));
    if (one.state === "ready") parts.unshift(this.say("ready"));
    if (one.state === "waiting") parts.unshift(this.say(one.missing ? "chooseAgain" : "paused"));
    if (one.speed > 0) parts.push(`${this.size(one.speed)}/s`, this.say("left", { time: this.time((one.size - one.moved) / one.speed) }));
    return parts.join(" · ");
  }

  question(one, name) {
    const count = this.count(one.entries);
    const names = one.entries.slice(0, SHOWN_AT_ONCE).map(({ path, size, directory }) => make("li", { textContent: `${shown(path) || "?"}${directory ? "/" : ` · ${this.size(size)}`}` }));
    const more = one.entries.length - names.length;
    if (more > 0) names.push(make("li", { textContent: this.say("moreFiles", { count: more }) }));
    return make(
      "section", { className: "question" },
      make("p", { textContent: this.say("wants", { name, count, size: this.size(one.size) }) }),
      make("ul", { className: "names", tabIndex: 0 }, ...names),
      make(
        "div", { className: "buttons" },
        make("button", { type: "button", className: "main", textContent: this.say("accept"), onclick: () => one.accept() }),
        make("button", { type: "button", textContent: this.say("decline"), onclick: () => one.decline() }),
      ),
    );
  }
}

/** Copy without the clipboard API, which an http page lacks; else leave it selected for the person's own hand. */
function copyOf(text, shownIn) {
  const area = make("textarea", { value: text, readOnly: true });
  document.body.append(area);
  area.select();
  area.setSelectionRange(0, text.length); // iOS selects nothing else in a read-only field
  const done = document.execCommand("copy");
  area.remove();
  if (!done) getSelection().selectAllChildren(shownIn);
  return done;
}
