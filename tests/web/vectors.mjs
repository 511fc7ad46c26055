// test_vectors.py runs this script: the page's own hashing and proof against the shared vectors. It
// prints how many checks it made.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import "./outside_browser.mjs";

const { toBase64url } = await import("../../proxim/web/pairing/ask.mjs");
const { equalBytes, fromBase64url, u64, utf8 } = await import("../../proxim/web/bytes.mjs");
const { Proof } = await import("../../proxim/web/pairing/proof.mjs");
const { Sha256, hmac, sha256 } = await import("../../proxim/web/sha256.mjs");

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (length) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
let checks = 0;
const check = (found, wanted) => {
  assert.deepEqual(found, wanted);
  checks += 1;
};

for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 100_003]) {
  const whole = bytes(length);
  const wanted = crypto.createHash("sha256").update(whole).digest("hex");
  check(hex(sha256(whole)), wanted);
  const streamed = new Sha256();
  for (let at = 0, step = 1; at < length; at += step, step = (step * 7 + 1) % 4096) {
    streamed.update(whole.subarray(at, at + step));
    // Reading the digest does not change the state.
    if (at % 3 === 0) streamed.digest();
  }
  check(hex(new Sha256(streamed).digest()), wanted);
  check(
    hex(hmac(bytes(length % 200), whole)),
    crypto
      .createHmac("sha256", bytes(length % 200))
      .update(whole)
      .digest("hex"),
  );
}
// The length in bits passes 2^32 at 512 MiB. The page's own hashing needs seconds to get there, so
// it continues from its state at that point. A wrong state would not lead to Node's result.
const state = Int32Array.of(
  177527169,
  -1665897892,
  1790645472,
  1643399201,
  -79215712,
  -675345661,
  1632820206,
  1557573607,
);
const [far, wanted, mebibyte] = [
  new Sha256({ state, length: 2 ** 29 }),
  crypto.createHash("sha256"),
  bytes(2 ** 20),
];
for (let count = 0; count < 513; count++) wanted.update(mebibyte);
check(hex(far.update(mebibyte).digest()), wanted.digest("hex"));
// A file may be resumed beyond 4 GiB (START in docs/protocol.md).
check(hex(u64(2 ** 32 + 5)), "0000000100000005");
check(hex(u64(2 ** 53 - 1)), "001fffffffffffff");
// These are the first 32 bytes of the key material of RFC 5869, A.1.
const prk = Buffer.from("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", "hex");
const info = Buffer.from("f0f1f2f3f4f5f6f7f8f9", "hex");
check(
  hex(hmac(prk, Buffer.concat([info, Buffer.of(1)]))),
  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
);

check(equalBytes(bytes(3), bytes(3)), true);
check(equalBytes(bytes(3), bytes(4)), false);
// In "AC", the unused bits are not zero.
for (const text of ["", "A", "AB=", "AC", "A+/A", "AAAA AAAA", null, 7])
  check(fromBase64url(text, 1), null);
check(fromBase64url("_w", 1), Uint8Array.of(255));

const { pairings } = JSON.parse(
  readFileSync(new URL("../vectors/proof.json", import.meta.url), "utf8"),
);
for (const one of pairings.filter((pairing) => pairing.m !== "spake2")) {
  const secret = Buffer.from(one.Z_hex, "hex");
  const proof = new Proof(
    one.m,
    one.sessionID,
    one.deviceInfo,
    secret,
    fromBase64url(one.y_guest, 32),
  );
  check(hex(proof.context), one.ctx_hex);
  check(proof.confirm({ v: 1, m: one.m, y: one.y_host }), { t: one.t_guest });
  check(hex(proof.transcript), one.TH_hex);
  for (const [purpose, key] of Object.entries(one.keys_hex)) check(hex(proof.key(purpose)), key);
  check(proof.resumeName, one.resume_name);
  for (const [status, t] of Object.entries(one.t_host))
    check(proof.hostProved(status, { t }), true);
  for (const auth of [undefined, {}, { t: one.t_guest }, { t: one.t_host.rejected }]) {
    check(proof.hostProved("approved", auth), false);
  }
  for (const signal of one.signals) {
    const { payload, mac } = signal;
    if (signal.from === "guest") check(proof.seal(payload).mac, mac);
    else check(proof.opens({ ...payload, mac }), true);
  }
  const again = one.signals.find((signal) => signal.from === "host");
  // A repeated signal is refused.
  check(proof.opens({ ...again.payload, mac: again.mac }), false);
  // A signal without its tag is refused.
  check(proof.opens(again.payload), false);
  for (const auth of [
    undefined,
    {},
    { v: 2, m: one.m, y: one.y_host },
    { v: 1, m: "spake2", y: one.y_host },
    { v: 1, m: one.m, y: "AA" },
  ]) {
    check(new Proof(one.m, one.sessionID, one.deviceInfo, secret, bytes(32)).confirm(auth), null);
  }
  const transfer = "Gx3AAAAAAAAAAAAAAAAAAA";
  const tag = crypto
    .createHash("sha256")
    .update("proxim-resume-1 ")
    .update(proof.key("link"))
    .update(transfer)
    .digest();
  check(proof.resumeTag(transfer), toBase64url(tag));
  check(hex(utf8("é")), "c3a9");
}
console.log(checks);
