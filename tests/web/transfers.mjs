// test_transfers.py runs this script: the page's transfers on a simulated link. It prints how many
// checks it made.
import assert from "node:assert/strict";
import "./outside_browser.mjs";

let now = 1_000_000;
Date.now = () => now;
/** What the page does later, in the order of its requests */
const later = [];
globalThis.setTimeout = (act) => later.push(act);

const { Link } = await import("../../proxim/web/link/link.mjs");
const { toBase64url } = await import("../../proxim/web/pairing/ask.mjs");
const { Outgoing } = await import("../../proxim/web/files/outgoing.mjs");
const { Transfers } = await import("../../proxim/web/files/transfers.mjs");
const { concat, u32, u64, utf8 } = await import("../../proxim/web/bytes.mjs");
const { Sha256, sha256 } = await import("../../proxim/web/sha256.mjs");

let checks = 0;
const check = (found, wanted, what) => {
  assert.deepEqual(found, wanted, what);
  checks += 1;
};
const ID = "A".repeat(22);
const HELLO = utf8("hello");
// The CRC-32 of "he"; that of "hello" is 0x3610a686 (both by Python's zlib).
const HE_CRC32 = 0xd1256687;
const [START, DATA, END, FAILED] = [1, 2, 3, 4];
const record = (kind, index, bytes) => concat([kind], u32(index), u32(bytes.length), bytes);
const whole = (index) => concat(record(DATA, index, HELLO), record(END, index, sha256(HELLO)));
const files = (count, size = 5) =>
  Array.from({ length: count }, (_, at) => ({ path: `${at}`, size }));
const chosen = (path, size = 3) => ({ file: { size, lastModified: 1000, name: path }, path });

class FakePeer extends EventTarget {
  connectionState = "connected";
  control = { readyState: "open", sent: [], send: (text) => this.control.sent.push(text) };

  createDataChannel(label) {
    if (label === "control") return this.control;
    const channel = { readyState: "connecting", close: () => (channel.readyState = "closed") };
    this.stream = Object.assign(new EventTarget(), channel);
    return this.stream;
  }

  close() {}

  /** The messages that the page has sent since the last call, without heartbeats. */
  get sent() {
    const messages = this.control.sent.splice(0).map((text) => JSON.parse(text));
    return messages.filter(({ type }) => type !== "ping");
  }

  says(message) {
    this.control.onmessage({ data: JSON.stringify({ transferID: ID, ...message }) });
  }
}

/** The page's transfers. `kept` collects what would be stored, and `saved` what the view gets. */
function page() {
  const kept = [];
  const store = {
    put: (value, ...key) => kept.push(["put", ...key.slice(1), ...(value.entries ? [] : [value])]),
    add: (value, ...key) => kept.push(["add", ...key.slice(1), value]),
    forget: (...key) => kept.push(["forget", ...key.slice(1)]),
  };
  const transfers = new Transfers(() => {}, store);
  return Object.assign(transfers, { kept });
}

function linked(transfers) {
  const peer = new FakePeer();
  const proof = { resumeTag: (id) => `tag of ${id}` };
  const link = new Link(peer, { name: "phone", proof, features: [transfers] });
  peer.control.onopen();
  peer.says({ type: "hello", version: 1, features: ["files"], name: "host" });
  peer.control.sent = [];
  return { peer, link };
}

/** A linked page with an accepted transfer; `receives` takes records from its stream. */
function receiving(entries) {
  const transfers = page();
  const { peer, link } = linked(transfers);
  peer.says({ type: "announce", files: entries });
  const transfer = transfers.all.get(ID);
  transfer.accept();
  const channel = { label: `files/${ID}/0` };
  peer.ondatachannel({ channel });
  const receives = (...records) => channel.onmessage({ data: concat(...records).buffer });
  peer.control.sent = [];
  return { transfers, peer, link, transfer, receives };
}

// --- what the browser does not have yet -----------------------------------------------------------

