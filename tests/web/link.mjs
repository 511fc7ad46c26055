// test_link.py runs this script: the page's link with a feature that only this test has. It prints
// how many checks it made.
import assert from "node:assert/strict";
import "./outside_browser.mjs";

const { Link } = await import("../../proxim/web/link/link.mjs");
const { Texts, sendText } = await import("../../proxim/web/link/texts.mjs");

// After how many milliseconds the page would do something
const later = [];
globalThis.setTimeout = (_, ms) => later.push(ms);
let checks = 0;
const check = (found, wanted) => {
  assert.deepEqual(found, wanted);
  checks += 1;
};

/** A peer connection whose other end is this test. */
class FakePeer extends EventTarget {
  connectionState = "connected";
  control = { readyState: "open", sent: [], send: (text) => this.control.sent.push(text) };

  createDataChannel() {
    return this.control;
  }

  close() {
    this.closed = true;
  }

  /** The messages that the page has sent since the last call. */
  get sent() {
    return this.control.sent.splice(0).map((text) => JSON.parse(text));
  }

  says(message) {
    this.control.onmessage({ data: JSON.stringify(message) });
  }
}

/** A feature that is not a part of the page. */
class Drawing {
  word = "drawing";
  calls = [];

  message({ type, points }) {
    if (type !== "stroke") return false;
    this.calls.push(points);
    return true;
  }

  channel({ label }) {
    return label.startsWith("drawing/");
  }

  linkUp() {
    this.calls.push("up");
  }

  linkDown() {
    this.calls.push("down");
  }
}

function opened() {
  const texts = [];
  const [peer, drawing] = [new FakePeer(), new Drawing()];
  const features = [new Texts((text) => texts.push(text)), drawing];
  const link = new Link(peer, { name: "phone", proof: null, features });
  const ends = [];
  link.onClosed = (...end) => ends.push(end);
  peer.control.onopen();
  return { link, peer, drawing, texts, ends };
}

{
  // A feature has its word in `hello`, its message and its channel, and learns of link up and down.
  const { peer, drawing, ends } = opened();
  check(peer.sent, [{ type: "hello", version: 1, features: ["text", "drawing"], name: "phone" }]);
  peer.says({ type: "hello", version: 1, features: ["drawing", "unknown"], name: "host" });
  peer.says({ type: "stroke", points: [1, 2] });
  check(drawing.calls, ["up", [1, 2]]);
  peer.ondatachannel({ channel: { label: "drawing/1" } });
  check(peer.sent, []);
  // A channel that no feature knows is answered on that channel.
  const answers = [];
  const channel = { label: "painting/1", readyState: "open", send: (text) => answers.push(text) };
  peer.ondatachannel({ channel });
  check(answers.map(JSON.parse), [{ type: "unsupported", what: "channel" }]);
  check(peer.sent, []);
  peer.control.onclose();
  check(drawing.calls, ["up", [1, 2], "down"]);
  check(ends, [["peer_left", true]]);
  // A link ignores messages after its end.
  peer.says({ type: "stroke", points: [3] });
  check(drawing.calls.length, 3);
}
{
  // The host does not have the feature, so the feature learns of no link.
  const { link, peer, drawing } = opened();
  peer.says({ type: "hello", version: 1 });
  check([link.greeted, link.peerName, drawing.calls], [true, "", []]);
}
{
  // Messages that no feature knows are answered, but not without limit.
  const { peer, ends } = opened();
  check(peer.sent.length, 1);
  for (const message of [{ type: "x".repeat(100) }, {}, "no object"]) peer.says(message);
  check(
    peer.sent.map(({ type, what }) => [type, what]),
    [
      ["unsupported", "x".repeat(64)],
      ["unsupported", "bad_json"],
      ["unsupported", "bad_json"],
    ],
  );
  for (let count = 0; count < 6; count++) peer.says({ type: "ping" });
  for (let count = 0; count < 6; count++) peer.says({ type: "what" });
  check(peer.sent.at(-1), { type: "bye", reason: "peer_error" });
  check(ends, [["peer_error", false]]);
  // The goodbye has time to arrive.
  check([peer.closed, later.at(-1)], [undefined, 500]);
}
{
  // A field of a wrong type counts as a message that nobody knows.
  const { peer, drawing, ends } = opened();
  drawing.message = ({ points }) => points.map(Number).length > 0;
  check(peer.sent.length, 1);
  peer.says({ type: "stroke", points: 5 });
  check([peer.sent, ends], [[{ type: "unsupported", what: "stroke" }], []]);
}
{
  // Only a link whose peer has said hello is lost when it closes without a goodbye.
  const { peer, ends } = opened();
  peer.control.onclose();
  check(ends, [["peer_left", false]]);
}
{
  // A peer that refuses what we sent has left; it was not the peer that sent something wrong.
  const { peer, ends } = opened();
  peer.says({ type: "hello", version: 1 });
  peer.says({ type: "bye", reason: "peer_error" });
  check(ends, [["peer_left", false]]);
}
{
  // A text arrives in pieces, with other messages between them.
  const { peer, texts, ends } = opened();
  peer.says({ type: "text", text: "Grüße, ", more: true });
  peer.says({ type: "ping" });
  peer.says({ type: "text", text: "Ana" });
  peer.says({ type: "text", text: "" });
  check(texts, ["Grüße, Ana"]);
  for (let count = 0; count < 33; count++) {
    peer.says({ type: "text", text: "x".repeat(32 * 1024), more: true });
  }
  check(texts.length, 1);
  check(ends, [["peer_error", false]]);
}
{
  // Half a text of a lost link must not become part of the next link's text.
  const texts = [];
  const feature = new Texts((text) => texts.push(text));
  const [first, next] = [{}, {}];
  feature.message({ type: "text", text: "lost", more: true }, first);
  feature.message({ type: "text", text: "whole" }, next);
  check(texts, ["whole"]);
}
{
  const { link, peer } = opened();
  check(peer.sent.length, 1);
  check(sendText(link, `${"x".repeat(8191)}🙂y`), true);
  check(peer.sent, [
    { type: "text", text: `${"x".repeat(8191)}🙂`, more: true },
    { type: "text", text: "y" },
  ]);
  // What nobody would get is not sent.
  peer.control.readyState = "closing";
  check([sendText(link, "late"), link.isOpen], [false, false]);
  peer.control.readyState = "open";
  check(sendText(link, "x".repeat(1024 * 1024 + 1)), false);
  check(peer.sent, []);
  // A list is split where its message is full.
  link.sendList({ type: "t" }, "list", ["x".repeat(40_000), "y", "z"], { end: 1 });
  check(
    peer.sent.map(({ list, ...rest }) => [list.length, rest]),
    [
      [1, { type: "t", more: true }],
      [2, { type: "t", end: 1 }],
    ],
  );
  link.sendList({ type: "t" }, "list", []);
  check(peer.sent, [{ type: "t", list: [] }]);
  link.close();
  check(peer.sent, [{ type: "bye", reason: "disconnected" }]);
}
console.log(checks);
