// The guest's side of the proof and the MACs of signals: docs/protocol.md, Proof (version 1).
// Must never be here: sockets, what a person is told.

import { Sha256, concat, fromBase64url, hkdfExpand32, hkdfExtract, hmac, same, sha256, toBase64url, u32, u64, utf8 } from "./hash.mjs";

const LABEL = "proxim-auth-1";
const SHARE = 32;
const NOTHING = new Uint8Array(0);

const lv = (...parts) => concat(...parts.flatMap((part) => [u32(part.length), part]));

/** Methods "psk" (a QR's secret) and "resume" (the key of a link that was lost). Throws Error("unproven") on anything wrong. */
export class Proof {
  constructor(method, sessionID, device, secret, share = crypto.getRandomValues(new Uint8Array(SHARE))) {
    this.method = method;
    this.context = lv(...[LABEL, method, sessionID, device.name, device.id].map(utf8));
    this.secret = secret;
    this.share = share;
    this.sent = 0;
    this.taken = 0;
    this.offer = NOTHING;
  }

  /** For pair_request. */
  request() {
    return { v: 1, m: this.method, y: toBase64url(this.share) };
  }

  /** For pair_confirm, from what pair_challenge brought. */
  confirm(auth) {
    const other = auth && auth.v === 1 && auth.m === this.method ? fromBase64url(auth.y, SHARE) : null;
    if (other === null) throw new Error("unproven");
    this.transcript = sha256(lv(this.context, this.share, other));
    this.root = hkdfExtract(this.transcript, this.secret);
    return { t: toBase64url(hmac(this.key("confirm guest"), this.transcript)) };
  }

  /** Of pair_result: whether the host proved itself. */
  hostProved(status, auth) {
    const tag = fromBase64url(auth && auth.t, 32);
    return tag !== null && same(tag, hmac(this.key("confirm host"), concat(this.transcript, utf8(status))));
  }

  key(purpose) {
    return hkdfExpand32(this.root, utf8(`${LABEL} ${purpose}`));
  }

  get resumeName() {
    return `@${toBase64url(this.key("resume name").subarray(0, 16))}`;
  }

  /** The payload of our next signal, with its MAC. */
  seal(payload) {
    const mac = this.mac("signal guest", this.sent++, payload, NOTHING);
    if (payload.sdp !== undefined) this.offer = sha256(utf8(payload.sdp));
    return { ...payload, mac: toBase64url(mac) };
  }

  /** Whether the host's next signal is as it sent it. */
  opens(payload) {
    const mac = fromBase64url(payload.mac, 32);
    return mac !== null && same(mac, this.mac("signal host", this.taken++, payload, this.offer));
  }

  mac(key, count, payload, bound) {
    return hmac(this.key(key), concat(u64(count), lv(fieldsOf(payload), bound)));
  }
}

function fieldsOf(payload) {
  if (payload.sdp !== undefined) return lv(utf8("sdp"), utf8(payload.sdp));
  const parts = ["candidate", payload.candidate.trim()];
  for (const name of ["sdpMid", "sdpMLineIndex"]) {
    if (payload[name] !== undefined && payload[name] !== null) parts.push(name, String(payload[name]));
  }
  return lv(...parts.map(utf8));
}

/** What a receiver names an unfinished transfer by, on a link of this proof. */
export const resumeTag = (proof, transferID) =>
  toBase64url(new Sha256().update(utf8("proxim-resume-1 ")).update(proof.key("link")).update(utf8(transferID)).digest());
