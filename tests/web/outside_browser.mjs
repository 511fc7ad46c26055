// Node imports this before the page's modules. It provides what they read when they are loaded, as in
// a browser without an invitation.
import { readFileSync } from "node:fs";
import vm from "node:vm";

globalThis.location = { hash: "", pathname: "/" };
globalThis.history = { replaceState() {} };
// No page is ever parsed here, so the rest of it is not loaded, nor its style.
globalThis.document = {
  addEventListener() {},
  createElement: () => ({}),
  documentElement: {},
  head: { append() {} },
};
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "" } });
// Nothing waits, so no timers may run.
globalThis.setTimeout = () => undefined;
globalThis.setInterval = () => undefined;

const source = readFileSync(new URL("../../proxim/web/first.js", import.meta.url), "utf8");

/** Run the script that stands in the page itself, as a page does that is loaded now. */
export function runFirst() {
  vm.runInThisContext(source, { filename: "first.js" });
  return globalThis.proximFirst;
}
runFirst();
