// test_session.py runs this script: the page's request and session with a host and a clock of this
// test. It prints how many checks it made.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { runFirst } from "./outside_browser.mjs";

let checks = 0;
const check = (found, wanted, what) => {
  assert.deepEqual(found, wanted, what);
  checks += 1;
};
process.on("unhandledRejection", (error) => {
  throw error;
});

// A clock that stands still until the test moves it.
const timers = [];
let now = 0;
Date.now = () => now;
globalThis.setTimeout = (act, ms = 0) => timers.push({ act, at: now + ms });
globalThis.clearTimeout = (number) => {
  if (number) timers[number - 1].act = null;
};
const settled = () => new Promise((resolve) => setImmediate(resolve));
async function wait(ms) {
  const end = now + ms;
  for (;;) {
    const due = timers.filter((one) => one.act && one.at <= end).sort((a, b) => a.at - b.at)[0];
    if (!due) break;
    now = due.at;
    const { act } = due;
    due.act = null;
    act();
    await settled();
  }
  now = end;
  await settled();
}

class FakeSocket {
  static OPEN = 1;
  static all = [];
  readyState = 0;
  sent = [];

  constructor() {
    FakeSocket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closed = code;
  }

  async says(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
    await settled();
  }
}
globalThis.WebSocket = FakeSocket;

/** A peer connection that connects when the test says so. */
class FakePeer extends EventTarget {
  static offers = true;
  connectionState = "connecting";
  control = Object.assign(new EventTarget(), { readyState: "connecting" });
  answer = null;
  candidates = [];
  closed = false;

  constructor() {
    super();
    FakePeer.last = this;
  }

  createDataChannel() {
    return this.control;
  }

  async createOffer() {
    if (!FakePeer.offers) throw new Error("no offer");
    return { sdp: "the offer", type: "offer" };
  }

  async setLocalDescription() {
    this.isLocal = true;
  }

  async setRemoteDescription({ sdp }) {
    this.answer = sdp;
  }

  async addIceCandidate(candidate) {
    this.candidates.push(candidate);
    throw new Error("of no use");
  }

  close() {
    this.closed = true;
  }
}
globalThis.RTCPeerConnection = FakePeer;

location.host = "192.168.1.20:47800";
const { PairRequest, dial, readInvitation, toBase64url } =
  await import("../../proxim/web/pairing/ask.mjs");
const { Proof } = await import("../../proxim/web/pairing/proof.mjs");
const { Session } = await import("../../proxim/web/pairing/session.mjs");
const { concat } = await import("../../proxim/web/bytes.mjs");
const { hmac } = await import("../../proxim/web/sha256.mjs");

const DEVICE = { name: "phone", id: "id" };
const SHARE = "A".repeat(43);
const PASSES = {
  unproved: { session: "session" },
  invited: { method: "psk", session: "session", secret: toBase64url(new Uint8Array(16)) },
  resuming: { method: "resume", session: "@resumed", secret: toBase64url(new Uint8Array(32)) },
};

/** Start a session, and open its socket. */
async function dialled(kind) {
  const steps = [];
  const session = new Session({
    pass: PASSES[kind],
    device: DEVICE,
    request: null,
    features: [],
    onStep: ({ step, reason }) => steps.push([step, reason]),
    onLinked() {},
  });
  session.start();
  await settled();
  const socket = FakeSocket.all.at(-1);
  socket.readyState = FakeSocket.OPEN;
  socket.onopen({});
  await settled();
  const sessionID = PASSES[kind].session;
  /** What the host says of this session */
  const says = (message) => socket.says({ sessionID, ...message });
  return { session, steps, socket, says, sockets: () => FakeSocket.all.length };
}

/** As `dialled`, with the host's challenge answered; `host` has the same keys as the guest. */
async function confirmed(kind) {
  const started = await dialled(kind);
  const { method, session } = PASSES[kind];
  await started.says({ type: "pair_challenge", auth: { v: 1, m: method, y: SHARE } });
  const { request } = started.session;
  const host = new Proof(
    method,
    session,
    DEVICE,
    started.session.proofFor(PASSES[kind], request).secret,
    request.share,
  );
  host.confirm({ v: 1, m: method, y: SHARE });
  return { ...started, host };
}

