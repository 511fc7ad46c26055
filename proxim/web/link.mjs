// One open link: greeting, heartbeat, text, goodbye, and the data channels of transfers.
// Must never be here: signaling, what a transfer is (transfers.mjs), what a person sees.

// As the program has them (docs/protocol.md, Link).
const PING_MS = 1_000;
const SILENCE_MS = 4_500;
const ASLEEP_MS = 2 * PING_MS; // a tick so late: it was this page that slept
const DEAD_MS = 8_000; // asleep for so long, the host has given us up: 4.5 to 5.5 s after our last ping
const FAREWELL_MS = 500;
const PIECE_CHARACTERS = 8_192;
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_STRANGE = 8;
const BYE_REASONS = ["closed", "expired", "tampered", "peer_error"];

/**
 * `on` is set by the owner: text(text), file(message), stream(channel), greeted(), closed(reason, mayResume).
 * What comes before that waits.
 */
export class Link {
  constructor(peer, control, name, proof) {
    this.peer = peer;
    this.control = control;
    this.proof = proof;
    this.features = [];
    this.peerName = null;
    this.over = false;
    this.pieces = [];
    this.pieceBytes = 0;
    this.strange = 0;
    this.early = [];
    this.on = null;
    this.heard = this.ticked = Date.now();
    control.onmessage = (event) => this.deliver(() => this.message(event.data));
    control.onclose = () => this.deliver(() => this.lost("peer_left", true));
    control.addEventListener("open", () => {
      this.heard = this.ticked = Date.now();
      this.say({ type: "hello", version: 1, features: ["text", "files"], name });
      this.ticking = setInterval(() => this.tick(), PING_MS);
    });
    peer.addEventListener("datachannel", ({ channel }) => {
      channel.binaryType = "arraybuffer"; // now: its first messages must not come as Blobs
      const waiting = [];
      channel.onmessage = (event) => waiting.push(event);
      this.deliver(() => this.on.stream(channel, waiting));
    });
    peer.addEventListener("connectionstatechange", () => {
      if (peer.connectionState === "failed") this.deliver(() => this.lost("peer_vanished", true));
    });
  }

  /** From now on everything goes to `on`. */
  listen(on) {
    this.on = on;
    for (const event of this.early.splice(0)) event();
  }

  deliver(event) {
    if (this.on) event();
    else this.early.push(event);
  }

  say(message) {
    if (this.control.readyState === "open") this.control.send(JSON.stringify(message));
  }

  /** False where it is more than a link carries. */
  sendText(text) {
    const whole = text.toWellFormed ? text.toWellFormed() : text;
    if (new TextEncoder().encode(whole).length > MAX_TEXT_BYTES) return false;
    const characters = Array.from(whole); // by code points: no pair is cut
    for (let at = 0; at === 0 || at < characters.length; at += PIECE_CHARACTERS) {
      const more = at + PIECE_CHARACTERS < characters.length;
      this.say({ type: "text", text: characters.slice(at, at + PIECE_CHARACTERS).join(""), ...(more && { more }) });
    }
    return true;
  }

  openStream(label) {
    const channel = this.peer.createDataChannel(label);
    channel.binaryType = "arraybuffer";
    return channel;
  }

  /**
   * The largest message that both sides take: 64 KiB, or less where a browser says so (RFC 8841, 6.1). The 16 KiB of old
   * advice were for Firefox before 57 (blog.mozilla.org/webrtc/large-data-channel-messages); maxMessageSize is missing
   * before Firefox 113 and Safari 15.4. Blobs are not sent: Chromium takes them from 129 on only.
   */
  get messageBytes() {
    return Math.min(65_536, this.peer.sctp?.maxMessageSize || 65_536);
  }

  /** Leave for good. */
  close(reason = "disconnected") {
    if (this.over) return;
    this.say({ type: "bye", reason });
    this.stop();
    setTimeout(() => this.peer.close(), FAREWELL_MS);
  }

  /** Let go of it without a word. */
  drop() {
    this.stop();
    this.peer.close();
  }

  stop() {
    this.over = true;
    this.early = [];
    clearInterval(this.ticking);
  }

  lost(reason, mayResume) {
    if (this.over) return;
    this.drop();
    this.on.closed(reason, mayResume);
  }

  tick() {
    const now = Date.now();
    const slept = now - this.ticked;
    this.ticked = now;
    if (slept > DEAD_MS) this.lost("peer_vanished", true);
    else if (slept > ASLEEP_MS) this.heard = now;
    else if (this.features.length && now - this.heard >= SILENCE_MS) this.lost("peer_vanished", true);
    else this.say({ type: "ping" });
  }

  message(data) {
    if (this.over) return;
    this.heard = Date.now();
    let message = null;
    try {
      message = typeof data === "string" ? JSON.parse(data) : null;
    } catch {
      // it is counted below
    }
    switch (message?.type) {
      case "hello":
        this.features = Array.isArray(message.features) ? message.features : [];
        if (!this.features.length) this.features = ["text"];
        this.peerName = String(message.name ?? "");
        return this.on.greeted();
      case "text":
        return this.piece(String(message.text ?? ""), message.more === true);
      case "bye":
        return this.lost(BYE_REASONS.includes(message.reason) ? message.reason : "peer_left", false);
      case "announce":
      case "accept":
      case "continue":
      case "progress":
      case "finished":
      case "cancel":
      case "resume":
        return this.on.file(message);
      case "ping":
      case "unsupported":
        return undefined;
      default:
        return this.notUnderstood(message?.type ?? "bad_json");
    }
  }

  notUnderstood(what) {
    this.strange += 1;
    if (this.strange <= MAX_STRANGE) return this.say({ type: "unsupported", what: String(what).slice(0, 64) });
    this.say({ type: "bye", reason: "peer_error" });
    return this.lost("peer_error", false);
  }

  piece(text, more) {
    this.pieces.push(text);
    this.pieceBytes += new TextEncoder().encode(text).length;
    if (this.pieceBytes > MAX_TEXT_BYTES) {
      this.say({ type: "bye", reason: "peer_error" });
      return this.lost("peer_error", false);
    }
    if (more) return undefined;
    const whole = this.pieces.join("");
    this.pieces = [];
    this.pieceBytes = 0;
    return this.on.text(whole);
  }
}