{
  // A file counts as finished, for the store and for the sender, once the browser has it.
  const { transfers, peer, transfer, receives } = receiving(files(2));
  transfers.kept.length = 0;
  receives(whole(0), whole(1));
  check(transfers.kept, []);
  check(
    peer.sent.map(({ type }) => type),
    ["progress"],
  );
  check([transfer.state, transfers.isMoving], ["active", true]);
  const [first, second] = transfer.saved;
  first.done();
  check(transfers.kept, [["put", 0, { file: 0 }]]);
  check(peer.sent, []);
  second.done();
  check(peer.sent, [{ type: "finished", transferID: ID, failed: [] }]);
  check([transfer.state, transfer.moved, transfers.isMoving], ["done", 10, false]);
}
{
  // A file that failed does not keep the page from saying what it does with the others.
  const { transfer, receives } = receiving(files(2));
  receives(record(FAILED, 0, utf8("file_gone")));
  check([transfer.isHere, transfer.unsaved], [false, 0]);
  receives(whole(1));
  check([transfer.isHere, transfer.unsaved, transfer.moved < transfer.size], [true, 1, true]);
}
{
  // A browser's database that never answers does not keep the page from its link.
  const transfers = page();
  transfers.store.load = () => new Promise(() => {});
  const restored = transfers.restore();
  later.at(-1)();
  check(await restored, undefined);
  check(transfers.all.size, 0);
}
{
  // A lost link changes nothing about that: the page goes on, and tells the sender afterwards.
  const { transfers, peer, transfer, receives } = receiving(files(1));
  receives(whole(0));
  peer.control.onclose();
  check(transfer.state, "waiting");
  transfer.saved[0].done();
  check(transfer.state, "done");
  const { peer: next } = linked(transfers);
  next.says({ type: "announce", files: files(1) });
  check(
    next.sent.map(({ type, skip }) => [type, skip]),
    [
      ["accept", [[0, 1]]],
      ["finished", undefined],
    ],
  );
}
{
  // So it is where one of the files has failed: nobody is asked, and nothing is sent again.
  const { transfers, peer, transfer, receives } = receiving(files(2));
  receives(record(FAILED, 0, utf8("file_gone")), whole(1));
  peer.control.onclose();
  transfer.saved[0].done();
  check(transfer.reason, "some_files_failed");
  const { peer: next } = linked(transfers);
  next.says({ type: "announce", files: files(2) });
  const [accept, finished] = next.sent;
  check(accept.skip, [
    [0, 1],
    [1, 1],
  ]);
  check(finished.failed, [{ file: 0, reason: "file_gone" }]);
  check([transfer.state, transfer.saved.length], ["failed", 1]);
}
{
  // While the list arrives again, nothing is finished before it is whole.
  const { transfers, peer, transfer, receives } = receiving(files(2));
  receives(whole(0), whole(1));
  peer.control.onclose();
  const { peer: next } = linked(transfers);
  next.says({ type: "announce", files: files(1), more: true });
  for (const { done } of transfer.saved) done();
  check(next.sent, []);
  next.says({ type: "announce", files: files(2).slice(1) });
  check(
    next.sent.map(({ type }) => type),
    ["accept", "finished"],
  );
}
{
  // A failed file is kept as such at once, and another list makes the last one's files strangers.
  const { transfers, transfer, receives } = receiving(files(2));
  transfers.kept.length = 0;
  receives(record(FAILED, 0, utf8("file_gone")), whole(1));
  check(transfers.kept, [["put", 0, { file: 0, reason: "file_gone" }]]);
  const [{ done }] = transfer.saved;
  transfers.linkDown();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: files(3) });
  transfer.accept();
  transfers.kept.length = 0;
  done();
  check([transfers.kept, transfer.unsaved], [[], 0]);
}
{
  // What was kept goes on; a file that had failed stays so.
  const transfers = page();
  const part = { index: 2, blobs: [] };
  const found = { entries: files(3), size: 15, outgoing: false, part };
  const failed = [{ file: 1, reason: "file_gone" }];
  const finished = { finishedFiles: new Set([0, 1]), archivedFiles: new Map(), sent: new Map() };
  transfers.store.load = async () => [{ ...found, id: ID, failed, ...finished }];
  await transfers.restore();
  check(transfers.all.get(ID).moved, 5);
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: files(3) });
  const [accept] = peer.sent;
  check(
    [accept.type, accept.skip, accept.partial[0].file],
    [
      "accept",
      [
        [0, 1],
        [1, 1],
      ],
      2,
    ],
  );
}

// --- an archive -----------------------------------------------------------------------------------

