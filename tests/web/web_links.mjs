// test_web_links.py runs this script with a file of texts and of the addresses that Python finds in
// them. It prints how many checks it made.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const { pieces } = await import("../../proxim/web/link/web_links.mjs");

let checks = 0;
for (const { text, links } of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const found = pieces(text);
  const addresses = found.filter(({ isAddress }) => isAddress);
  assert.deepEqual(
    addresses.map((one) => one.text),
    links,
    JSON.stringify(text),
  );
  // Nothing of the text is lost.
  assert.equal(found.map((one) => one.text).join(""), text);
  checks += 1;
}
console.log(checks);
