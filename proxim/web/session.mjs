// One session from its invitation to its end: it asks the host, proves itself, opens the link and resumes a lost one.
// Link sends and receives the messages of an open link.

import { PairRequest, failure, parse, stored, toBase64url } from "./ask.mjs";
import { Proof, fromBase64url, utf8 } from "./crypto.mjs";

// These values are those of the program (docs/protocol.md).
const DIAL_MS = 4_000;
const CHALLENGE_MS = 10_000;
// The host asks its person for this long.
const ASK_MS = 40_000;
const ANSWER_MS = 45_000;
const OPEN_MS = 15_000;
// The host keeps the guest's place for this long.
const RESUME_MS = 120_000;
const REDIAL_MS = 2_000;
// The host accepts 16 candidates.
const MAX_CANDIDATES = 14;
// The WebSocket closes with this code for these reasons, as the host cannot see that its messages were changed.
const CLOSE_CODES = { tampered: 4401, host_unproven: 4401 };
const PING_MS = 1_000;
const SILENCE_MS = 4_500;
// If a tick comes this late, the page itself was suspended.
const ASLEEP_MS = 2 * PING_MS;
// If a tick comes this late, the host has given up the link.
const DEAD_MS = 8_000;
const FAREWELL_MS = 500;
// The pattern matches whole code points, so that it never cuts a surrogate pair.
const TEXT_PIECES = /.{1,8192}/gsu;
const LIST_BYTES = 32 * 1024;
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_UNREADABLE = 8;
const BYE_REASONS = ["closed", "expired", "tampered", "peer_error"];
// After a failure for one of these reasons, the next attempt may succeed.
const RETRYABLE = "no_answer host_gone host_error timeout busy ice_failed link_timeout too_many bad_description".split(" ");
/** After an end for one of these reasons, a person may try again. */
export const MAY_RETRY = [...RETRYABLE, "declined", "disconnected", "no_offer"];

export class Session {
	over = false;
	// While resume() waits, this ends its pause: the network or the person is back.
	wake() {}

	/** `pass` is an invitation, or the key of a lost link; `request`, if given, was made with it. */
	constructor(pass, device, request, onStep, linked) {
		Object.assign(this, { pass, device, request, onStep, linked });
	}

	start() {
		if (this.pass.method === "resume") return this.resume("peer_vanished");
		this.keep(this.pass);
		this.show("dialling");
		return this.attempt().catch((error) => this.ended(error));
	}

	leave() {
		this.ended(failure("disconnected"));
		this.request?.close();
		this.link?.close();
		this.wake();
	}

	async attempt() {
		const { method, session, secret } = this.pass;
		const again = method === "resume";
		this.request ??= new PairRequest(this.pass, this.device);
		const proof = secret && new Proof(method, session, this.device, fromBase64url(secret, again ? 32 : 16), this.request.share);
		let next = null;
		let code = 1000;
		try {
			await this.request.next(DIAL_MS, "no_answer", "opened");
			await this.decision(proof, again);
			if (proof) next = { method: "resume", session: proof.resumeName, secret: toBase64url(proof.key("resume")) };
			if (!again) this.show("approved");
			// From now on the host knows the session by this name.
			else this.keep(next);
			this.link = await this.open(proof);
		} catch (error) {
			code = CLOSE_CODES[error.reason] ?? code;
			throw error;
		} finally {
			this.request.close(code);
			this.request = null;
		}
		if (this.over) return this.link.close();
		this.keep(next);
		this.show("connected");
		return this.linked(this.link, (reason, mayResume) => (mayResume && this.pass ? this.resume(reason) : this.ended(failure(reason))));
	}