/** As `receiving`, but what arrives becomes an archive. */
async function archiving(entries) {
  const transfers = page();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: entries });
  const transfer = transfers.all.get(ID);
  await transfer.accept(true);
  const channel = { label: `files/${ID}/0` };
  peer.ondatachannel({ channel });
  const receives = (...records) => channel.onmessage({ data: concat(...records).buffer });
  peer.control.sent = [];
  return { transfers, peer, transfer, receives };
}
const namesOf = ({ saved }) => saved.map(({ name }) => name);
{
  // The browser gets one file, when everything is there. Until then nothing counts as finished.
  const { transfers, peer, transfer, receives } = await archiving(files(2));
  transfers.kept.length = 0;
  receives(whole(0));
  // The hash of what waits for its archive is kept, with its bytes.
  const [[, , number, { blob }], [kind, index, value]] = transfers.kept;
  check([number, blob.size, kind, index, value.file], [0, 5, "add", 0, 0]);
  check(value.crc32, 0x3610a686);
  check([namesOf(transfer), transfers.isMoving], [[], true]);
  receives(whole(1));
  check([namesOf(transfer), transfer.state, transfer.unsaved], [["Proxim.zip"], "active", 1]);
  check(
    peer.sent.map(({ type }) => type),
    ["progress"],
  );
  transfer.saved[0].done();
  check(peer.sent.slice(1), [{ type: "finished", transferID: ID, failed: [] }]);
  check([transfer.state, transfers.isMoving], ["done", false]);
  // If the sender has not received that, it hears it again, and the browser gets nothing twice.
  peer.control.onclose();
  const { peer: next } = linked(transfers);
  next.says({ type: "announce", files: files(2) });
  check(
    next.sent.map(({ type, skip }) => [type, skip]),
    [
      [
        "accept",
        [
          [0, 1],
          [1, 1],
        ],
      ],
      ["finished", undefined],
    ],
  );
  check(namesOf(transfer), ["Proxim.zip"]);
}
for (const reason of ["cancelled", "peer_vanished"]) {
  // What has arrived is not lost with the rest.
  const { transfers, transfer, receives } = await archiving(files(2));
  receives(whole(0));
  if (reason === "cancelled") transfer.cancel();
  else transfers.end(reason);
  check([transfer.reason, transfer.packedAs], [reason, "Proxim.zip"]);
  check([namesOf(transfer), transfers.isMoving], [["Proxim.zip"], true]);
  transfer.saved[0].done();
  check(transfers.isMoving, false);
}
{
  // Where nothing has arrived, there is no archive.
  const { transfer, receives } = await archiving(files(2));
  receives(record(FAILED, 0, utf8("file_gone")), record(FAILED, 1, utf8("file_gone")));
  check([transfer.state, namesOf(transfer)], ["failed", []]);
  const { transfer: other } = await archiving(files(2));
  other.cancel();
  check(namesOf(other), []);
}
{
  // One file has failed; the others are in the archive.
  const { peer, transfer, receives } = await archiving(files(2));
  receives(record(FAILED, 0, utf8("file_gone")), whole(1));
  check([...transfer.archive.files.keys()], [1]);
  transfer.saved[0].done();
  check(peer.sent.at(-1).failed, [{ file: 0, reason: "file_gone" }]);
  check(transfer.reason, "some_files_failed");
}
{
  // Folders alone make an archive, too, and have no bytes to wait for.
  const folders = ["a", "a/b"].map((path) => ({ path, size: 0, directory: true }));
  const { transfer } = await archiving(folders);
  check([transfer.isSeveral, namesOf(transfer)], [true, ["a.zip"]]);
}
{
  // What was kept goes on. A file of which the browser has lost a piece is asked for again.
  const transfers = page();
  const piece = (text) => new Blob([text]);
  const archivedFiles = new Map([
    [0, { blobs: [piece("hel"), piece("lo")], crc32: 1 }],
    [1, { blobs: [piece("hel")], crc32: 2 }],
  ]);
  const part = { index: 2, blobs: [piece("he")], hash: new Sha256().update(utf8("he")) };
  const found = {
    entries: files(3),
    size: 15,
    outgoing: false,
    archived: true,
    id: ID,
    failed: [],
  };
  const more = { finishedFiles: new Set(), archivedFiles, sent: new Map(), part };
  transfers.store.load = async () => [{ ...found, ...more, part: { ...part, crc32: HE_CRC32 } }];
  await transfers.restore();
  // The link opens without what makes archives. The sender is asked once that is loaded.
  const { peer } = linked(transfers);
  const transfer = transfers.all.get(ID);
  check([transfer.pending !== null, peer.sent], [true, []]);
  peer.says({ type: "announce", files: files(3) });
  check(peer.sent, [{ type: "unsupported", what: "announce" }]);
  while (transfer.pending) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  check(peer.sent, [{ type: "resume", tags: [`tag of ${ID}`] }]);
  check(transfers.kept, [["forget", 1]]);
  peer.says({ type: "announce", files: files(3) });
  const [{ skip, partial }] = peer.sent;
  check([skip, partial[0].file, partial[0].offset, transfer.moved], [[[0, 1]], 2, 2, 7]);
  const channel = { label: `files/${ID}/0` };
  peer.ondatachannel({ channel });
  const rest = [record(START, 2, u64(2)), record(DATA, 2, utf8("llo"))];
  channel.onmessage({
    data: concat(whole(1), ...rest, record(END, 2, sha256(HELLO))).buffer,
  });
  // The CRC-32 continues from what was kept with the last piece.
  check(
    Array.from(transfer.archive.files, ([index, { size, crc32 }]) => [index, size, crc32]),
    [
      [0, 5, 1],
      [1, 5, 0x3610a686],
      [2, 5, 0x3610a686],
    ],
  );
}
for (const archived of [false, true]) {
  // The browser had not been given a file when the page was loaded again, so the file comes once
  // more, and what has arrived of the next one waits for it.
  const transfers = page();
  const part = { index: 1, blobs: [new Blob(["hel"])], hash: new Sha256().update(utf8("hel")) };
  const found = {
    entries: files(2),
    size: 10,
    outgoing: false,
    archived,
    id: ID,
    failed: [],
    part,
  };
  const more = { finishedFiles: new Set(), archivedFiles: new Map(), sent: new Map() };
  transfers.store.load = async () => [{ ...found, ...more }];
  await transfers.restore();
  const { peer } = linked(transfers);
  const transfer = transfers.all.get(ID);
  while (transfer.pending) await new Promise((resolve) => setImmediate(resolve));
  peer.says({ type: "announce", files: files(2) });
  const channel = { label: `files/${ID}/0` };
  peer.ondatachannel({ channel });
  const rest = [
    record(START, 1, u64(3)),
    record(DATA, 1, utf8("lo")),
    record(END, 1, sha256(HELLO)),
  ];
  channel.onmessage({ data: concat(whole(0), ...rest).buffer });
  check([transfer.moved, transfer.saved.length], [10, archived ? 1 : 2]);
  for (const { done } of transfer.saved) done();
  check(transfer.state, "done");
}
for (const last of ["each", "no", "yes"]) {
  // The person taps something else while the module is loaded: the first choice that begins wins.
  const transfers = page();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: files(2) });
  const transfer = transfers.all.get(ID);
  const first = transfer.accept(true);
  if (last === "each") transfer.accept();
  else if (last === "no") transfer.decline();
  else await transfer.accept(true);
  await first;
  check(
    [Boolean(transfer.archive), transfer.state],
    {
      each: [false, "active"],
      no: [false, "cancelled"],
      yes: [true, "active"],
    }[last],
  );
  check(peer.sent.length, 1);
}

