// A request to the host, and what its answers mean. first.js has sent the first one by then, and
// this module hands on what that script made. session.mjs handles the answers.

export const { browserName, clearFragment, device, dial, invitation, isIncomplete } = proximFirst;
export const { randomID, readInvitation, recall, remember, toBase64url } = proximFirst;

// These WebSocket close codes mean a broken frame, no UTF-8, and a message that is too large.
const BROKEN_MESSAGE_CODES = [1002, 1007, 1009];
// A host on the LAN answers a close within milliseconds; one that is gone never does.
const CLOSE_MS = 1_000;

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

/** One request: its WebSocket, and the host's messages in the order in which they are read. */
export class PairRequest {
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
  /** @type {Promise<void> | null} */
  closed = null;

  /** @param {Dialled} dialled */
  constructor(dialled) {
    this.dialled = dialled;
    this.sessionID = dialled.session;
    this.share = dialled.share;
    dialled.hear = (event) => this.hear(event);
    for (const event of dialled.events) this.hear(event);
  }

  /** @param {SocketEvent} event */
  hear(event) {
    if ("data" in event) {
      this.answered = true;
      this.arrived(parse(event.data));
    } else if (!("code" in event)) this.arrived({ type: "opened", sessionID: this.sessionID });
    else if (BROKEN_MESSAGE_CODES.includes(event.code)) this.fail(this.unreadableReason);
    else if (!this.mayClose) this.fail(this.answered ? "host_gone" : "no_answer");
  }

  /** @param {Message} message */
  send(message) {
    this.dialled.socket.send(JSON.stringify({ sessionID: this.sessionID, ...message }));
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

  /**
   * Close the socket. The promise is kept when the host has closed it, too, or after a while.
   * @param {number} code
   * @returns {Promise<void>}
   */
  close(code) {
    this.closed ??= new Promise((resolve) => {
      this.dialled.hear = (event) => {
        if ("code" in event) resolve();
      };
      setTimeout(resolve, CLOSE_MS);
    });
    this.messages = [];
    this.fail("disconnected");
    this.dialled.socket.close(code);
    return this.closed;
  }
}

export const firstRequest = proximFirst.firstDialled && new PairRequest(proximFirst.firstDialled);
