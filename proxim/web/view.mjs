// What a person sees. Everything that comes from elsewhere is set as text, never as HTML.
// Must never be here: sockets, links, files' bytes.

import { save, shown } from "./saving.mjs";

const RUNGS = { dialling: 1, asked: 1, approved: 3, waiting: 3, connected: 5 };
const STATUS = { none: "scan", dialling: "reaching", asked: "lookThere", approved: "opening", connected: "linkedWith", waiting: "reconnecting" };
const PROGRESS = { announced: "waitingAccept", ready: "ready", waiting: "paused" };
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const KILO = 1000;
const SHOWN_AT_ONCE = 200; // names in a question; the others are counted
const MAX_TEXTS = 200;

export const $ = (id) => document.getElementById(id);

function make(tag, properties) {
	return Object.assign(document.createElement(tag), properties);
}

export class View {
	constructor({ page, reasons, language }) {
		Object.assign(this, { page, reasons, language });
		this.rows = new Map(); // of each transfer: {item, question}
		this.reached = 0; // the last rung that was passed
		document.documentElement.lang = language;
		this.fill(document);
	}

	fill(root) {
		for (const element of root.querySelectorAll("[data-t]")) element.textContent = this.page[element.dataset.t];
	}

	/** A new one of a template, with its parts by selectors. */
	copy(id, ...selectors) {
		const item = $(id).content.firstElementChild.cloneNode(true);
		this.fill(item);
		return [item, ...selectors.map((one) => item.querySelector(one))];
	}