{
  // While the module is loaded, the host withdraws the transfer and asks about another list.
  const transfers = page();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: files(2) });
  const transfer = transfers.all.get(ID);
  const first = transfer.accept(true);
  peer.says({ type: "cancel" });
  peer.says({ type: "announce", files: files(3) });
  await first;
  check([transfer.state, peer.sent], ["asked", []]);
}

// --- a page that was frozen -----------------------------------------------------------------------

{
  const { transfer, peer, link, receives } = receiving(files(2));
  const ends = [];
  link.onClosed = (...end) => ends.push(end);
  now += 9_000;
  // The first record shows that the link is long dead, so the others must not be read.
  receives(whole(0), whole(1));
  check(ends, [["peer_vanished", true]]);
  check([transfer.state, transfer.failed, transfer.saved.length], ["waiting", [], 0]);
  check(peer.sent, []);
}

// --- announcements that are refused ---------------------------------------------------------------

/** Announce 1,000 files in three messages; `between` is called after the first. */
function announced(peer, between = () => {}) {
  const list = files(1000);
  peer.says({ type: "announce", files: list.slice(0, 400), more: true });
  between();
  peer.says({ type: "announce", files: list.slice(400, 800), more: true });
  peer.says({ type: "announce", files: list.slice(800) });
}
{
  // A transfer that was cancelled without a link is not asked about again.
  const transfers = page();
  let { peer } = linked(transfers);
  announced(peer);
  const transfer = transfers.all.get(ID);
  check(transfer.entries.length, 1000);
  transfer.accept();
  peer.control.onclose();
  transfer.cancel();
  ({ peer } = linked(transfers));
  announced(peer);
  check(
    peer.sent.map(({ type, reason }) => [type, reason]),
    [["cancel", "cancelled"]],
  );
  check(transfer.state, "cancelled");
  // The refusal ends with the list: a new try is asked about.
  announced(peer);
  check([transfer.state, transfer.entries.length], ["asked", 1000]);
}
for (const after of [5_000, 20_000]) {
  // The person cancels what does not move any more, because the link is dead already. What the host
  // must have received is not told again: another try is asked about.
  const { transfers, peer, transfer } = receiving(files(1));
  transfers.send([chosen("up")]);
  const sent = transfers.outgoing[0];
  peer.says({ type: "accept", transferID: sent.id });
  transfer.cancel();
  sent.cancel();
  now += after;
  peer.control.onclose();
  const { peer: next } = linked(transfers);
  const tags = [`tag of ${sent.id}`];
  next.says({ type: "resume", tags });
  next.says({ type: "announce", files: files(1) });
  const isLost = after < 10_000;
  check(
    next.sent.map(({ type, transferID }) => [type, transferID]),
    isLost
      ? [
          ["cancel", sent.id],
          ["cancel", ID],
        ]
      : [],
  );
  check(transfer.state, isLost ? "cancelled" : "asked");
}
{
  // The person cancels while the list arrives once more.
  const transfers = page();
  let { peer } = linked(transfers);
  announced(peer);
  const transfer = transfers.all.get(ID);
  transfer.accept();
  peer.control.onclose();
  ({ peer } = linked(transfers));
  announced(peer, () => transfer.cancel());
  check(transfer.state, "cancelled");
  check(
    peer.sent.map(({ type }) => type),
    ["cancel"],
  );
}
for (const [list, more, reason] of [
  [files(20_001), true, "too_many_files"],
  [files(4_200).map(({ path }) => ({ path: path.padEnd(1000), size: 0 })), true, "too_many_files"],
  [[], undefined, "nothing_to_send"],
]) {
  const transfers = page();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: list, more });
  if (more) peer.says({ type: "announce", files: files(3) });
  const transfer = transfers.all.get(ID);
  check(
    peer.sent.map(({ type, reason }) => [type, reason]),
    [["cancel", reason]],
  );
  // Without a list there is nothing to show.
  check([transfer.state, transfer.entries], ["failed", []]);
}
{
  // Where too many wait for the person, the rest of a further list is swallowed as well.
  const transfers = page();
  const { peer } = linked(transfers);
  for (let count = 0; count < 8; count++) {
    peer.says({ type: "announce", transferID: `${count}`.padEnd(22, "x"), files: files(1) });
  }
  announced(peer, () => peer.says({ type: "cancel", transferID: "0".padEnd(22, "x") }));
  check(
    peer.sent.map(({ reason }) => reason),
    ["too_many_transfers"],
  );
  check(transfers.all.get(ID), undefined);
}
for (const isDone of [true, false]) {
  // What was over stays so if its list begins to arrive once more, but never ends.
  const { transfers, peer, transfer, receives } = receiving(files(1));
  if (isDone) {
    receives(whole(0));
    transfer.saved[0].done();
  } else transfer.cancel();
  peer.says({ type: "announce", files: files(1), more: true });
  check(transfer.state, "arriving");
  transfers.end("peer_left");
  check(transfer.state, isDone ? "done" : "cancelled");
}
{
  // A list whose end never comes leaves nothing.
  const transfers = page();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: files(1), more: true });
  peer.control.onclose();
  check(transfers.all.get(ID).entries, []);
}

