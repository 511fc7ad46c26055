// The app: it connects the session, the transfers and the view.

import { browserName, device, firstRequest, invitation, randomID, stored } from "./ask.mjs";
import { utf8 } from "./crypto.mjs";
import { TransferStore, shown } from "./saving.mjs";
import { MAY_RETRY, Session } from "./session.mjs";
import { Transfers } from "./transfers.mjs";
import { $, View } from "./view.mjs";

const MAX_NAME = 40;
const MAX_NAME_BYTES = 64;
// Timers draw the transfers, as a hidden tab gets no animation frames.
const DRAW_MS = 250;
const GOES_ON = invitation?.method === "resume";

const kept = new TransferStore(stored("session", "tab", (GOES_ON && stored("session", "tab")) || randomID()));
let view, session, transfers, link;
let state = { step: "none" };

async function begin(request) {
	transfers = new Transfers(draw, kept);
	session = new Session(invitation, { ...device }, request, onStep, linked);
	if (GOES_ON) await transfers.restore();
	await session.start();
}

function onStep(now) {
	state = now;
	if (now.step === "waiting") transfers.linkDown();
	if (now.step === "ended") transfers.end(now.reason);
	show();
}

function linked(opened, lost) {
	link = opened;
	kept.forgetOthers();
	link.on = {
		files: transfers,
		text: (text) => text && view.text(hostName(), text),
		greeted: () => {
			if (opened.features.includes("files")) transfers.linkUp(opened);
			show();
		},
		closed: lost,
	};
}

const hostName = () => shown(link?.peerName ?? "", MAX_NAME) || view.tr("otherDevice");

function show() {
	view.steps(state, Boolean(invitation?.secret), hostName(), !link && MAY_RETRY.includes(state.reason));
}

const changed = new Set();
let drawing = 0;
function draw(one) {
	changed.add(one);
	drawing ||= setTimeout(redraw);
}

function redraw() {
	drawing = changed.size && setTimeout(redraw, DRAW_MS);
	for (const one of changed) view.transfer(one, hostName());
	changed.clear();
	keepAwake(transfers.moving);
}

// The wake lock exists only in secure contexts (W3C Screen Wake Lock, 5).
let lock = null;
async function keepAwake(wanted) {
	if (!wanted) lock?.release();
	else if (lock?.released !== false) lock = await navigator.wakeLock?.request("screen").catch(() => null);
}

for (const input of [$("files"), $("camera"), $("folder")]) {
	input.onchange = () => {
		const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
		if (files.length) transfers.send(files);
		input.value = "";
	};
}
// The pickers of phones offer files, but no folders.
$("folder").parentElement.hidden = /Android|iPhone|iPad/.test(navigator.userAgent);

$("say").onsubmit = (event) => {
	event.preventDefault();
	const text = $("text").value;
	if (!text) return;
	const sent = link.sendText(text);
	view.set("problem", !sent && view.sentence("text_too_long"));
	if (!sent) return;
	view.text(view.tr("you"), text);
	$("text").value = "";
};

$("text").oninput = () => view.set("problem");

$("rename").onsubmit = (event) => {
	event.preventDefault();
	let name = shown($("name").value, MAX_NAME);
	while (utf8(name).length > MAX_NAME_BYTES) name = name.replace(/.$/u, "");
	stored("local", "name", name);
	$("name").value = device.name = name || browserName();
	if (state.step === "asked") {
		session.leave();
		begin();
	} else $("renamed").textContent = view.tr("renamed");
};

$("again").onclick = () => begin();
$("leave").onclick = () => {
	// A transfer that is not cancelled would wait for its peer.
	for (const one of transfers.alive.reverse()) one.cancel();
	session.leave();
};
// iOS Safari has no beforeunload (ctrl.blog/entry/safari-beacon-issues.html): there the page closes without a question,
// and what is kept goes on when it is loaded again.
addEventListener("beforeunload", (event) => (transfers?.moving || view?.saving) && event.preventDefault());
// The person has opened another invitation in this tab.
addEventListener("hashchange", () => location.reload());
for (const event of ["online", "pageshow", "visibilitychange"]) addEventListener(event, () => document.hidden || session?.wake());
setInterval(() => state.until && show(), 500);

try {
	view = new View(await (await fetch("texts.json")).json());
	$("name").value = device.name;
	$("main").inert = false;
	show();
	if (invitation) begin(firstRequest);
	else kept.forgetOthers();
} catch {
	$("status").textContent = "Proxim does not answer any more. Load this page again.";
}
