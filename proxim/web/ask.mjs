// The first module to run: it reads the invitation and asks the host. It imports nothing, so that the request goes out
// at once; session.mjs handles the answer.

const SHARE_BYTES = 32;
const SESSION = /^[\w-]{1,64}$/;
const SECRET = /^[\w-]{21}[AQgw]$/;
const PATIENCE_MS = 1_000;
// These WebSocket close codes mean a broken frame, no UTF-8, and a message that is too large.
const BROKEN = [1002, 1007, 1009];

export const failure = (reason, said) => Object.assign(new Error(reason), { reason, said });

export function parse(data) {
	try {
		return JSON.parse(data) ?? {};
	} catch {
		return {};
	}
}

export const toBase64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

export const randomID = () => toBase64url(crypto.getRandomValues(new Uint8Array(16)));

/** Return the stored value of `key`, after storing `value` if it is given; null if a private window forbids storage. */
export function stored(storage, key, value) {
	try {
		const items = globalThis[`${storage}Storage`];
		if (value !== undefined) items.setItem(`proxim-${key}`, value);
		return items.getItem(`proxim-${key}`);
	} catch {
		return null;
	}
}

export class PairRequest {
	share = crypto.getRandomValues(new Uint8Array(SHARE_BYTES));
	messages = [];
	// This is the failure for a message that no host sends; after a proof it is "tampered".
	unreadableReason = "host_error";
	wake() {}

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
			this.answered = true;
			this.arrived(parse(data));
		};
		this.socket.onclose = ({ code }) => this.fail(BROKEN.includes(code) ? this.unreadableReason : this.answered ? "host_gone" : "no_answer");
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

	/** Return the next message. Throws a failure: `late` if none arrives within `ms` milliseconds. */
	async next(ms, late, ...types) {
		const timer = setTimeout(() => this.fail(late), ms);
		while (!this.messages.length && !this.end) await new Promise((resolve) => (this.wake = resolve));
		clearTimeout(timer);
		const message = this.messages.shift();
		if (!message) throw this.end;
		if (!types.includes(message.type) || message.sessionID !== this.sessionID) throw failure(this.unreadableReason);
		return message;
	}

	close(code) {
		this.socket.onclose = this.socket.onmessage = null;
		this.messages = [];
		this.fail("disconnected");
		this.socket.close(code);
	}
}

/** Return a name such as "Chrome on Android". The order matters, as browsers also name those that they resemble. */
export function browserName({ userAgent, maxTouchPoints } = navigator) {
	const first = (names) => names.split(",").map((one) => one.split("=")).find(([mark]) => userAgent.includes(mark))?.pop();
	const browser = first("Edg=Edge,SamsungB=Samsung Internet,OPR=Opera,OPT=Opera,Firefox,FxiOS=Firefox,Chrome,CriOS=Chrome,Safari");
	const system = first("Android,iPhone,iPad,Mac,Windows,CrOS=ChromeOS,Linux");
	return [browser ?? "Browser", system === "Mac" && maxTouchPoints > 1 ? "iPad" : (system ?? [])].flat().join(" on ");
}

function readInvitation(fragment) {
	const { s: session = "", k: secret } = Object.fromEntries(new URLSearchParams(fragment.slice(1)));
	if (!SESSION.test(session)) return null;
	if (secret === undefined) return { session };
	return SECRET.test(secret) ? { method: "psk", session, secret } : null;
}

export const device = {
	name: stored("local", "name") || browserName(),
	id: stored("local", "device") ?? randomID(),
};
/** {method, session, secret}: from the QR, or kept by this tab for when the page is loaded again; or null. */
export const invitation = location.hash ? readInvitation(location.hash) : JSON.parse(stored("session", "session"));
export const firstRequest = invitation && new PairRequest(invitation, { ...device });

// The secret must not stay in the address or in the history.
history.replaceState(null, "", location.pathname);
stored("local", "device", device.id);
stored("session", "session", JSON.stringify(invitation));

// Loading the other modules earlier would delay the request. If a poor network fails to load them, the page is loaded
// again.
const loadRest = () => import("./app.mjs").catch((error) => error instanceof SyntaxError || setTimeout(() => location.reload(), PATIENCE_MS));
firstRequest?.opened.then(loadRest);
setTimeout(loadRest, firstRequest ? PATIENCE_MS : 0);