	say(key, values = {}) {
		return this.page[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
	}

	/** The program's sentence for a reason; the host's own where it knows more reasons than we. */
	sentence(reason, said) {
		return this.reasons[reason] ?? (said ? shown(said, 300) : this.reasons.host_error);
	}

	amount(value, unit, digits = 0, unitDisplay = "short") {
		const style = { style: "unit", unit, unitDisplay, minimumFractionDigits: digits, maximumFractionDigits: digits };
		return new Intl.NumberFormat(this.language, style).format(value);
	}

	size(bytes) {
		let unit = 0;
		for (; bytes >= KILO - 0.5 && unit < UNITS.length - 1; unit++) bytes /= KILO;
		return this.amount(bytes, UNITS[unit], unit && bytes < 99.95 ? 1 : 0, unit ? "short" : "long");
	}

	time(seconds) {
		return seconds < 60 ? this.amount(Math.ceil(seconds), "second") : this.amount(Math.ceil(seconds / 60), "minute");
	}

	// --- the ladder --------------------------------------------------------------------------------------------------

	ladder({ step, until, reason, said, verified }, name, mayAsk) {
		const ended = step === "ended";
		this.reached = RUNGS[step] ?? this.reached;
		[...$("ladder").children].forEach((item, index) => {
			const now = index === this.reached;
			item.className = index < this.reached ? "done" : !now ? "" : ended ? "failed" : "now";
			item.setAttribute("aria-current", now ? "step" : "false");
		});
		const seconds = until ? Math.max(0, Math.ceil((until - Date.now()) / 1000)) : 0;
		let key = step === "asked" && !seconds ? "waitingAnswer" : STATUS[step];
		if (ended && this.reached === RUNGS.connected) key = "justEnded";
		$("status").textContent = key ? this.say(key, { name, seconds }) : "";
		$("problem").textContent = ended ? this.sentence(reason, said) : "";
		$("problem").hidden = !ended;
		$("again").hidden = !(ended && mayAsk);
		$("ladder").hidden = step === "connected"; // all of it is passed: room for what the link is for
		$("linked").hidden = step !== "connected";
		$("leave").hidden = !RUNGS[step];
		$("badge").hidden = step === "none";
		$("badge").textContent = this.say(verified ? "verified" : "unverified");
		$("badge").classList.toggle("amber", !verified);
	}

	// --- text --------------------------------------------------------------------------------------------------------

	text(who, text) {
		const [item, from, body, button] = this.copy("message", "span", "p", "button");
		from.textContent = who;
		body.textContent = text;
		button.onclick = () => (button.textContent = this.say(copied(text, body) ? "copied" : "copyByHand"));
		$("texts").prepend(item);
		if ($("texts").children.length > MAX_TEXTS) $("texts").lastChild.remove();
		$("texts").parentElement.hidden = false;
	}

	// --- files -------------------------------------------------------------------------------------------------------

	/** Draw one transfer as it is now; `name` is the other side's. */
	transfer(one, name) {
		if (one.state === "arriving") return;
		const row = this.rows.get(one) ?? {};
		this.rows.set(one, row);
		if (one.state === "asked") {
			row.question ??= this.question(one, name);
			return;
		}
		row.question?.remove();
		row.question = null;
		row.item ??= this.row(one);
		const [bar, words, saved, cancel] = row.item.querySelectorAll("progress, p, ul, button");
		bar.max = one.size || 1;
		bar.value = one.moved;
		bar.hidden = cancel.hidden = one.over;
		words.textContent = this.words(one);
		for (const file of one.saved.slice(saved.children.length)) {
			const item = make("li");
			item.append(make("a", { className: "button", href: file.url, download: file.name, textContent: this.say("save", file) }));
			saved.append(item);
			save(file);
		}
	}

	row(one) {
		const [item, title, bar, cancel] = this.copy("transfer", "b", "progress", "button");
		const first = shown(one.entries[0]?.path.split("/")[0] ?? "") || "?";
		const name = one.entries.length > 1 ? `${first} (${this.count(one.entries)})` : first;
		title.textContent = `${one.outgoing ? "↑" : "↓"} ${name}`;
		bar.setAttribute("aria-label", name);
		cancel.onclick = () => one.cancel();
		$("transfers").prepend(item);
		$("transfers").parentElement.hidden = false;
		return item;
	}

	count(entries) {
		const count = entries.filter((entry) => !entry.directory).length;
		return count === 1 ? this.say("oneFile") : this.say("manyFiles", { count });
	}

	words(one) {
		if (one.state === "done") return this.say(one.outgoing ? "arrived" : "allSaved");
		if (one.over) return this.sentence(one.reason);
		const parts = [this.say("progress", { moved: this.size(one.moved), size: this.size(one.size) })];
		const key = one.missing ? "chooseAgain" : PROGRESS[one.state];
		if (key) parts.unshift(this.say(key));
		if (one.speed > 0) parts.push(`${this.size(one.speed)}/s`, this.say("left", { time: this.time((one.size - one.moved) / one.speed) }));
		return parts.join(" · ");
	}

	question(one, name) {
		const [section, words, list, accept, decline] = this.copy("question", "p", "ul", "button", ".main + button");
		words.textContent = this.say("wants", { name, count: this.count(one.entries), size: this.size(one.size) });
		const names = one.entries.slice(0, SHOWN_AT_ONCE).map(({ path, size, directory }) => `${shown(path) || "?"}${directory ? "/" : ` · ${this.size(size)}`}`);
		if (one.entries.length > names.length) names.push(this.say("moreFiles", { count: one.entries.length - names.length }));
		list.append(...names.map((textContent) => make("li", { textContent })));
		accept.onclick = () => one.accept();
		decline.onclick = () => one.decline();
		$("questions").append(section);
		return section;
	}
}

/** Copy without the clipboard API, which an http page lacks; else leave it selected for the person's own hand. */
function copied(text, shownIn) {
	const area = make("textarea", { value: text, readOnly: true });
	document.body.append(area);
	area.select();
	area.setSelectionRange(0, text.length); // iOS selects nothing else in a read-only field
	const done = document.execCommand("copy");
	area.remove();
	if (!done) getSelection().selectAllChildren(shownIn);
	return done;
}
