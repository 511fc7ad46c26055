// What a person sees. All text from others is set as text, never as HTML.

import { shown } from "./saving.mjs";

const STEPS = { dialling: 1, asked: 1, approved: 3, waiting: 3, connected: 5 };
const STATUS = { none: "scan", dialling: "reaching", asked: "lookThere", approved: "opening", connected: "linkedWith", waiting: "reconnecting" };
const PROGRESS = { announced: "waitingAccept", ready: "ready", waiting: "paused" };
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
// A question lists this many names.
const SHOWN_AT_ONCE = 200;
const MAX_TEXTS = 200;
// Chromium drops downloads that are more than 10 a second.
const SAVE_MS = 150;
// A tap in the first milliseconds of a question may be meant for what was there before.
const DEAD_MS = 800;

export const $ = (id) => document.getElementById(id);

const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

export class View {
	rows = new Map();
	reached = 0;
	// This many files have still to be passed to the browser.
	saving = 0;
	saved = Promise.resolve();

	/** `texts` is {page, reasons, language}. */
	constructor(texts) {
		Object.assign(this, texts);
		document.documentElement.lang = this.language;
		this.fill(document);
	}

	fill(root) {
		for (const element of root.querySelectorAll("[data-t]")) element.textContent = this.page[element.dataset.t];
	}

	copy(id, parts) {
		const item = $(id).content.firstElementChild.cloneNode(true);
		this.fill(item);
		return [item, ...item.querySelectorAll(parts)];
	}

