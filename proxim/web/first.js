"use strict";

// This script asks the host. io/pairing/page.py puts it into the page itself, so that the request
// goes out before anything else has to be loaded. Modules take from `proximFirst` what it has made;
// pairing/ask.mjs hears what the host answers.
var proximFirst = (() => {
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
  // The host asks its person for this long. An app's own browser passes the whole address on when
  // it is told to open the page in another one.
  const FRAGMENT_MS = 40_000;
  // After this time the rest of the page is loaded even if the request could not be sent yet.
  const LOAD_ANYWAY_MS = 1_000;
  const RELOAD_MS = 1_000;
  // The page is shown without its style after this time; until then it is only light or dark.
  const SHOW_ANYWAY_MS = 2_000;

  /** @param {Uint8Array} bytes */
  function toBase64url(bytes) {
    const base64 = btoa(String.fromCharCode(...bytes));
    return base64.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  const randomID = () => toBase64url(crypto.getRandomValues(new Uint8Array(16)));

  /**
   * Return what `remember` stored, or null. A private window may forbid storage.
   * @param {"localStorage" | "sessionStorage"} storage
   * @param {string} key
   */
  function recall(storage, key) {
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
  function remember(storage, key, value) {
    try {
      globalThis[storage].setItem(`proxim-${key}`, value);
    } catch {
      // Without storage, the page forgets everything when it is loaded again.
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
  function browserName() {
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
  function readInvitation(fragment) {
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

  // A browser would ask for a style in the page before the socket, which would wait behind it.
  function loadStyle() {
    const { documentElement, head } = document;
    const show = () => (documentElement.hidden = false);
    documentElement.hidden = true;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "style.css";
    style.onload = style.onerror = show;
    head.append(style);
    setTimeout(show, SHOW_ANYWAY_MS);
  }

  const openSocket = () => new WebSocket(`ws://${location.host}/ws`);

  /**
   * Ask the host as soon as the socket is open. What it says is kept until somebody hears it.
   * @param {Pass} pass
   * @param {Device} device
   * @param {WebSocket} [socket]
   * @param {() => void} [onSent]
   */
  function dial({ method, session }, device, socket = openSocket(), onSent = () => {}) {
    const share = crypto.getRandomValues(new Uint8Array(SHARE_BYTES));
    const auth = method && { v: 1, m: method, y: toBase64url(share) };
    const request = { sessionID: session, type: "pair_request", deviceInfo: device, auth };
    /** @type {SocketEvent[]} */
    const events = [];
    /** @type {Dialled} */
    const dialled = { session, share, socket, events, hear: (event) => events.push(event) };
    /** @param {SocketEvent} event */
    const hear = (event) => dialled.hear(event);
    socket.onopen = (event) => {
      socket.send(JSON.stringify(request));
      hear(event);
      onSent();
    };
    socket.onmessage = socket.onclose = hear;
    return dialled;
  }

  const found = readInvitation(location.hash);
  const scanned = found && { ...found, link: location.href };
  // The address has an invitation of which something was lost.
  const isIncomplete = Boolean(location.hash) && !scanned;
  /**
   * Without a secret nothing can be proved, and a person decides before anything is sent.
   * @param {Pass | null} pass
   */
  const mayAsk = (pass) => pass?.secret && globalThis.RTCPeerConnection;
  // The socket opens while what is stored is read, which takes a browser some time at first.
  const early = mayAsk(scanned) ? openSocket() : undefined;
  loadStyle();
  /** @type {Device} */
  const device = {
    name: known("name") || browserName(),
    id: known("device") || randomID(),
  };
  /** @type {Pass | null} */
  const kept = JSON.parse(recall("sessionStorage", "session") ?? "null");
  // A page that is loaded again goes on with what its tab has kept, if the address is bare, or has
  // the invitation from which that came and proves less. Otherwise its person has opened a link.
  const provesMore = kept?.method === "resume" || (kept?.secret && !scanned?.secret);
  const goesOn = kept && (!location.hash || (scanned?.session === kept.invited && provesMore));
  /**
   * From the QR code, or kept by this tab for when the page is loaded again.
   * @type {Pass | null}
   */
  const invitation = goesOn ? kept : scanned;
  let restIsLoading = false;
  const isParsed = new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));

  /** Load the modules, which would delay the request if they were loaded before it. */
  async function loadRest() {
    // A second try might succeed after the first has failed, and the page would be loaded again
    // while its person is asked.
    if (restIsLoading) return;
    restIsLoading = true;
    // The modules look for the elements of the page.
    await isParsed;
    try {
      await import("./app.mjs");
    } catch (error) {
      // A browser that is too old does not get better by loading the page again; a poor network
      // may.
      if (error instanceof SyntaxError) throw error;
      setTimeout(() => location.reload(), RELOAD_MS);
    }
  }

  // A person who has decided that an earlier page of this tab should not ask any more decides
  // again.
  const firstDialled =
    invitation && mayAsk(invitation) && !invitation.ended
      ? dial(invitation, { ...device }, early, loadRest)
      : null;
  // It was opened for an invitation that asks nobody.
  if (!firstDialled) early?.close();

  /** Remove the secret from the address, and so from the history. */
  function clearFragment() {
    history.replaceState(null, "", location.pathname);
  }
  if (invitation && invitation.method !== "resume") setTimeout(clearFragment, FRAGMENT_MS);
  else clearFragment();
  remember("localStorage", "device", device.id);
  remember("sessionStorage", "session", JSON.stringify(invitation));
  setTimeout(loadRest, firstDialled ? LOAD_ANYWAY_MS : 0);

  return {
    browserName,
    clearFragment,
    device,
    dial,
    firstDialled,
    invitation,
    isIncomplete,
    randomID,
    readInvitation,
    recall,
    remember,
    toBase64url,
  };
})();
