// One invitation from the first request to its end: asks, links, and takes a lost link up again by itself.
// Must never be here: what is drawn, files (transfers.mjs), what is said on a socket (signaling.mjs).

import { Failure, Request, remember, toBase64url } from "./ask.mjs";
import { fromBase64url } from "./hash.mjs";
import { Proof } from "./proof.mjs";
import { join } from "./signaling.mjs";

const RESUME_MS = 120_000; // so long the host keeps our place
const REDIAL_MS = 2_000;
const ASK_MS = 40_000; // so long the host asks its person
// After these the next try may succeed; any other answer of the host's is its last.
const PASSING = ["no_answer", "host_gone", "host_error", "timeout", "busy", "ice_failed", "link_timeout", "too_many", "bad_description"];
/** After these a person may ask once more. */
export const MAY_ASK = [...PASSING, "declined", "disconnected", "no_offer"];

/**
 * `tell(state)` is called on every change: {step, reason?, said?, until?, verified}; step is one of "dialling", "asked",
 * "approved", "connected", "waiting", "ended". `linked(link, lost)` is given each link that opens.
 */
export class Session {
	/** `pass` is what we ask with: an invitation, or the key of a link that was lost; `request` one that was made with it. */
	constructor(pass, device, request, tell, linked) {
		Object.assign(this, { pass, device, request, tell, linked });
		this.verified = Boolean(pass.secret);
		this.over = false;
		this.link = null;
		this.wake = () => undefined; // ends a pause: the network or the person is back
	}

	/** Ask for the first time, or go on where this tab left off. */
	async start() {
		if (this.pass.method === "resume") return this.resume("peer_vanished");
		this.keep(this.pass);
		this.say("dialling");
		return this.attempt().catch((failure) => this.ended(failure));
	}

	/** The person leaves. */
	leave() {
		this.ended(new Failure("disconnected"));
		this.request?.close();
		this.wake();
		this.link?.close();
	}

	async attempt() {
		const { method, session, secret } = this.pass;
		this.request ??= new Request(this.pass, this.device);
		const again = method === "resume";
		const key = secret ? fromBase64url(secret, again ? 32 : 16) : null;
		const proof = key && new Proof(method, session, this.device, key, this.request.share);
		let next = null;
		const step = (name) => {
			if (name === "approved" && proof) next = { method: "resume", session: proof.resumeName, secret: toBase64url(proof.key("resume")) };
			if (!again) this.say(name, { until: name === "asked" ? Date.now() + ASK_MS : null });
			else if (next) this.keep(next); // the host may take us by either name now
		};
		const link = await join(this.request, proof, this.device.name, step).finally(() => (this.request = null));
		if (this.over) {
			link.close();
			return;
		}
		this.link = link;
		this.keep(next);
		this.say("connected");
		this.linked(link, (reason, mayResume) => this.lost(reason, mayResume));
	}

	/** What we ask with next, also where the page is loaded again. */
	keep(pass) {
		this.pass = pass;
		remember("sessionStorage", "proxim-session", pass && JSON.stringify(pass));
	}

	lost(reason, mayResume) {
		this.link = null;
		if (mayResume && this.pass) this.resume(reason);
		else this.ended(new Failure(reason));
	}

	/** Dial until the host takes us again. A tab that was frozen longer than the host waits still asks once. */
	async resume(reason) {
		const until = Date.now() + RESUME_MS;
		this.say("waiting", { reason, until });
		for (let began; !this.over; await this.pause(began + REDIAL_MS - Date.now())) {
			began = Date.now();
			try {
				return await this.attempt();
			} catch (failure) {
				const gone = failure.reason === "unknown_session"; // it no longer waits: what ended the link is the news
				if (!PASSING.includes(failure.reason) || Date.now() >= until) return this.ended(gone ? new Failure(reason) : failure);
			}
		}
	}

	pause(milliseconds) {
		return new Promise((resolve) => {
			this.wake = resolve;
			setTimeout(resolve, milliseconds);
		});
	}

	ended(failure) {
		if (this.over) return;
		this.over = true;
		this.keep(null);
		this.say("ended", { reason: failure instanceof Failure ? failure.reason : "internal", said: failure.said });
	}

	say(step, more) {
		this.tell({ step, verified: this.verified, ...more });
	}
}
