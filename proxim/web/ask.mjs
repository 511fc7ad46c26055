// Runs first: reads the invitation, sends the request. Never here: imports, and what the answer means.

const SHARE_BYTES = 32;
const SESSION = /^[\w-]{1,64}$/;
const SECRET = /^[\w-]{21}[AQgw]$/;
const PATIENCE_MS = 1_000;
const BROKEN = [1002, 1007, 1009]; // no frame, no UTF-8, too large

/** Why something ended: a word of the program's table, or what the host said. */
export const failure = (reason, said) => Object.assign(new Error(reason), { reason, said });

/** A message, or {} where it is none. */
export function parse(data) {
	try {
		return JSON.parse(data) ?? {};
	} catch {
		return {};
	}
}

export function toBase64url(bytes) {
	const text = btoa(String.fromCharCode(...bytes));
	return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export const randomID = (length) => toBase64url(crypto.getRandomValues(new Uint8Array(length)));

/** What the browser remembers; with a value, that from now on. Private windows of some forbid it: null. */
export function remembered(storage, key, value) {
	try {
		if (value !== undefined) globalThis[storage].setItem(key, value);
		return globalThis[storage].getItem(key);
	} catch {
		return null;
	}
}

/** A signaling socket that asks as soon as it is open. */
export class PairRequest {
	share = crypto.getRandomValues(new Uint8Array(SHARE_BYTES));
	messages = [];
	strange = "host_error"; // what it is where the host says what no host says; after a proof, "tampered"
	wake = () => undefined;

	constructor({ method, session }, device) {
		this.sessionID = session;
		const auth = method && { v: 1, m: method, y: toBase64url(this.share) };
		this.socket = globalThis.dialled || new WebSocket(`ws://${location.host}/ws`);
		globalThis.dialled = null;
		this.opened = new Promise((resolve) => {
			this.socket.onopen = resolve;
			if (this.socket.readyState === WebSocket.OPEN) resolve();
		}).then(() => {
			this.send({ type: "pair_request", deviceInfo: device, auth });
			this.arrived({ type: "opened", sessionID: session });
		});
		this.socket.onmessage = ({ data }) => {
			this.heard = true;
			this.arrived(parse(data));
		};
		this.socket.onclose = ({ code }) => this.fail(BROKEN.includes(code) ? this.strange : this.heard ? "host_gone" : "no_answer");
	}

	send(message) {
		this.socket.send(JSON.stringify({ sessionID: this.sessionID, ...message }));
	}

	arrived(message) {
		if (message.type === "error") this.fail(String(message.code), String(message.message));
		else if (message.type === "session_ended") this.fail(String(message.reason));
		else this.messages.push(message);
		this.wake();
	}

	fail(reason, said) {
		this.end ??= failure(reason, said);
		this.wake();
	}

	/** The next message, of one of those types. Throws a failure, `late` after that time. */
	async next(milliseconds, late, ...types) {
		const timer = setTimeout(() => this.fail(late), milliseconds);
		while (!this.messages.length && !this.end) await new Promise((resolve) => (this.wake = resolve));
		clearTimeout(timer);
		const message = this.messages.shift();
		if (!message) throw this.end;
		if (!types.includes(message.type) || message.sessionID !== this.sessionID) throw failure(this.strange);
		return message;
	}

	close(code) {
		this.socket.onclose = this.socket.onmessage = null;
		this.messages = [];
		this.fail("disconnected");
		this.socket.close(code);
	}
}

/** "Chrome on Android"; in this order, as browsers also name those that they resemble. */
export function browserName({ userAgent, maxTouchPoints } = navigator) {
	const first = (table) => Object.keys(table).find((name) => table[name].test(userAgent));
	const iPad = maxTouchPoints > 1 ? /iPad|Mac/ : /iPad/;
	const system = first({ Android: /Android/, iPhone: /iPhone/, iPad, Mac: /Mac/, Windows: /Windows/, ChromeOS: /CrOS/, Linux: /Linux/ });
	const browser = first({ Edge: /Edg/, "Samsung Internet": /SamsungB/, Opera: /OPR|OPT/, Firefox: /Firefox|FxiOS/, Chrome: /Chrome|CriOS/, Safari: /Safari/ });
	return [browser ?? "Browser", system].filter(Boolean).join(" on ");
}

/** What a QR's fragment holds, or null. */
function readInvitation(fragment) {
	const { s: session = "", k: secret } = Object.fromEntries(new URLSearchParams(fragment.slice(1)));
	if (!SESSION.test(session)) return null;
	if (secret === undefined) return { session };
	return SECRET.test(secret) ? { method: "psk", session, secret } : null;
}

export const device = {
	name: remembered("localStorage", "proxim-name") || browserName(),
	id: remembered("localStorage", "proxim-device") ?? randomID(16),
};
/** {method, session, secret} of the QR, or what this tab had before it was loaded again; or null. */
export const invitation = location.hash ? readInvitation(location.hash) : JSON.parse(remembered("sessionStorage", "proxim-session"));
export const firstRequest = invitation && new PairRequest(invitation, { ...device });

history.replaceState(null, "", location.pathname); // nor in the history
remembered("localStorage", "proxim-device", device.id);
remembered("sessionStorage", "proxim-session", JSON.stringify(invitation));

// Earlier, it would hold the request up. What a poor network has not let through is asked for again.
const loadRest = () => import("./app.mjs").catch((error) => error instanceof SyntaxError || setTimeout(() => location.reload(), PATIENCE_MS));
firstRequest?.opened.then(loadRest);
setTimeout(loadRest, firstRequest ? PATIENCE_MS : 0);
