// The first module to run: it reads the invitation and asks the host. It imports nothing, so that
// the request goes out before any other module has to be loaded. session.mjs handles the answer.

const SHARE_BYTES = 32;
// A fragment is read by the rules of core/pairing/invite_link.py, which says why.
const GAP = "[\\s>]*";
/**
 * @param {number} count
 * @param {string} unit
 */
const exactly = (count, unit) => `(?:${unit}${GAP}){${count - 1}}${unit}`;
// 16 bytes in base64url: of the last character only two bits are used.
const SECRET = `((?:[\\w-]${GAP}){21}[AQgw])`;
const UUID = [8, 4, 4, 4, 12].map((count) => exactly(count, "[\\dA-Fa-f]")).join(`${GAP}-${GAP}`);
const NEW_FORM = `${SECRET}?${GAP}\\.${GAP}(${exactly(22, "[\\w-]")})${GAP}\\.${GAP}${UUID}`;
const EQUALS = `${GAP}=${GAP}`;
const KEY = `${EQUALS}((?:[\\w-]${GAP}){1,64})&${GAP}`;
const OLD_FORM = `s${KEY}u${KEY}k${EQUALS}${SECRET}`;
// What writers put around a link, and the "&" that HTML leaves behind it
const OPENING = "[\\s>\"'\\x60<({\\[«»“”„‚‘’‹›]*";
const FRAGMENT = new RegExp(`^#${OPENING}(?:${NEW_FORM}|${OLD_FORM})(?!&*[\\w=%-])`);
// The host asks its person for this long. An app's own browser passes the whole address on when it
// is told to open the page in another one.
const FRAGMENT_MS = 40_000;
// After this time the rest of the page is loaded even if the request could not be sent yet.
const LOAD_ANYWAY_MS = 1_000;
const RELOAD_MS = 1_000;
// These WebSocket close codes mean a broken frame, no UTF-8, and a message that is too large.
const BROKEN_MESSAGE_CODES = [1002, 1007, 1009];

/** Why a request or a link ended: a reason of docs/protocol.md, and the host's own sentence. */
export class Failure extends Error {
  /**
   * @param {string} reason
   * @param {string} [sentence]
   */
  constructor(reason, sentence) {
    super(reason);
    this.reason = reason;
    this.sentence = sentence;
  }
}

/**
 * Return the message in `data`, or an empty one if `data` is no JSON.
 * @param {any} data
 * @returns {Message}
 */
export function parse(data) {
  try {
    return JSON.parse(data) ?? {};
  } catch {
    return {};
  }
}

