// test_names.py runs this script with a file of names and of what Python makes of them. It prints how
// many checks it made.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import "./outside_browser.mjs";

const { savedName, shown } = await import("../../proxim/web/sanitize.mjs");

let checks = 0;
const { saved, seen } = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const [text, wanted] of saved) {
  assert.equal(savedName(text), wanted, JSON.stringify(text));
  checks += 1;
}
for (const [text, wanted] of seen) {
  assert.equal(shown(text, Infinity), wanted, JSON.stringify(text));
  checks += 1;
}
console.log(checks);