/** As `confirmed`, and approved; `signals` says a signal of the host, with its MAC. */
async function approved(kind) {
  const started = kind === "unproved" ? await dialled(kind) : await confirmed(kind);
  const { host, says } = started;
  const auth = host && {
    t: toBase64url(hmac(host.key("confirm host"), concat(host.transcript, "approved"))),
  };
  await says({ type: "pair_result", status: "approved", auth });
  let sent = 0;
  const signals = async (payload) => {
    const { sdp, candidate } = payload;
    const [whole] = [sdp, candidate].filter((one) => one instanceof Object);
    const { sha256 } = await import("../../proxim/web/sha256.mjs");
    const shape = whole ?? payload;
    const mac = host && toBase64url(host.mac("host", sent++, shape, sha256("the offer")));
    await says({ type: "signal", payload: { ...payload, mac } });
  };
  return { ...started, signals };
}

// --- a network that breaks off --------------------------------------------------------------------

{
  // While a link is resumed, a host that falls silent is tried again, and one that cannot prove
  // itself is not. A first request ends either way.
  const { steps, socket, sockets } = await dialled("resuming");
  const before = sockets();
  await wait(10_000);
  check(socket.closed, 1000);
  check(steps, [["waiting", "peer_vanished"]]);
  await wait(2_000);
  check(sockets() > before, true);
}
{
  const { steps, socket } = await dialled("invited");
  await wait(10_000);
  check(steps.at(-1), ["ended", "host_unproven"]);
  check(socket.closed, 4401);
}
for (const auth of [
  { v: 2, m: "resume", y: SHARE },
  { v: 1, m: "psk", y: SHARE },
  { v: 1, m: "resume", y: "AA" },
]) {
  const { steps, socket, says } = await dialled("resuming");
  await says({ type: "pair_challenge", auth });
  check([steps.at(-1), socket.closed], [["ended", "host_unproven"], 4401]);
}
{
  const { steps, socket, says } = await dialled("resuming");
  await says({ type: "pair_result", status: "approved" });
  check([steps.at(-1), socket.closed], [["ended", "host_unproven"], 4401]);
}
{
  const { steps, socket, says } = await confirmed("resuming");
  await says({ type: "pair_result", status: "approved", auth: { t: SHARE } });
  check([steps.at(-1), socket.closed], [["ended", "host_unproven"], 4401]);
}
{
  // Nobody is asked about a resumed request, so its answer comes as fast as the challenge.
  const { socket, steps } = await confirmed("resuming");
  await wait(9_000);
  check(socket.closed, undefined);
  await wait(1_000);
  check(socket.closed, 1000);
  check(steps.at(-1)[0], "waiting");
}
for (const code of [
  "no_offer",
  "peer_left",
  "bad_message",
  "unknown_type",
  "not_allowed",
  "newer",
]) {
  const { steps, says, sockets } = await dialled("resuming");
  const before = sockets();
  await says({ type: "error", code, message: "as it is" });
  check(steps, [["waiting", "peer_vanished"]], code);
  await wait(2_000);
  check(sockets() > before, true, code);
}
{
  const { steps, says } = await dialled("resuming");
  await says({ type: "session_ended", reason: "closed" });
  check(steps.at(-1), ["ended", "closed"]);
}

// --- messages of another session, or of nobody ----------------------------------------------------

for (const message of [
  { type: "session_ended", reason: "closed", sessionID: "another" },
  { type: "error", code: "too_many", message: "", sessionID: "another" },
  { type: "pair_result", status: "rejected", sessionID: "another" },
]) {
  const before = await dialled("invited");
  await before.socket.says(message);
  check([before.steps.at(-1), before.socket.closed], [["ended", "host_error"], 1000]);
  const after = await confirmed("invited");
  await after.socket.says(message);
  check([after.steps.at(-1), after.socket.closed], [["ended", "tampered"], 4401]);
}
{
  // An error may leave the session out; the end of a session may not.
  const { steps, socket } = await confirmed("invited");
  await socket.says({ type: "error", code: "too_many", message: "" });
  check(steps.at(-1), ["ended", "too_many"]);
  const other = await confirmed("invited");
  await other.socket.says({ type: "session_ended", reason: "closed" });
  check(other.steps.at(-1), ["ended", "host_error"]);
}
for (const [begin, reason] of [
  [confirmed, "host_error"],
  [approved, "tampered"],
]) {
  const { steps, socket } = await begin("invited");
  socket.onmessage({ data: "{" });
  await settled();
  check(steps.at(-1), ["ended", reason]);
  const broken = await begin("invited");
  broken.socket.onclose({ code: 1007 });
  await settled();
  check(broken.steps.at(-1), ["ended", reason]);
}

// --- the link -------------------------------------------------------------------------------------

