// Dials the host while the rest is still loading; signaling.mjs takes the socket over. Must never be here: anything else.
if (/[#&]s=/.test(location.hash)) globalThis.dialled = new WebSocket(`ws://${location.host}/ws`);