// --- limits, and what makes no sense --------------------------------------------------------------

for (const bad of [
  { path: "", size: 1 },
  { path: "x".repeat(1025), size: 1 },
  { path: "a", size: -1 },
]) {
  const transfers = page();
  const { peer } = linked(transfers);
  peer.says({ type: "announce", files: [bad] });
  check(peer.sent, [{ type: "unsupported", what: "announce" }]);
}
for (const modified of [null, "soon", 0.5]) {
  // Without a time, an archive has the present one and not 1970.
  const { transfer } = receiving([{ path: "a", size: 5, modified }]);
  check([transfer.state, transfer.entries[0].modified], ["active", undefined]);
}
for (const message of [
  { type: "resume", tags: 5 },
  { type: "resume" },
  { type: "accept", skip: 5 },
  { type: "accept", skip: [5] },
  { type: "accept", partial: {} },
]) {
  const transfers = page();
  const { peer } = linked(transfers);
  transfers.send([chosen("a")]);
  const [{ transferID }] = peer.sent;
  peer.says({ ...message, transferID });
  check(peer.sent, [{ type: "unsupported", what: message.type }]);
}
{
  // A null is the same as no field.
  const { transfer, peer } = receiving(files(1));
  peer.says({ type: "cancel", reason: null });
  check([transfer.state, transfer.reason], ["cancelled", "cancelled"]);
  peer.says({ type: "announce", files: files(1), left_out: null, more: null });
  check(transfer.state, "asked");
  const sender = sending(1);
  sender.says({ type: "accept", skip: null, partial: null, more: null });
  sender.written(3);
  sender.says({ type: "finished", failed: null, renamed: null, more: null });
  check(sender.transfer.state, "done");
}
{
  const { transfer, peer, receives } = receiving(files(1));
  receives(record(DATA, 0, []));
  check([transfer.state, peer.sent.at(-1).reason], ["failed", "transfer_failed"]);
}
{
  // Transfers that are over are not remembered without end.
  const transfers = page();
  const { peer } = linked(transfers);
  for (let count = 0; count < 200; count++) {
    const transferID = `${count}`.padStart(22, "x");
    peer.says({ type: "announce", transferID, files: files(1) });
    peer.says({ type: "cancel", transferID });
  }
  check(transfers.all.size <= 51, true);
}
{
  const transfers = page();
  const { peer } = linked(transfers);
  const ids = Array.from({ length: 65 }, (_, count) => `${count}`.padStart(22, "x"));
  for (const transferID of ids) {
    peer.says({ type: "announce", transferID, files: files(1) });
    transfers.all.get(transferID)?.accept();
  }
  check(transfers.alive.length, 64);
  check(peer.sent.at(-1).reason, "too_many_transfers");
}
{
  const { transfer, peer, receives } = receiving(files(1));
  receives(whole(0));
  transfer.saved[0].done();
  check(peer.sent.at(-1).type, "finished");
  transfer.cancel();
  check([transfer.state, peer.sent], ["done", []]);
}