{
  // After the answer the link opens without the WebSocket; before it, it cannot.
  const { steps, socket, session, signals } = await approved("invited");
  await signals({ sdp: "the answer", type: "answer" });
  socket.onclose({ code: 1006 });
  await settled();
  check(steps.at(-1)[0], "approved");
  FakePeer.last.control.dispatchEvent(new Event("open"));
  await settled();
  check(steps.at(-1)[0], "connected");
  session.leave();
}
{
  const { steps, socket } = await approved("invited");
  socket.onclose({ code: 1006 });
  await settled();
  check(steps.at(-1), ["ended", "host_gone"]);
}
{
  const { steps, socket, signals } = await approved("invited");
  await signals({ sdp: "the answer" });
  socket.onclose({ code: 1006 });
  await wait(15_000);
  check(steps.at(-1), ["ended", "link_timeout"]);
}
for (const payload of [
  { sdp: "the answer", type: "offer" },
  { sdp: { sdp: "the answer", type: "offer" } },
  { sdp: { type: "answer" } },
  {},
  { candidate: 5 },
]) {
  const { steps, signals } = await approved("invited");
  await signals(payload).catch(() => {});
  const { steps: unproved, signals: without } = await approved("unproved");
  await without(payload);
  check(unproved.at(-1), ["ended", "host_error"]);
  if (typeof (payload.sdp?.sdp ?? payload.sdp) === "string") {
    check(steps.at(-1), ["ended", "tampered"]);
  }
}
{
  // While the host's person decides, the offer is made and stays here, and no address is looked for.
  // With the approval it goes out before the page shows or stores anything.
  const { session, socket, says, host, steps } = await confirmed("invited");
  const peer = FakePeer.last;
  const signals = () => socket.sent.filter(({ type }) => type === "signal");
  check([signals(), peer.isLocal, steps.at(-1)[0]], [[], undefined, "asked"]);
  let before = null;
  session.onStep = ({ step }) => (before = [step, signals().length, peer.isLocal]);
  const auth = { t: toBase64url(host.hostTag("approved")) };
  await says({ type: "pair_result", status: "approved", auth });
  check(before, ["approved", 1, true]);
  const [{ payload }] = signals();
  const mac = toBase64url(host.mac("guest", 0, { sdp: "the offer" }, ""));
  check(payload, { sdp: "the offer", type: "offer", mac });
  session.leave();
}
{
  // A host may send candidates early, in each of their forms, and some that are of no use.
  const { steps, signals } = await approved("invited");
  await signals({ candidate: "1 1 udp 1 192.168.1.9 5000 typ host" });
  await signals({ candidate: { candidate: "candidate:2", sdpMid: null, sdpMLineIndex: 0 } });
  await signals({ candidate: null });
  await signals({ candidate: { sdpMid: "0" } });
  const peer = FakePeer.last;
  check(peer.candidates, []);
  await signals({ sdp: { sdp: "the answer", type: "answer" } });
  check(peer.answer, "the answer");
  await signals({ candidate: "candidate:3", sdpMid: "1" });
  check(
    peer.candidates.map(({ candidate, sdpMid }) => [candidate, sdpMid]),
    [
      ["candidate:1 1 udp 1 192.168.1.9 5000 typ host", "0"],
      ["candidate:2", "0"],
      ["candidate:3", "1"],
    ],
  );
  check(steps.at(-1)[0], "approved");
}
{
  // A browser that cannot make an offer: nobody waits for the link any more.
  FakePeer.offers = false;
  const { steps } = await approved("unproved");
  check(steps.at(-1), ["ended", "bad_description"]);
  check(FakePeer.last.closed, false);
  await wait(15_000);
  FakePeer.offers = true;
}

// --- what a request is made with ------------------------------------------------------------------

{
  // A secret that cannot be read leads to no request without a proof.
  PASSES.broken = { method: "psk", session: "session", secret: "short" };
  const { steps, socket } = await dialled("broken");
  check(steps.at(-1), ["ended", "link_unreadable"]);
  check(socket.closed, 1000);
}
{
  // What the host says before a module hears it is kept, in its order.
  const dialled = dial(PASSES.unproved, DEVICE);
  const { socket } = dialled;
  socket.onopen({});
  check(socket.sent, [{ type: "pair_request", sessionID: "session", deviceInfo: DEVICE }]);
  socket.onmessage({ data: JSON.stringify({ type: "one", sessionID: "session" }) });
  const request = new PairRequest(dialled);
  socket.onmessage({ data: JSON.stringify({ type: "two", sessionID: "session" }) });
  check(
    request.messages.map(({ type }) => type),
    ["opened", "one", "two"],
  );
  socket.onclose({ code: 1006 });
  check(request.end?.reason, "host_gone");
}
for (const [code, reason] of [
  [1006, "no_answer"],
  [1009, "host_error"],
]) {
  // So is that the socket was closed.
  const dialled = dial(PASSES.unproved, DEVICE);
  dialled.socket.onclose({ code });
  check(new PairRequest(dialled).end?.reason, reason);
}

