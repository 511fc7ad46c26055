// Injected into a page that shows a screen: reads the time in the picture (bench/drawing.py) at each
// of the browser's pictures, and counts what arrives.
(() => {
  const BITS = 20;
  const CHECK_BITS = 4;
  const SQUARE = 16;
  const WIDTH = 1920;
  const HEIGHT = 1080;
  // With `bothEnds` a value counts only once the lower end of the picture has it, too.
  const seen = { values: [], bytes: 0, value: -1, first: null, bothEnds: false };
  window.seen = seen;
  let show;
  seen.shown = new Promise((shown) => (show = () => shown(true)));

  const size = (data) => (data instanceof Blob ? data.size : (data.byteLength ?? data.length));
  const count = (event) => (seen.bytes += size(event.data));
  // A proxy and no subclass, since noVNC looks at what a socket itself has.
  const watched = (kind, watch) =>
    new Proxy(kind, {
      construct(target, given) {
        const made = new target(...given);
        watch(made);
        return made;
      },
    });
  window.WebSocket = watched(window.WebSocket, (socket) =>
    socket.addEventListener("message", count),
  );
  window.RTCPeerConnection = watched(window.RTCPeerConnection, (peer) =>
    peer.addEventListener("datachannel", (event) => {
      if (event.channel.label.startsWith("screen/")) {
        event.channel.addEventListener("message", count);
      }
    }),
  );

  const probe = document.createElement("canvas");
  probe.width = (BITS + CHECK_BITS) * SQUARE;
  probe.height = 1;
  const context = probe.getContext("2d", { willReadFrequently: true });

  seen.canvas = () => {
    for (const canvas of document.querySelectorAll("canvas")) {
      if (canvas.width === WIDTH) return canvas;
    }
    return null;
  };

  // The value in the picture; -1 if it is half of two pictures.
  function read() {
    const canvas = seen.canvas();
    if (!canvas) return -1;
    const value = readAt(canvas, 0);
    if (seen.bothEnds && readAt(canvas, HEIGHT - SQUARE) !== value) return -1;
    return value;
  }

  function readAt(canvas, top) {
    context.drawImage(canvas, 0, top + SQUARE / 2, probe.width, 1, 0, 0, probe.width, 1);
    const pixels = context.getImageData(0, 0, probe.width, 1).data;
    let value = 0;
    let check = 0;
    for (let bit = 0; bit < BITS + CHECK_BITS; bit++) {
      const one = pixels[(bit * SQUARE + SQUARE / 2) * 4 + 1] > 127 ? 1 : 0;
      if (bit < BITS) value = (value << 1) | one;
      else check = (check << 1) | one;
    }
    let sum = 0;
    for (let at = 0; at < BITS; at += CHECK_BITS) sum += (value >> at) & 15;
    return (sum & 15) === check ? value : -1;
  }

  function look() {
    const value = read();
    if (value >= 0 && value !== seen.value) {
      seen.value = value;
      seen.first ??= Date.now();
      show();
      seen.values.push([value, Date.now() % (1 << BITS)]);
    }
    requestAnimationFrame(look);
  }
  requestAnimationFrame(look);

  seen.reset = (bothEnds) => {
    seen.bothEnds = bothEnds;
    seen.values = [];
    seen.bytes = 0;
  };

  // Press a key so many times; return the milliseconds until each was seen.
  seen.keys = async (times, pause) => {
    const took = [];
    const next = () => new Promise((drawn) => requestAnimationFrame(drawn));
    for (let key = 0; key < times; key++) {
      const before = seen.value;
      const target = document.activeElement ?? document.body;
      const fields = { key: "a", code: "KeyA", keyCode: 65, bubbles: true, cancelable: true };
      const began = performance.now();
      target.dispatchEvent(new KeyboardEvent("keydown", fields));
      target.dispatchEvent(new KeyboardEvent("keyup", fields));
      while (seen.value === before && performance.now() - began < 3000) await next();
      took.push(seen.value === before ? null : performance.now() - began);
      await new Promise((rested) => setTimeout(rested, pause));
    }
    return took;
  };
})();