{
  // Nothing begins after the session: what is chosen too late does not wait for ever, nor does what
  // was still being read from the store.
  const transfers = page();
  transfers.end("closed");
  transfers.send([chosen("a")]);
  const found = { entries: files(1), size: 5, failed: [], outgoing: true, id: ID };
  const more = { finishedFiles: new Set(), archivedFiles: new Map(), sent: new Map() };
  transfers.store.load = async () => [{ ...found, ...more }];
  await transfers.restore();
  check(
    Array.from(transfers.all.values(), ({ state, reason }) => [state, reason]),
    [
      ["failed", "closed"],
      ["failed", "closed"],
    ],
  );
}

// --- sending --------------------------------------------------------------------------------------

{
  // After a reload the person chooses the missing files together with another one.
  const transfers = page();
  const { peer } = linked(transfers);
  const lost = new Outgoing(ID, transfers);
  const entries = [{ path: "a", size: 3, modified: 1 }];
  lost.restore({ entries, size: 3, failed: [], finishedFiles: new Set() });
  transfers.add(lost);
  transfers.send([chosen("b"), chosen("a")]);
  check(
    lost.files.map(({ path }) => path),
    ["a"],
  );
  check(
    peer.sent.map(({ files: list }) => list.map(({ path }) => path)),
    [["b"]],
  );
  // What is not all of them is another transfer.
  const more = new Outgoing("B".repeat(22), transfers);
  const two = [...entries, { path: "c", size: 3, modified: 1 }];
  more.restore({ entries: two, size: 6, failed: [], finishedFiles: new Set() });
  transfers.add(more);
  transfers.send([chosen("c")]);
  check([more.files, peer.sent.length], [undefined, 1]);
}

