// test_names.py runs this script with a file of names and of what Python makes of them. It prints how
// many checks it made.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import "./outside_browser.mjs";

const { savedName } = await import("../../proxim/web/sanitize.mjs");

let checks = 0;
for (const [text, wanted] of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  assert.equal(savedName(text), wanted, JSON.stringify(text));
  checks += 1;
}
console.log(checks);
