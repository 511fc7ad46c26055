// Node imports this before the page's modules. It provides what ask.mjs reads when it is loaded, as
// in a browser without an invitation.
globalThis.location = { hash: "", pathname: "/" };
globalThis.history = { replaceState() {} };
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "" } });
// The rest of the page is not loaded here, so no timers may run.
globalThis.setTimeout = () => undefined;
globalThis.setInterval = () => undefined;
