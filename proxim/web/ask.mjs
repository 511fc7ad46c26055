// The first that runs, and all that asking needs: reads the invitation, dials, and sends the request. The rest of the page
// is loaded while the host answers. Must never be here: imports, and what the answer means (signaling.mjs).

const PATIENCE_MS = 1_000; // then the rest is loaded, asked or not
const SHARE_BYTES = 32;
const SECRET = /^[\w-]{21}[AQgw]$/; // 128 bits in base64url, in their one spelling

/** Why something ended: a word of the program's table; `said` is the host's own sentence for a word that we do not know. */
export class Failure extends Error {
	constructor(reason, said = null) {
		super(reason);
		Object.assign(this, { reason, said });
	}
}

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

// --- what this browser remembers, where it may: private windows of some forbid it -----------------------------------------

export function recall(storage, key) {
	try {
		return globalThis[storage].getItem(key);
	} catch {
		return null;
	}
}

export function remember(storage, key, value) {
	try {
		if (value === null) globalThis[storage].removeItem(key);
		else globalThis[storage].setItem(key, value);
	} catch {
		// then it is a new device next time, and loading the page again is an end
	}
}

// --- one request ----------------------------------------------------------------------------------------------------------

/** A signaling socket that asks as soon as it is open. What comes is awaited message by message. */
export class Request {
	constructor({ method, session }, device) {
		this.sessionID = session;
		this.share = crypto.getRandomValues(new Uint8Array(SHARE_BYTES));
		const auth = method ? { v: 1, m: method, y: toBase64url(this.share) } : undefined;
		this.messages = [];
		this.wake = () => undefined;
		this.socket = new WebSocket(`ws://${location.host}/ws`);
		this.socket.onopen = () => {
			this.send({ type: "pair_request", deviceInfo: device, auth });
			this.arrived({ type: "opened" });
		};
		this.socket.onmessage = ({ data }) => this.arrived(parse(data));
		this.socket.onclose = () => this.fail(this.heard ? "host_gone" : "no_answer");
	}

	send(message) {
		if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ sessionID: this.sessionID, ...message }));
	}

	arrived(message) {
		this.heard ||= message.type !== "opened";
		if (message.type === "error") this.fail(String(message.code), String(message.message));
		else if (message.type === "session_ended") this.fail(String(message.reason));
		else this.messages.push(message);
		this.wake();
	}

	fail(reason, said) {
		this.end ??= new Failure(reason, said);
		this.wake();
	}

	/** The next message, if it is of one of those types. Throws Failure; `late` is its reason when the time is over. */
	async next(milliseconds, late, ...types) {
		const timer = setTimeout(() => this.fail(late), milliseconds);
		while (!this.messages.length && !this.end) await new Promise((resolve) => (this.wake = resolve));
		clearTimeout(timer);
		if (!this.messages.length) throw this.end;
		const message = this.messages.shift();
		if (!types.includes(message.type)) throw new Failure("host_error");
		return message;
	}

	close() {
		this.socket.onclose = this.socket.onmessage = null;
		this.messages = [];
		this.fail("disconnected");
		this.socket.close(1000);
	}
}

// --- the first request ----------------------------------------------------------------------------------------------------

/** "Chrome on Android". The order matters: most browsers name those that they resemble, too. */
export function browserName({ userAgent, maxTouchPoints } = navigator) {
	const first = (table) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
	const browser = first([[/Edg/, "Edge"], [/SamsungBrowser/, "Samsung Internet"], [/OPR|OPT\//, "Opera"], [/FxiOS|Firefox/, "Firefox"], [/CriOS|Chrome/, "Chrome"], [/Safari/, "Safari"]]);
	const system = first([[/Android/, "Android"], [/iPhone|iPod/, "iPhone"], [/iPad/, "iPad"], [/Macintosh/, maxTouchPoints > 1 ? "iPad" : "Mac"], [/Windows/, "Windows"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"]]);
	return `${browser ?? "Browser"}${system ? ` on ${system}` : ""}`;
}

/** What a QR's fragment holds, or null. */
function readInvitation(fragment) {
	const fields = new URLSearchParams(fragment.slice(1));
	const [[session = "", ...more], [secret, ...others]] = [fields.getAll("s"), fields.getAll("k")];
	if (!/^[\w-]{1,64}$/.test(session) || more.length || others.length) return null;
	if (secret === undefined) return { session };
	return SECRET.test(secret) ? { method: "psk", session, secret } : null;
}

export const device = {
	name: recall("localStorage", "proxim-name") || browserName(),
	id: recall("localStorage", "proxim-device") ?? randomID(16),
};
/** {method, session, secret}: of the QR, or what this tab holds from before it was loaded again; null without either. */
export const invitation = readInvitation(location.hash) ?? JSON.parse(recall("sessionStorage", "proxim-session"));
export const firstRequest = invitation && new Request(invitation, { ...device });

history.replaceState(null, "", location.pathname); // out of sight, and of the history that others may see
remember("localStorage", "proxim-device", device.id);

// The rest comes afterwards: what is loaded at the same time holds the request up.
const rest = () => import("./app.mjs");
for (const event of ["open", "close"]) firstRequest?.socket.addEventListener(event, rest);
setTimeout(rest, firstRequest ? PATIENCE_MS : 0);