/** A transfer whose files went with the page, of which the peer asks for the rest. */
function lostFiles(entries, sent = []) {
  const transfers = page();
  const { peer } = linked(transfers);
  const lost = new Outgoing(ID, transfers);
  const size = entries.reduce((total, one) => total + one.size, 0);
  const more = { failed: [], finishedFiles: new Set(), sent: new Map(sent) };
  lost.restore({ entries, size, ...more });
  transfers.add(lost);
  peer.says({ type: "resume", tags: [`tag of ${ID}`] });
  return { transfers, peer, lost };
}
const copyOf = (path, text, seconds) => ({
  file: new File([text], path, { lastModified: seconds * 1000 }),
  path,
});
{
  // Copies have other times. Each goes to a file with its path and size, the one with the right
  // time first; what is left over is another transfer, and the list stays as it was announced.
  const entries = ["F/a", "F/a", "F/b"].map((path, at) => ({ path, size: 3, modified: at + 1 }));
  const { transfers, peer, lost } = lostFiles(entries);
  const [a9, a2, a8] = [9, 2, 8].map((seconds) => copyOf("F/a", "aaa", seconds));
  const b = copyOf("F/b", "bbb", 7);
  transfers.send([a9, a2, b, a8]);
  check(lost.files, [a9, a2, b]);
  check([...lost.restamped], [0, 2]);
  const announced = peer.sent.map(({ transferID, files: list }) => [transferID === ID, list]);
  check(announced, [
    [true, entries],
    [false, [{ path: "F/a", size: 3, modified: 8 }]],
  ]);
}
{
  // Another size is another file.
  const { transfers, lost } = lostFiles([{ path: "a", size: 3, modified: 1 }]);
  transfers.send([copyOf("a", "four", 1)]);
  check(lost.files, undefined);
}
for (const isCancelled of [false, true]) {
  // What arrived before the page was loaded again is not sent once more, unless the copy has other
  // contents: that is another transfer.
  const entries = ["a", "b", "c"].map((path) => ({ path, size: 3, modified: 1 }));
  const sent = ["aaa", "bbb", "ccc"].map((text, at) => [at, toBase64url(sha256(text))]);
  const { transfers, peer, lost } = lostFiles(entries, sent);
  transfers.send([copyOf("a", "new", 5), copyOf("b", "bbb", 5), copyOf("c", "odd", 1)]);
  const sendChanged = lost.sendChanged.bind(lost);
  let changedSent;
  lost.sendChanged = () => (changedSent = sendChanged());
  peer.says({ type: "accept", skip: [[0, 3]] });
  if (isCancelled) lost.cancel();
  else peer.says({ type: "finished" });
  await changedSent;
  const others = [...transfers.all.values()].filter((one) => one !== lost);
  check(
    others.map((one) => one.entries),
    isCancelled ? [] : [[{ path: "a", size: 3, modified: 5 }]],
  );
}

