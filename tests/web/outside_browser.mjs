// Imported before the page's modules in Node: what ask.mjs looks at when it is loaded, as a browser
// without an invitation has it.
globalThis.location = { hash: "", pathname: "/" };
globalThis.history = { replaceState() {} };
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "" } });
// The rest of the page is not loaded here, and nothing ticks by itself.
globalThis.setTimeout = () => undefined;
globalThis.setInterval = () => undefined;
