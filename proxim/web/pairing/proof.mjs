// The guest's side of the proof (docs/protocol.md, Proof): both devices show that they know the
// secret, and the keys that come of it authenticate the signals and resume a lost link.

import { toBase64url } from "./ask.mjs";
import { concat, equalBytes, fromBase64url, u32, u64 } from "../bytes.mjs";
import { hmac, sha256 } from "../sha256.mjs";

const LABEL = "proxim-auth-1";
const TAG_BYTES = 32;
const RESUME_NAME_BYTES = 16;

/**
 * Join parts so that each begins with its length, which makes it clear where it ends.
 * @param {...(string | Uint8Array)} parts
 */
const withLengths = (...parts) =>
  concat(...parts.map((part) => concat(part)).flatMap((bytes) => [u32(bytes.length), bytes]));

/**
 * @param {unknown} text
 * @param {Uint8Array} tag
 */
function isTag(text, tag) {
  const given = fromBase64url(text, TAG_BYTES);
  return given !== null && equalBytes(given, tag);
}

export class Proof {
  sentSignals = 0;
  receivedSignals = 0;
  // The host's signals are bound to this hash of our offer.
  /** @type {string | Uint8Array} */
  offerHash = "";
  transcript = new Uint8Array(0);
  // The key that all others are derived from. Without a challenge there is none.
  /** @type {Uint8Array | null} */
  root = null;
  // Keys and tags that were derived from it
  /** @type {Map<string, Uint8Array>} */
  derived = new Map();

  /**
   * @param {"psk" | "resume"} method
   * @param {string} sessionID
   * @param {Device} device
   * @param {Uint8Array} secret
   * @param {Uint8Array} share
   */
  constructor(method, sessionID, device, secret, share) {
    this.method = method;
    this.secret = secret;
    this.share = share;
    this.context = withLengths(LABEL, method, sessionID, device.name, device.id);
  }

  /**
   * Return the `auth` that answers the host's challenge; null if `auth` is no challenge.
   * @param {Message | undefined} auth
   */
  confirm(auth) {
    if (auth?.v !== 1 || auth.m !== this.method) return null;
    const hostShare = fromBase64url(auth.y, this.share.length);
    if (!hostShare) return null;
    this.transcript = sha256(withLengths(this.context, this.share, hostShare));
    // The extract step of HKDF (RFC 5869)
    this.root = hmac(this.transcript, this.secret);
    this.derived.clear();
    return { t: toBase64url(hmac(this.key("confirm guest"), this.transcript)) };
  }

  /** Derive what the host's approval and the signals behind it need, before they come. */
  prepare() {
    for (const purpose of ["signal guest", "signal host", "resume", "resume name"]) {
      this.key(purpose);
    }
    this.hostTag("approved");
  }

  /**
   * Whether the host has shown that it knows the secret and that `status` is its answer.
   * @param {string} status
   * @param {Message | undefined} auth
   */
  hostProved(status, auth) {
    return this.root !== null && isTag(auth?.t, this.hostTag(status));
  }

  /** @param {string} status */
  hostTag(status) {
    return this.once(`tag ${status}`, () =>
      hmac(this.key("confirm host"), concat(this.transcript, status)),
    );
  }

  /**
   * Derive the key for a purpose.
   * @param {string} purpose
   */
  key(purpose) {
    const { root } = this;
    if (!root) throw new Error("there is no key before the challenge");
    // The expand step of HKDF: 32 bytes need one round, which is number 1.
    return this.once(`key ${purpose}`, () => hmac(root, concat(`${LABEL} ${purpose}`, [1])));
  }

  /**
   * @param {string} name
   * @param {() => Uint8Array} derive
   */
  once(name, derive) {
    const value = this.derived.get(name) ?? derive();
    this.derived.set(name, value);
    return value;
  }

  /** The host knows a lost link by this name. */
  get resumeName() {
    return `@${toBase64url(this.key("resume name").subarray(0, RESUME_NAME_BYTES))}`;
  }

  /**
   * Return the tag that names a transfer to the peer it belongs to, and to nobody else.
   * @param {string} transferID
   */
  resumeTag(transferID) {
    return toBase64url(sha256("proxim-resume-1 ", this.key("link"), transferID));
  }

  /**
   * Return our next signal with its MAC.
   * @param {Message} payload
   * @returns {Message}
   */
  seal(payload) {
    const mac = toBase64url(this.mac("guest", this.sentSignals++, payload, ""));
    if (payload.sdp !== undefined) this.offerHash = sha256(payload.sdp);
    return { ...payload, mac };
  }

  /**
   * Whether the host's next signal is as it was sent.
   * @param {Message} payload
   */
  opens(payload) {
    return isTag(payload.mac, this.mac("host", this.receivedSignals++, payload, this.offerHash));
  }

  /**
   * @param {"guest" | "host"} side
   * @param {number} count
   * @param {Message} payload
   * @param {string | Uint8Array} boundTo
   */
  mac(side, count, { sdp, candidate, sdpMid, sdpMLineIndex }, boundTo) {
    const signal =
      sdp == null ? { candidate: (candidate ?? "").trim(), sdpMid, sdpMLineIndex } : { sdp };
    // A field that is null counts as one that is not there.
    const fields = Object.entries(signal).filter(([, value]) => value != null);
    const spelled = withLengths(...fields.flat().map(String));
    return hmac(this.key(`signal ${side}`), concat(u64(count), withLengths(spelled, boundTo)));
  }
}