	tr(key, values) {
		return this.page[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
	}

	/** Return the sentence for a reason; the host's own sentence if this page does not know the reason. */
	sentence(reason, said) {
		if (Object.hasOwn(this.reasons, reason)) return this.reasons[reason];
		return said ? shown(said, 300) : this.reasons.host_error;
	}

	size(bytes) {
		let unit = 0;
		for (; bytes >= 999.5 && unit < 4; unit++) bytes /= 1000;
		return this.number(bytes, UNITS[unit], bytes < 100 ? 1 : 0, unit ? "short" : "long");
	}

	number(value, unit, maximumFractionDigits = 0, unitDisplay = "short") {
		return new Intl.NumberFormat(this.language, { style: "unit", unit, unitDisplay, maximumFractionDigits }).format(value);
	}

	steps({ step, until, reason, said }, verified, name, mayAsk) {
		const ended = step === "ended";
		this.reached = STEPS[step] ?? this.reached;
		[...$("steps").children].forEach((item, index) => {
			const now = index === this.reached;
			item.className = index < this.reached ? "done" : !now ? "" : ended ? "failed" : "now";
			item.setAttribute("aria-current", now ? "step" : "false");
		});
		const seconds = until ? Math.max(0, Math.ceil((until - Date.now()) / 1000)) : 0;
		let key = step === "asked" && !seconds ? "waitingAnswer" : STATUS[step];
		if (ended && this.reached === STEPS.connected) key = "justEnded";
		// A countdown must not be read out at each change.
		$("status").setAttribute("aria-live", step === this.step ? "off" : "polite");
		this.step = step;
		$("status").textContent = key ? this.tr(key, { name, seconds }) : "";
		this.set("problem", ended && this.sentence(reason, said));
		$("again").hidden = !(ended && mayAsk);
		$("linked").hidden = step !== "connected";
		$("steps").hidden = this.reached === STEPS.connected;
		$("leave").hidden = !STEPS[step];
		this.set("badge", STEPS[step] && this.tr(verified ? "verified" : "unverified"));
		$("badge").classList.toggle("amber", !verified);
	}

	set(id, text) {
		$(id).textContent = text || "";
		$(id).hidden = !text;
	}

	text(who, text) {
		const [item, from, body, button] = this.copy("message", "span, p, button");
		from.textContent = who;
		body.textContent = text;
		button.onclick = () => (button.textContent = this.tr(copied(text, body) ? "copied" : "copyByHand"));
		this.add("texts", item);
		if ($("texts").children.length > MAX_TEXTS) $("texts").lastChild.remove();
	}

	add(list, item) {
		$(list).prepend(item);
		$(list).parentElement.hidden = false;
	}

	transfer(one, name) {
		if (one.state === "arriving") return;
		const asked = one.state === "asked";
		let row = this.rows.get(one);
		if (row?.matches("section") !== asked) {
			const answered = row?.contains(document.activeElement);
			row?.remove();
			row = asked ? this.question(one, name) : this.row(one);
			this.rows.set(one, row);
			if (answered) row.focus();
		}
		if (asked) return;
		const [bar, words, saved, cancel] = row.querySelectorAll("progress, p, ul, button");
		bar.max = one.size || 1;
		bar.value = one.moved;
		bar.hidden = cancel.hidden = one.over;
		// A screen reader reads out how the transfer ended.
		words.setAttribute("aria-live", one.over && !this.saving ? "polite" : "off");
		const said = this.words(one);
		if (words.textContent !== said) words.textContent = said;
		for (const file of one.saved.slice(saved.children.length)) {
			const link = make("a", { className: "button", download: file.name, textContent: this.tr("save", file) });
			saved.appendChild(make("li")).append(link);
			this.save(one, link, file.blob);
		}
	}

	/** Save files one by one. If the click has no effect (mozilla-mobile/firefox-ios#8635), the person taps the link. */
	save(one, link, blob) {
		this.saving++;
		this.saved = this.saved.then(async () => {
			link.href = URL.createObjectURL(blob);
			link.click();
			await new Promise((resolve) => setTimeout(resolve, SAVE_MS));
			this.saving--;
			one.owner.changed(one);
		});
	}

	row(one) {
		const [item, title, bar, cancel] = this.copy("transfer", "b, progress, button");
		const first = shown(one.entries[0]?.path.split("/")[0] ?? "") || "?";
		const others = one.entries.length > 1 ? ` (${this.count(one.entries)})` : "";
		title.textContent = `${one.outgoing ? "↑" : "↓"} ${first}${others}`;
		bar.setAttribute("aria-label", title.textContent);
		cancel.onclick = () => one.cancel();
		this.add("transfers", item);
		return item;
	}

	count(entries) {
		const count = entries.filter((one) => !one.directory).length;
		return this.tr(count === 1 ? "oneFile" : "manyFiles", { count });
	}

	words(one) {
		if (one.state === "done") return this.tr(one.outgoing ? "arrived" : this.saving ? "saving" : "allSaved", { count: this.saving });
		if (one.reason === "declined" && !one.outgoing) return this.tr("declined");
		if (one.over) return this.sentence(one.reason, this.reasons.transfer_failed);
		const key = one.outgoing && !one.files ? "chooseAgain" : PROGRESS[one.state];
		const words = [this.tr("progress", { moved: this.size(one.moved), size: this.size(one.size) })];
		if (key) words.unshift(this.tr(key));
		if (one.speed > 0 && one.state === "active") {
			const seconds = (one.size - one.moved) / one.speed;
			const time = seconds < 60 ? this.number(seconds, "second") : this.number(seconds / 60, "minute");
			words.push(`${this.size(one.speed)}/s`, this.tr("left", { time }));
		}
		return words.join(" · ");
	}

	question(one, name) {
		const [section, words, list, accept, decline] = this.copy("question", "p, ul, button");
		const { entries } = one;
		words.textContent = this.tr("wants", { name, count: this.count(entries), size: this.size(one.size) });
		const names = entries.slice(0, SHOWN_AT_ONCE).map(({ path, size, directory }) => `${shown(path) || "?"}${directory ? "/" : ` · ${this.size(size)}`}`);
		if (entries.length > names.length) names.push(this.tr("moreFiles", { count: entries.length - names.length }));
		list.append(...names.map((textContent) => make("li", { textContent })));
		accept.onclick = () => one.accept();
		decline.onclick = () => one.decline();
		section.inert = true;
		setTimeout(() => (section.inert = false), DEAD_MS);
		$("questions").append(section);
		return section;
	}
}

/** Copy `text`, or select it in `shownIn` and return false. A page over http has no clipboard API. */
function copied(text, shownIn) {
	const area = make("textarea", { value: text, readOnly: true });
	document.body.append(area);
	area.select();
	// iOS needs the selection range as well.
	area.setSelectionRange(0, text.length);
	const done = document.execCommand("copy");
	area.remove();
	if (!done) getSelection().selectAllChildren(shownIn);
	return done;
}