/** A linked page that sends so many files of 3 bytes, which the peer has accepted. */
function sending(count) {
  const transfers = page();
  const { peer, link } = linked(transfers);
  transfers.send(Array.from({ length: count }, (_, at) => chosen(`${at}`)));
  const [transfer] = transfers.all.values();
  const { id: transferID } = transfer;
  const says = (message) => peer.says({ transferID, ...message });
  const accepted = (...skip) => says({ type: "accept", skip });
  const written = (bytes) => {
    transfer.stream.sent = bytes;
    says({ type: "progress", generation: 0, written: bytes });
  };
  peer.control.sent = [];
  return { transfers, peer, link, transfer, says, accepted, written };
}
for (const skip of [
  Array(3).fill([0, 2]),
  [
    [0, 2],
    [1, 1],
  ],
  [[0, 1.5]],
  [[0, 0]],
  [["0", 1]],
  [[1, 2]],
]) {
  // Spans that cover more than was announced could take minutes to count. A sound answer follows.
  const { transfer, says, peer, accepted } = sending(2);
  says({ type: "accept", skip });
  check([transfer.state, peer.sent], ["announced", [{ type: "unsupported", what: "accept" }]]);
  says({ type: "accept", skip: [[0, 1]], more: true });
  says({ type: "accept", skip: [[0, 2]], more: true });
  check(transfer.state, "announced");
  accepted([1, 1]);
  check([transfer.state, [...transfer.skipped]], ["active", [0, 1]]);
}
{
  // Nobody can finish what was not accepted, or not written.
  const { transfer, says, peer, accepted, written } = sending(2);
  says({ type: "finished" });
  check([transfer.state, peer.sent], ["announced", [{ type: "unsupported", what: "finished" }]]);
  accepted();
  written(5);
  says({ type: "finished" });
  check([transfer.state, transfer.reason], ["failed", "transfer_failed"]);
}
{
  const { transfer, says, accepted, written } = sending(2);
  accepted();
  written(6);
  says({ type: "finished" });
  check(transfer.state, "done");
}
for (const written of [undefined, "2", 1e400, {}]) {
  // No bar can show what is no number, and nothing would be drawn after it.
  const { transfer, says, peer, accepted } = sending(1);
  accepted();
  says({ type: "progress", generation: 0, written });
  check([transfer.moved, peer.sent], [0, [{ type: "unsupported", what: "progress" }]]);
}
{
  // Three files arrived before the link was lost, so the one that fails is not all of them.
  const { transfers, transfer, accepted, peer } = sending(4);
  accepted();
  peer.control.onclose();
  const { peer: next } = linked(transfers);
  const { id: transferID } = transfer;
  next.says({ type: "resume", tags: [`tag of ${transferID}`] });
  next.says({ type: "accept", transferID, skip: [[0, 3]] });
  const failed = [{ file: 3, reason: "file_changed" }];
  next.says({ type: "finished", transferID, failed: [{ file: 9, reason: "file_changed" }] });
  check([transfer.state, next.sent.at(-1).type], ["active", "unsupported"]);
  next.says({ type: "finished", transferID, failed });
  check([transfer.state, transfer.reason], ["failed", "some_files_failed"]);
}
{
  // The host says which files have other names there.
  const { transfer, says, accepted, written } = sending(2);
  accepted();
  written(6);
  const { path } = transfer.entries[0];
  const renamed = [{ path, name: "another" }];
  says({ type: "finished", renamed, more: true });
  // What was not announced, or was named already, is not believed.
  const odd = [{ path: 1 }, { path: "other", name: "x" }, { path, name: "a third" }];
  says({ type: "finished", renamed: odd, more: true });
  says({ type: "finished", renamed: 5 });
  check(transfer.state, "active");
  says({ type: "finished", failed: [] });
  check(transfer.state, "done");
  check(transfer.renamed, renamed);
}
{
  // After a lost link the host says it again.
  const { transfers, transfer, accepted, written, says, peer } = sending(2);
  accepted();
  written(6);
  const { id: transferID } = transfer;
  const renamed = [{ path: transfer.entries[1].path, name: "another" }];
  says({ type: "finished", renamed, more: true });
  check(transfer.renamed, renamed);
  peer.control.onclose();
  const { peer: next } = linked(transfers);
  next.says({ type: "resume", tags: [`tag of ${transferID}`] });
  check([transfer.state, transfer.renamed], ["announced", []]);
}
{
  // The page says so, too, and knows what the host leaves out.
  const odd = ["folder/a:b\\c", "folder/plain", "u\u0308"].map((path) => ({ path, size: 5 }));
  const { peer, transfer, receives } = receiving(odd);
  receives(whole(0), whole(1), whole(2));
  check(
    transfer.saved.map(({ name }) => name),
    ["a_b_c", "plain", "\u00fc"],
  );
  for (const { done } of transfer.saved) done();
  const renamed = [{ path: odd[0].path, name: "a_b_c" }];
  check(peer.sent.slice(-2), [
    { type: "finished", transferID: ID, renamed, more: true },
    { type: "finished", transferID: ID, failed: [] },
  ]);
  check(transfer.renamed, renamed);
}
for (const receivingSome of [receiving, archiving]) {
  // So it does where only some have arrived when the transfer is cancelled.
  const odd = ["a:b", "c:d"].map((path) => ({ path, size: 5 }));
  const { transfer, receives } = await receivingSome(odd);
  receives(whole(0));
  transfer.cancel();
  check(transfer.renamed, [{ path: "a:b", name: "a_b" }]);
}
{
  const transfers = page();
  const { peer } = linked(transfers);
  const left = (path) => [{ path, reason: "not_a_file" }];
  peer.says({ type: "announce", files: [], left_out: left("pipe"), more: true });
  for (const wrong of [null, {}, { path: "" }, { path: "x".repeat(1025) }]) {
    peer.says({ type: "announce", files: files(1), left_out: [wrong], more: true });
    check(peer.sent.at(-1).type, "unsupported");
  }
  peer.says({ type: "announce", files: files(1), left_out: left("folder/link") });
  const [transfer] = transfers.all.values();
  check([transfer.state, transfer.leftOut], ["asked", [...left("pipe"), ...left("folder/link")]]);
}
for (const isLinkLost of [true, false]) {
  // The stream's channel closes before the link's end is noticed, or on its own.
  const { transfer, accepted, peer } = sending(1);
  accepted();
  peer.stream.readyState = "closed";
  await new Promise((resolve) => setImmediate(resolve));
  later.length = 0;
  peer.stream.dispatchEvent(new Event("close"));
  await new Promise((resolve) => setImmediate(resolve));
  check([transfer.state, later.length], ["active", 1]);
  if (isLinkLost) peer.control.onclose();
  for (const act of later.splice(0)) act();
  await new Promise((resolve) => setImmediate(resolve));
  check(transfer.state, isLinkLost ? "waiting" : "failed");
}
console.log(checks);