/** @param {Uint8Array} bytes */
export function toBase64url(bytes) {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export const randomID = () => toBase64url(crypto.getRandomValues(new Uint8Array(16)));

/**
 * Whether this browser can open a link at all. Policies and Lockdown Mode remove the constructor;
 * extensions replace it by one that throws.
 */
export function canLink() {
  try {
    new RTCPeerConnection().close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Return what `remember` stored, or null. A private window may forbid storage.
 * @param {"localStorage" | "sessionStorage"} storage
 * @param {string} key
 */
export function recall(storage, key) {
  try {
    return globalThis[storage].getItem(`proxim-${key}`);
  } catch {
    return null;
  }
}

/**
 * @param {"localStorage" | "sessionStorage"} storage
 * @param {string} key
 * @param {string} value
 */
export function remember(storage, key, value) {
  try {
    globalThis[storage].setItem(`proxim-${key}`, value);
  } catch {
    // Without storage, the page forgets everything when it is loaded again.
  }
}

// The script in index.html opens this socket while the browser still loads this module.
const early = /** @type {{ earlySocket?: WebSocket | null }} */ (globalThis);

/** One request: its WebSocket, and the host's messages in the order in which they are read. */
export class PairRequest {
  share = crypto.getRandomValues(new Uint8Array(SHARE_BYTES));
  // The reasons for a message that no host sends, and for one of another session. With a proof they
  // become "tampered".
  unreadableReason = "host_error";
  strangerReason = "host_error";
  answered = false;
  mayClose = false;
  /** @type {Message[]} */
  messages = [];
  /** @type {Failure | null} */
  end = null;
  wake = () => {};

  /**
   * @param {Pass} pass
   * @param {Device} device
   */
  constructor({ method, session }, device) {
    this.sessionID = session;
    const auth = method && { v: 1, m: method, y: toBase64url(this.share) };
    this.socket = early.earlySocket || new WebSocket(`ws://${location.host}/ws`);
    early.earlySocket = null;
    this.opened = this.untilOpen().then(() => {
      this.send({ type: "pair_request", deviceInfo: device, auth });
      this.arrived({ type: "opened", sessionID: session });
    });
    this.socket.onmessage = ({ data }) => {
      this.answered = true;
      this.arrived(parse(data));
    };
    this.socket.onclose = ({ code }) => {
      if (BROKEN_MESSAGE_CODES.includes(code)) this.fail(this.unreadableReason);
      else if (!this.mayClose) this.fail(this.answered ? "host_gone" : "no_answer");
    };
    // The early socket may have been refused before.
    if (this.socket.readyState > WebSocket.OPEN) this.fail("no_answer");
  }

  /** @returns {Promise<void>} */
  untilOpen() {
    return new Promise((resolve) => {
      this.socket.onopen = () => resolve();
      if (this.socket.readyState === WebSocket.OPEN) resolve();
    });
  }

  /** @param {Message} message */
  send(message) {
    this.socket.send(JSON.stringify({ sessionID: this.sessionID, ...message }));
  }

  /** @param {Message} message */
  arrived(message) {
    const { type, sessionID } = message;
    // An error need not name the session.
    if (typeof sessionID === "string" && sessionID !== this.sessionID) {
      this.fail(this.strangerReason);
    } else if (type === "error") this.fail(String(message.code), String(message.message ?? ""));
    else if (type === "session_ended" && sessionID) this.fail(String(message.reason));
    else this.messages.push(message);
    this.wake();
  }

  /**
   * @param {string} reason
   * @param {string} [sentence]
   */
  fail(reason, sentence) {
    this.end ??= new Failure(reason, sentence);
    this.wake();
  }

  /**
   * Return the next message, which must have one of `types`. Throws the failure that ended the
   * request; it fails for the reason `late` if no message arrives within `ms` milliseconds.
   * @param {number} ms
   * @param {string} late
   * @param {...string} types
   */
  async next(ms, late, ...types) {
    const timer = setTimeout(() => this.fail(late), ms);
    while (!this.messages.length && !this.end) {
      await new Promise((resolve) => {
        this.wake = () => resolve(null);
      });
    }
    clearTimeout(timer);
    const message = this.messages.shift();
    if (!message) throw this.end;
    if (!types.includes(message.type) || message.sessionID !== this.sessionID) {
      throw new Failure(this.unreadableReason);
    }
    return message;
  }

  /** @param {number} code */
  close(code) {
    this.socket.onclose = this.socket.onmessage = null;
    this.messages = [];
    this.fail("disconnected");
    this.socket.close(code);
  }
}

// What a user agent contains, and the name for it. The order matters, as browsers also name those
// that they resemble.
const BROWSERS = {
  Edg: "Edge",
  SamsungB: "Samsung Internet",
  OPR: "Opera",
  OPT: "Opera",
  Firefox: "Firefox",
  FxiOS: "Firefox",
  Chrome: "Chrome",
  CriOS: "Chrome",
  Safari: "Safari",
};
const SYSTEMS = {
  Android: "Android",
  iPhone: "iPhone",
  iPad: "iPad",
  Mac: "Mac",
  Windows: "Windows",
  CrOS: "ChromeOS",
  Linux: "Linux",
};

/** Return a name such as "Chrome on Android". */
export function browserName() {
  /** @param {Record<string, string>} names */
  const find = (names) =>
    Object.entries(names).find(([mark]) => navigator.userAgent.includes(mark))?.[1];
  const browser = find(BROWSERS) ?? "Browser";
  const system = find(SYSTEMS);
  if (!system) return browser;
  // An iPad calls itself a Mac, but no Mac has a touch screen.
  const isTablet = system === "Mac" && navigator.maxTouchPoints > 1;
  return `${browser} on ${isTablet ? "iPad" : system}`;
}

/**
 * Return the invitation in a fragment, or null if it is not whole.
 * @param {string} fragment
 * @returns {Pass | null}
 */
export function readInvitation(fragment) {
  let text = fragment;
  try {
    text = decodeURIComponent(fragment);
  } catch {
    // A lost end may leave half an escape sequence; nothing of ours is escaped.
  }
  const plain = text.normalize("NFKC").replace(/[\p{Cf}\p{DI}]/gu, "");
  const found = FRAGMENT.exec(plain.replace(/&(?:amp;)+/g, "&"));
  if (!found) return null;
  const [secret, session] = [found[1] ?? found[5], found[2] ?? found[3]].map((one) =>
    one?.replace(/[\s>]/g, ""),
  );
  const invited = { session, invited: session };
  return secret ? { ...invited, method: "psk", secret } : invited;
}

/** @param {string} key */
function known(key) {
  const text = recall("localStorage", key) ?? "";
  // The host refuses more bytes.
  return new Blob([text]).size <= 64 && text;
}

/** @type {Device} */
export const device = {
  name: known("name") || browserName(),
  id: known("device") || randomID(),
};
const found = readInvitation(location.hash);
const scanned = found && { ...found, link: location.href };
/** @type {Pass | null} */
const kept = JSON.parse(recall("sessionStorage", "session") ?? "null");
// A page that is loaded again goes on with what its tab has kept, if the address is bare, or has the
// invitation from which that came and proves less. Otherwise its person has opened a link.
const provesMore = kept?.method === "resume" || (kept?.secret && !scanned?.secret);
const goesOn = kept && (!location.hash || (scanned?.session === kept.invited && provesMore));
/**
 * From the QR code, or kept by this tab for when the page is loaded again.
 * @type {Pass | null}
 */
export const invitation = goesOn ? kept : scanned;
/** The address has an invitation of which something was lost. */
export const isIncomplete = Boolean(location.hash) && !scanned;
// Without a secret nothing can be proved, and a person decides before anything is sent; so does one
// who has decided that an earlier page of this tab should not ask any more.
export const firstRequest =
  invitation?.secret && !invitation.ended && globalThis.RTCPeerConnection
    ? new PairRequest(invitation, { ...device })
    : null;
// It was opened for an invitation that asks nobody.
if (early.earlySocket) early.earlySocket.close();

/** Remove the secret from the address, and so from the history. */
export function clearFragment() {
  history.replaceState(null, "", location.pathname);
}
if (invitation && invitation.method !== "resume") setTimeout(clearFragment, FRAGMENT_MS);
else clearFragment();
remember("localStorage", "device", device.id);
remember("sessionStorage", "session", JSON.stringify(invitation));

let restIsLoading = false;

/** Load the other modules, which would delay the request if they were loaded before it. */
function loadRest() {
  // A second try might succeed after the first has failed, and the page would be loaded again while
  // its person is asked.
  if (restIsLoading) return;
  restIsLoading = true;
  import("../app.mjs").catch((error) => {
    // A browser that is too old does not get better by loading the page again; a poor network may.
    if (!(error instanceof SyntaxError)) setTimeout(() => location.reload(), RELOAD_MS);
  });
}
firstRequest?.opened.then(loadRest);
setTimeout(loadRest, firstRequest ? LOAD_ANYWAY_MS : 0);
