// The host's screen as this page may see it: what was asked and allowed, and the channel of its
// pictures.

// The host's person has 40 seconds, and then the answer has its way.
const ASKING_MS = 45_000;
// The limits of core/screen/messages.py
const ID = /^[\w-]{22}$/;
const MAX_MONITORS = 16;
const MAX_NAME_BYTES = 64;
const MAX_SIDE = 8192;
// What is larger than a picture may be is made smaller before it is sent.
const MAX_MONITOR_SIDE = 8 * MAX_SIDE;
const MAX_REASON = 64;

export class Share {
  /** @type {ShareStage} */
  stage = "none";
  // Why the last share or question ended, or why control was not given or was taken
  reason = "";
  // Whether the host was asked for control and has not answered
  asksControl = false;
  // Whether the person asked to control it or could, so that asking again means both
  wantsControl = false;
  /** @type {Link | null} */
  link = null;
  // The share's secret id
  id = "";
  monitor = 0;
  /** @type {Monitor[]} */
  monitors = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

  /**
   * @param {object} on
   * @param {() => void} on.changed
   * @param {(channel: RTCDataChannel) => void} on.pictures
   * @param {() => void} on.ended
   */
  constructor(on) {
    this.on = on;
  }

  get isSeen() {
    return ["viewed", "controlled", "paused"].includes(this.stage);
  }

  /** @param {Link} link */
  linkUp(link) {
    this.link = link;
    // A person who looked goes on looking, if the host's person lets them.
    if (this.stage === "lost") this.ask();
  }

  linkDown() {
    this.link = null;
    this.id = "";
    this.asksControl = false;
    clearTimeout(this.timer);
    if (this.isSeen) this.set("lost");
    else if (this.stage !== "lost" && this.stage !== "ended") this.end("peer_vanished");
  }

  /** Ask for what the person had or asked for before: to see the screen, or also to control it. */
  ask() {
    if (!this.link || this.stage === "asking" || this.id) return;
    this.link.send({ type: "screen_ask", ...(this.wantsControl ? { control: true } : {}) });
    this.timer = setTimeout(() => {
      this.link?.send({ type: "screen_stop" });
      this.end("timeout");
    }, ASKING_MS);
    this.set("asking");
  }

  askControl() {
    if (this.stage !== "viewed" || this.asksControl) return;
    this.asksControl = this.wantsControl = true;
    this.link?.send({ type: "screen_ask", control: true });
    this.set("viewed");
  }

  /** See what is offered. */
  look() {
    if (this.stage === "offered") this.set("viewed");
  }

  /**
   * Say what this view can use. The host begins with the first.
   * @param {number} monitor
   * @param {number} width
   * @param {number} height
   * @param {number} ratio
   */
  tellView(monitor, width, height, ratio) {
    if (!this.isSeen) return;
    this.link?.send({
      type: "screen_view",
      id: this.id,
      monitor,
      w: Math.min(Math.max(Math.round(width), 1), MAX_SIDE),
      h: Math.min(Math.max(Math.round(height), 1), MAX_SIDE),
      dpr: Math.min(Math.max(ratio, 0.1), 20),
    });
  }

  /** @param {string} [reason] */
  stop(reason = "") {
    if (this.stage === "none" || this.stage === "ended") return;
    this.link?.send({ type: "screen_stop", ...(this.id ? { id: this.id } : {}) });
    this.end(reason);
  }

  /** @param {string} reason is empty if the person here wanted it */
  end(reason) {
    clearTimeout(this.timer);
    this.id = "";
    this.asksControl = false;
    this.set("ended", reason);
    this.on.ended();
  }

  /**
   * @param {ShareStage} stage
   * @param {string} [reason]
   */
  set(stage, reason = "") {
    this.stage = stage;
    this.reason = reason;
    this.on.changed();
  }

  /**
   * Handle what the host allows; return false if it cannot be read.
   * @param {Message} message
   */
  state(message) {
    const { view, control = false, reason = "" } = message;
    const isText = typeof reason === "string" && reason.length <= MAX_REASON;
    if (typeof view !== "boolean" || typeof control !== "boolean" || !isText) return false;
    if (!view) {
      // An answer to what was withdrawn in the meantime says nothing.
      const isAnswer = this.id || this.stage === "asking";
      if (isAnswer) this.end(reason || "closed");
      return true;
    }
    const monitors = readMonitors(message.monitors);
    const isListed = monitors?.some(({ id }) => id === message.monitor);
    if (!monitors || !isListed || !ID.test(message.id)) return false;
    const isNew = message.id !== this.id;
    const wanted = this.stage === "asking" || (this.isSeen && !isNew);
    clearTimeout(this.timer);
    if (isNew && this.isSeen) this.on.ended();
    this.id = message.id;
    this.monitor = message.monitor;
    this.monitors = monitors;
    if (isNew || control || (reason && reason !== "paused")) this.asksControl = false;
    if (!wanted) this.wantsControl = false;
    if (control) this.wantsControl = true;
    if (!wanted) this.set("offered");
    else if (reason === "paused") this.set("paused");
    else this.set(control ? "controlled" : "viewed", reason);
    return true;
  }

  /**
   * @param {RTCDataChannel} channel
   */
  channel(channel) {
    if (!this.isSeen || channel.label !== `screen/${this.id}`) return false;
    this.on.pictures(channel);
    return true;
  }
}

/**
 * Return the monitors; null if a field is not as the protocol says.
 * @param {unknown} list
 * @returns {Monitor[] | null}
 */
function readMonitors(list) {
  if (!Array.isArray(list) || list.length > MAX_MONITORS) return null;
  const monitors = list.map((one) => {
    const { id, name, w, h } = one ?? {};
    const isSize = (/** @type {unknown} */ side) =>
      Number.isInteger(side) && Number(side) > 0 && Number(side) <= MAX_MONITOR_SIDE;
    const isName = typeof name === "string" && name.length <= MAX_NAME_BYTES;
    return Number.isInteger(id) && isName && isSize(w) && isSize(h)
      ? { id, name, width: w, height: h }
      : null;
  });
  const found = monitors.filter((one) => one !== null);
  const ids = new Set(found.map(({ id }) => id));
  return found.length === list.length && ids.size === list.length ? found : null;
}