	async decision(proof, again) {
		let answer = proof && (await this.request.next(CHALLENGE_MS, "host_unproven", "pair_challenge", "pair_result"));
		if (answer?.type === "pair_challenge") {
			const auth = proof.confirm(answer.auth);
			if (!auth) throw failure("host_unproven");
			this.request.send({ type: "pair_confirm", auth });
			this.request.unreadableReason = "tampered";
			answer = null;
		}
		if (!answer) {
			if (!again) this.show("asked", { until: Date.now() + ASK_MS });
			answer = await this.request.next(ANSWER_MS, "no_answer", "pair_result");
		}
		if (answer.status !== "approved") throw failure(String(answer.reason ?? "declined"));
		if (proof && !proof.hostProved("approved", answer.auth)) throw failure("host_unproven");
	}

	async open(proof) {
		// Without camera permission a browser hides its addresses behind `.local` names
		// (draft-ietf-mmusic-mdns-ice-candidates, 3.1), and the host uses the address of our WebSocket instead. Or it offers
		// no address at all (feross/simple-peer#414), and the host learns it from our checks (RFC 8445, 7.3.1.3).
		const peer = new RTCPeerConnection({ iceServers: [] });
		const link = new Link(peer, this.device.name, proof);
		const { request } = this;
		const send = (payload) => request.send({ type: "signal", payload: proof ? proof.seal(payload) : payload });
		let left = MAX_CANDIDATES;
		peer.onicecandidate = ({ candidate: found }) => {
			if (!found?.candidate || found.protocol === "tcp" || left-- <= 0) return;
			const { candidate, sdpMid, sdpMLineIndex } = found;
			send({ candidate, sdpMid, sdpMLineIndex });
		};
		try {
			const opened = new Promise((resolve, reject) => {
				link.control.addEventListener("open", resolve);
				peer.onconnectionstatechange = () => peer.connectionState === "failed" && reject(failure("ice_failed"));
				setTimeout(reject, OPEN_MS, failure("link_timeout"));
			});
			const offer = await peer.createOffer();
			// The offer must be sent before its candidates.
			send({ sdp: offer.sdp, type: "offer" });
			await peer.setLocalDescription(offer);
			await Promise.race([opened, this.answers(peer, proof).then(() => opened)]);
			return link;
		} catch (error) {
			link.drop();
			throw error.reason ? error : failure("bad_description");
		}
	}

	async answers(peer, proof) {
		const { request } = this;
		let answered = false;
		while (!(answered && peer.connectionState === "connected")) {
			const { payload } = await request.next(OPEN_MS, "link_timeout", "signal");
			const readable = typeof (payload?.sdp ?? payload?.candidate) === "string" && !(answered && payload.sdp);
			if (!readable || (proof && !proof.opens(payload))) throw failure(request.unreadableReason);
			if (payload.sdp) {
				answered = true;
				await peer.setRemoteDescription({ type: "answer", sdp: payload.sdp });
			} else if (payload.candidate) {
				await peer.addIceCandidate({ ...payload, sdpMid: payload.sdpMid ?? "0" });
			}
		}
	}

	keep(pass) {
		this.pass = pass;
		stored("session", "session", JSON.stringify(pass));
	}

	/** Redial until RESUME_MS have passed; a tab that was frozen for longer still tries once. */
	async resume(reason) {
		const until = Date.now() + RESUME_MS;
		this.show("waiting", { reason, until });
		while (!this.over) {
			const pause = new Promise((resolve) => setTimeout((this.wake = resolve), REDIAL_MS));
			try {
				return await this.attempt();
			} catch (error) {
				// If the session is gone, the person wants to know what ended the link.
				const gone = error.reason === "unknown_session";
				if (!RETRYABLE.includes(error.reason) || Date.now() >= until) return this.ended(gone ? failure(reason) : error);
			}
			await pause;
		}
		return undefined;
	}

	ended({ reason = "internal", said }) {
		if (this.over) return;
		this.over = true;
		this.keep(null);
		this.show("ended", { reason, said });
	}

	show(step, more) {
		this.onStep({ step, ...more });
	}
}

class Link {
	// The app sets this once the link is open: {text(text), greeted(), closed(reason, mayResume), files}.
	on = null;
	features = [];
	peerName = "";
	over = false;
	text = "";
	textBytes = 0;
	unreadable = 0;

