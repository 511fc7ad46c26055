// One invitation from the first request to its end: asks, links, and takes a lost link up again by itself.
// Must never be here: what is drawn, files (transfers.mjs), what is said on a socket (signaling.mjs).

import { fromBase64url, toBase64url } from "./hash.mjs";
import { Proof } from "./proof.mjs";
import { Failure, join } from "./signaling.mjs";

const RESUME_MS = 120_000; // so long the host keeps our place
const REDIAL_MS = 2_000;
const ASK_MS = 40_000; // so long the host asks its person
const KEPT = "proxim-session";
// After these the next try may succeed; any other answer of the host's is its last.
const PASSING = ["no_answer", "host_gone", "host_error", "timeout", "busy", "ice_failed", "link_timeout", "too_many", "bad_description"];

/** What a QR's fragment holds, or null. */
export function readInvitation(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const [session, ...more] = fields.getAll("s");
  const secrets = fields.getAll("k");
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(session ?? "") || more.length || secrets.length > 1) return null;
  if (secrets.length && fromBase64url(secrets[0], 16) === null) return null;
  return { session, secret: secrets[0] ?? null };
}

/** What this tab still holds from before it was loaded again: an invitation, or the key of an open link. */
export function keptSession() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep(what) {
  try {
    if (what) sessionStorage.setItem(KEPT, JSON.stringify(what));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // a browser that forbids storage: then a reload is an end
  }
}

/**
 * `tell(state)` is called on every change: {step, reason?, said?, until?, verified}; step is one of "dialling", "asked",
 * "approved", "connected", "waiting", "ended". `linked(link)` is given each link that opens.
 */
export class Session {
  constructor(invitation, device, tell, linked) {
    this.invitation = invitation;
    this.device = device;
    this.tell = tell;
    this.linked = linked;
    this.resumption = invitation.resume ?? null; // {name, key} of the newest pairing
    this.verified = Boolean(invitation.secret || this.resumption);
    this.ending = new AbortController();
    this.link = null;
    this.waker = null;
    for (const event of ["online", "pageshow"]) addEventListener(event, () => this.waker?.());
    document.addEventListener("visibilitychange", () => document.hidden || this.waker?.());
  }

  /** Ask for the first time, or go on where this tab left off. */
  async start() {
    if (this.resumption) {
      await this.resume("peer_vanished");
      return;
    }
    keep(this.invitation);
    this.say("dialling");
    const { session, secret } = this.invitation;
    const proof = secret ? new Proof("psk", session, this.device, fromBase64url(secret, 16)) : null;
    try {
      this.opened(await this.join(session, proof));
    } catch (failure) {
      this.ended(failure);
    }
  }

  /** The person leaves. */
  leave(reason = "disconnected") {
    this.ending.abort();
    this.waker?.();
    this.link?.close(reason);
    this.ended(new Failure(reason));
  }

  async join(sessionID, proof) {
    const step = (name) => {
      if (name === "approved" && proof) {
        this.newest = { name: proof.resumeName, key: toBase64url(proof.key("resume")) };
        if (this.resumption) this.remember(); // the host may take us by either name now
      }
      if (!this.resumption) this.say(name, { until: name === "asked" ? Date.now() + ASK_MS : null });
    };
    return join({ sessionID, proof, device: this.device, step, signal: this.ending.signal });
  }

  remember() {
    this.resumption = this.newest ?? null;
    keep(this.resumption && { resume: this.resumption });
  }

  opened(link) {
    if (this.ending.signal.aborted) {
      link.close();
      return;
    }
    this.link = link;
    this.remember();
    this.say("connected");
    this.linked(link, (reason, mayResume) => this.lost(reason, mayResume));
  }

  lost(reason, mayResume) {
    this.link = null;
    if (mayResume && this.resumption) this.resume(reason);
    else this.ended(new Failure(reason));
  }

  /** Dial until the host takes us again. A tab that was frozen longer than the host waits still asks once. */
  async resume(reason) {
    const until = Date.now() + RESUME_MS;
    this.say("waiting", { reason, until });
    for (;;) {
      const began = Date.now();
      const { name, key } = this.resumption;
      try {
        this.opened(await this.join(name, new Proof("resume", name, this.device, fromBase64url(key, 32))));
        return;
      } catch (failure) {
        const gone = failure.reason === "unknown_session"; // it no longer waits: what ended the link is the news
        if (!PASSING.includes(failure.reason) || Date.now() >= until || this.ending.signal.aborted) {
          this.ended(gone ? new Failure(reason) : failure);
          return;
        }
      }
      await this.pause(began + REDIAL_MS - Date.now());
    }
  }

  /** Until then, or until the network or the person is back. */
  pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, milliseconds));
      this.waker = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => (this.waker = null));
  }

  ended(failure) {
    if (this.over) return;
    this.over = true;
    keep(null);
    const reason = failure instanceof Failure ? failure.reason : "internal";
    this.say("ended", { reason, said: failure.said ?? null });
  }

  say(step, more = {}) {
    this.tell({ step, verified: this.verified, ...more });
  }
}