// Who asks again waits until the host knows that the request before is over; one that is gone for
// good says nothing.
for (const answers of [true, false]) {
  const request = new PairRequest(dial(PASSES.invited, DEVICE));
  const { socket } = request.dialled;
  let isOver = false;
  const closed = request.close(1000).then(() => (isOver = true));
  await settled();
  check([socket.closed, isOver], [1000, false]);
  // It is the same end, and the same wait.
  request.close(1000).then(() => closed);
  if (answers) socket.onclose({ code: 1000 });
  else await wait(1_000);
  await settled();
  check(isOver, true);
}

// --- the invitation in the address ----------------------------------------------------------------

{
  // The program reads the same fragments (test_invite_link.py). A browser escapes some characters.
  // The core finds a link in a text around it; of an address the page sees the fragment only.
  const whole =
    "S3cr3t-S3cr3t_S3cr3t-Q.q1-W_e4rT6yU8iO0pA2sD4.6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11";
  for (const [before, after] of [
    ['"', '"'],
    ["%22", "%22"],
    ["“", "”"],
    ["<", ">"],
    ["(", ")"],
    ["", "&amp;"],
    ["", "&"],
    ["'", "'&amp;amp;"],
  ]) {
    const read = readInvitation(`#${before}${whole}${after}`);
    check(read?.secret, "S3cr3t-S3cr3t_S3cr3t-Q", before + after);
  }
  for (const after of ["&x", "&=", "a", "%", "&&a"])
    check(readInvitation(`#${whole}${after}`), null);
  const path = new URL("../vectors/links.json", import.meta.url);
  const { fragments } = JSON.parse(await readFile(path, "utf8"));
  for (const { name, fragment, session, secret, reason } of fragments) {
    const { hash } = new URL(`http://192.168.1.20:47800/${fragment}`);
    const found = readInvitation(hash);
    const wanted = { session, invited: session, ...(secret && { method: "psk", secret }) };
    check(found, reason ? null : wanted, name);
    // A socket is opened for what is whole and proves something, and for nothing that asks nobody.
    const before = FakeSocket.all.length;
    location.hash = hash;
    runFirst();
    check(FakeSocket.all.length - before, secret ? 1 : 0, name);
  }
}
const SECRET = toBase64url(new Uint8Array(16));
const UUID = "6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11";
const INVITED = "i".repeat(22);
const OTHER = "o".repeat(22);
const whole = (session) => `#${SECRET}.${session}.${UUID}`;
const asking = { session: INVITED, invited: INVITED, method: "psk", secret: SECRET };
const resuming = { ...PASSES.resuming, invited: INVITED };
const unproved = { session: INVITED, invited: INVITED };
const cleared = [];
history.replaceState = (_state, _title, path) => {
  cleared.push(path);
  location.hash = "";
};
/** What a page does that is loaded with this fragment in a tab that has kept this. */
function loaded(hash, kept) {
  location.hash = hash;
  location.href = `http://192.168.1.20:47800/${hash}`;
  const store = { "proxim-session": JSON.stringify(kept) };
  globalThis.sessionStorage = {
    getItem: (key) => store[key] ?? null,
    setItem: (key, value) => (store[key] = value),
  };
  cleared.length = 0;
  return { ...runFirst(), kept: () => JSON.parse(store["proxim-session"]) };
}
{
  // The sessions above have ended by then.
  await wait(200_000);
  for (const [hash, kept, wanted] of [
    [whole(INVITED), null, asking],
    ["", asking, asking],
    ["", resuming, resuming],
    ["", null, null],
    // Loaded again while the invitation is still in the address
    [whole(INVITED), asking, asking],
    [whole(INVITED), resuming, resuming],
    // Another invitation was opened in this tab.
    [whole(OTHER), asking, { ...asking, session: OTHER, invited: OTHER }],
    [whole(OTHER), resuming, { ...asking, session: OTHER, invited: OTHER }],
    [whole(INVITED).slice(0, -1), resuming, null],
    // What proves more is taken.
    [whole(INVITED), unproved, asking],
    [`#.${INVITED}.${UUID}`, asking, asking],
    // A person who opens the link again asks again.
    [whole(INVITED), { ...asking, ended: "declined" }, asking],
  ]) {
    const page = loaded(hash, kept);
    const fromAddress = wanted?.method === "psk" && hash === whole(wanted.session);
    const expected = fromAddress ? { ...wanted, link: location.href } : wanted;
    check(page.invitation, expected, hash);
    check(page.kept(), expected, hash);
    check(page.isIncomplete, Boolean(hash) && !wanted);
    // What a link's key is kept for needs no fragment any more, and half of one is of no use.
    check(cleared, wanted?.method === "psk" ? [] : ["/"], hash);
    await wait(39_999);
    check(cleared, wanted?.method === "psk" ? [] : ["/"], hash);
    await wait(1);
    check(cleared, ["/"], hash);
  }
}
{
  // Without a secret, nothing is sent before a person decides.
  const before = FakeSocket.all.length;
  const page = loaded(`#.${INVITED}.${UUID}`, null);
  check(page.invitation, { ...unproved, link: location.href });
  check([page.firstDialled, FakeSocket.all.length], [null, before]);
}
{
  // Nor after a person has ended the request, until they want it again.
  const before = FakeSocket.all.length;
  const page = loaded("", { ...asking, ended: "declined" });
  check(page.invitation, { ...asking, ended: "declined" });
  check([page.firstDialled, FakeSocket.all.length], [null, before]);
}
{
  // A socket that was opened for nothing is closed: the tab goes on with what a person has ended.
  const before = FakeSocket.all.length;
  const page = loaded(whole(INVITED), { ...resuming, ended: "disconnected" });
  const opened = FakeSocket.all.slice(before);
  check([page.firstDialled, opened.length], [null, 1]);
  check("closed" in opened[0], true);
  opened[0].onopen?.({});
  check(opened[0].sent, []);
}
{
  // The request goes out when the socket is open, and with it what the tab and the device have kept.
  const stored = { "proxim-name": "Zo\u00eb", "proxim-device": "its own" };
  globalThis.localStorage = { getItem: (key) => stored[key] ?? null, setItem() {} };
  for (const [hash, kept, method] of [
    [whole(INVITED), null, "psk"],
    ["", resuming, "resume"],
  ]) {
    const { firstDialled } = loaded(hash, kept);
    const { socket, share } = firstDialled;
    check([socket, socket.sent], [FakeSocket.all.at(-1), []]);
    socket.onopen({});
    check(socket.sent, [
      {
        type: "pair_request",
        sessionID: method === "psk" ? INVITED : resuming.session,
        deviceInfo: { name: "Zo\u00eb", id: "its own" },
        auth: { v: 1, m: method, y: toBase64url(share) },
      },
    ]);
  }
  delete globalThis.localStorage;
}
{
  // Without WebRTC no socket is opened: nobody is asked in vain.
  const before = FakeSocket.all.length;
  delete globalThis.RTCPeerConnection;
  check(loaded(whole(INVITED), null).firstDialled, null);
  check(FakeSocket.all.length, before);
  globalThis.RTCPeerConnection = FakePeer;
}
{
  // The fragment stays while the host's person is asked, and goes with the answer.
  const { session } = await approved("invited");
  check(cleared.length > 0, true);
  cleared.length = 0;
  session.leave();
  check(cleared, ["/"]);
  const { says } = await dialled("invited");
  cleared.length = 0;
  await says({ type: "pair_challenge", auth: { v: 1, m: "psk", y: SHARE } });
  check(cleared, []);
  await says({ type: "pair_result", status: "rejected", reason: "declined" });
  check(cleared, ["/"]);
}
delete globalThis.sessionStorage;

// --- what is stored -------------------------------------------------------------------------------

{
  // With what is stored too long, the host would refuse each request.
  const stored = { "proxim-name": "ä".repeat(33), "proxim-device": "d".repeat(65) };
  globalThis.localStorage = { getItem: (key) => stored[key] ?? null, setItem() {} };
  const { device } = runFirst();
  check([device.name, device.id.length], ["Browser", 22]);
  stored["proxim-name"] = "ä".repeat(32);
  stored["proxim-device"] = "d".repeat(64);
  const { device: own } = runFirst();
  check([own.name, own.id], ["ä".repeat(32), "d".repeat(64)]);
}
console.log(checks);