	constructor(peer, name, proof) {
		Object.assign(this, { peer, proof });
		this.control = peer.createDataChannel("control");
		this.control.onopen = () => {
			this.lastReceived = this.ticked = Date.now();
			this.send({ type: "hello", version: 1, features: ["text", "files"], name });
			this.ticking = setInterval(() => this.tick(), PING_MS);
		};
		this.control.onmessage = ({ data }) => this.message(parse(data));
		this.control.onclose = () => this.lost("peer_left", true);
		peer.addEventListener("connectionstatechange", () => peer.connectionState === "failed" && this.lost("peer_vanished", true));
		peer.ondatachannel = ({ channel }) => {
			channel.binaryType = "arraybuffer";
			if (!this.on?.files.stream(channel)) this.send({ type: "unsupported", what: "channel" });
		};
	}

	send(message) {
		if (this.control.readyState === "open") this.control.send(JSON.stringify(message));
	}

	/** Send a list in as many messages as it needs; the last one also has the fields of `last`. */
	sendList(message, field, list, last) {
		const rest = [...list];
		do {
			const piece = [];
			for (let room = LIST_BYTES; room > 0 && rest.length; piece.push(rest.shift())) room -= utf8(JSON.stringify(rest[0])).length;
			this.send({ ...message, [field]: piece, ...(rest.length ? { more: true } : last) });
		} while (rest.length);
	}

	sendText(text) {
		const bytes = utf8(text);
		if (bytes.length > MAX_TEXT_BYTES) return false;
		// Half a surrogate pair is no UTF-8, so the encoder has replaced it.
		const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
		whole.match(TEXT_PIECES).forEach((piece, index, { length }) => this.send({ type: "text", text: piece, more: index < length - 1 || undefined }));
		return true;
	}

	close() {
		if (this.over) return;
		this.send({ type: "bye", reason: "disconnected" });
		this.drop(FAREWELL_MS);
	}

	drop(ms = 0) {
		this.over = true;
		clearInterval(this.ticking);
		setTimeout(() => this.peer.close(), ms);
	}

	lost(reason, mayResume) {
		if (this.over) return;
		this.drop();
		this.on?.closed(reason, mayResume);
	}

	refuse() {
		this.send({ type: "bye", reason: "peer_error" });
		this.lost("peer_error", false);
	}

	/**
	 * Keep the heartbeat going while the records of a stream keep the page busy. One message of a
	 * stream can hold a thousand small files, and the heartbeat's timer and the host's messages on
	 * the control channel wait behind it.
	 */
	working() {
		this.lastReceived = Date.now();
		if (this.lastReceived - this.ticked >= PING_MS) this.tick();
	}

	tick() {
		const now = Date.now();
		const slept = now - this.ticked;
		this.ticked = now;
		if (slept > ASLEEP_MS) this.lastReceived = slept > DEAD_MS ? 0 : now;
		if (this.features.length && now - this.lastReceived >= SILENCE_MS) this.lost("peer_vanished", true);
		else this.send({ type: "ping" });
	}

	message(message) {
		if (this.over) return;
		const { type } = message;
		this.lastReceived = Date.now();
		if (type === "hello") {
			this.features = ["text"].concat(message.features ?? []);
			this.peerName = String(message.name ?? "");
			this.on.greeted();
		} else if (type === "text") {
			this.piece(String(message.text ?? ""), message.more === true);
		} else if (type === "bye") {
			this.lost(BYE_REASONS.includes(message.reason) ? message.reason : "peer_left", false);
		} else if (type !== "ping" && type !== "unsupported" && !this.on.files.message(message)) {
			if (++this.unreadable > MAX_UNREADABLE) this.refuse();
			else this.send({ type: "unsupported", what: String(type ?? "bad_json").slice(0, 64) });
		}
	}

	piece(text, more) {
		this.text += text;
		this.textBytes += utf8(text).length;
		if (this.textBytes > MAX_TEXT_BYTES) this.refuse();
		else if (!more) {
			this.on.text(this.text);
			this.text = "";
			this.textBytes = 0;
		}
	}
}
