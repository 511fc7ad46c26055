// test_screen_modules.py runs this script with a file of messages that Python has packed, and what
// Python's own reader makes of them. It prints how many checks it made.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const { Broken, ScreenReader } = await import("../../proxim/web/screen/updates.mjs");
const { imageSize } = await import("../../proxim/web/screen/image_size.mjs");

const { channels, pictures } = JSON.parse(readFileSync(process.argv[2], "utf8"));
let checks = 0;
const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** What Python writes of the same message */
function plain(message) {
  if (message === null) return null;
  if (message.kind === "shape") {
    const { id, width, height, x, y, png } = message;
    return { kind: "shape", id, width, height, x, y, png: hex(png) };
  }
  if (message.kind !== "update") return message;
  const tiles = message.tiles.map(({ content, ...tile }) => ({ ...tile, content: hex(content) }));
  return { kind: "update", number: message.number, tiles };
}

for (const { messages } of channels) {
  const reader = new ScreenReader();
  for (const { message, wanted, broken } of messages) {
    const bytes = Uint8Array.from(Buffer.from(message, "hex"));
    if (broken) assert.throws(() => reader.read(bytes.buffer), Broken, message.slice(0, 80));
    else assert.deepEqual(plain(reader.read(bytes.buffer)), wanted, message.slice(0, 80));
    checks += 1;
  }
}
for (const { format, bytes, size } of pictures) {
  assert.deepEqual(imageSize(Uint8Array.from(Buffer.from(bytes, "hex")), format), size);
  checks += 1;
}
console.log(checks);
