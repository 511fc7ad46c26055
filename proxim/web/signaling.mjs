// From a dialled socket to an open link: request, proof, decision, descriptions. One attempt, no second try (session.mjs).
// Must never be here: what a person sees, what moves on the link.

import { Link } from "./link.mjs";

// As the program has them as a guest (docs/protocol.md).
const DIAL_MS = 4_000;
const CHALLENGE_MS = 10_000;
const ANSWER_MS = 45_000;
const OPEN_MS = 15_000;
const MAX_CANDIDATES = 14; // the host takes 16 and refuses a signal too many

/** Why something ended: a word of the program's table; `said` is the host's own sentence for a word that we do not know. */
export class Failure extends Error {
  constructor(reason, said = null) {
    super(reason);
    this.reason = reason;
    this.said = said;
  }
}

/** A signaling socket whose messages are awaited one by one. */
class Socket {
  constructor(url) {
    this.messages = [];
    this.waiting = null;
    this.end = null;
    this.heard = false;
    const early = globalThis.dialled; // by dial.mjs, for the first attempt
    globalThis.dialled = null;
    this.raw = early && early.readyState <= WebSocket.OPEN ? early : new WebSocket(url);
    if (this.raw.readyState === WebSocket.OPEN) this.arrived({ type: "opened" });
    this.raw.onopen = () => this.arrived({ type: "opened" });
    this.raw.onmessage = (event) => this.read(event.data);
    this.raw.onclose = () => this.fail(new Failure(this.heard ? "host_gone" : "no_answer"));
  }

  read(text) {
    this.heard = true;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      message = null;
    }
    if (message === null || typeof message !== "object") this.fail(new Failure("host_error"));
    else if (message.type === "error") this.fail(new Failure(String(message.code), String(message.message)));
    else if (message.type === "session_ended") this.fail(new Failure(String(message.reason)));
    else this.arrived(message);
  }

  arrived(message) {
    this.messages.push(message);
    this.waiting?.();
  }

  fail(failure) {
    this.end ??= failure;
    this.waiting?.();
  }

  /** The next message, if it is of that type. Throws Failure. */
  async next(types, milliseconds, late) {
    if (!this.messages.length && !this.end) {
      await new Promise((resolve) => {
        const timer = setTimeout(() => this.fail(new Failure(late)), milliseconds);
        this.waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.waiting = null;
    }
    if (!this.messages.length) throw this.end;
    const message = this.messages.shift();
    if (!types.includes(message.type)) throw new Failure("host_error");
    return message;
  }

  send(message) {
    if (this.raw.readyState === WebSocket.OPEN) this.raw.send(JSON.stringify(message));
  }

  close() {
    this.raw.onclose = this.raw.onmessage = null;
    this.fail(new Failure("disconnected"));
    this.raw.close(1000);
  }
}

/**
 * Ask, prove, wait for the decision and open the link. `proof` is null where the link held no secret.
 * `step(name)` tells "asked" and "approved"; `signal` ends it. Gives the Link; throws Failure.
 */
export async function join({ sessionID, proof, device, step, signal }) {
  const socket = new Socket(`ws://${location.host}/ws`);
  const stop = () => socket.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await socket.next(["opened"], DIAL_MS, "no_answer");
    await ask(socket, sessionID, proof, device, step);
    step("approved");
    return await open(socket, sessionID, proof, device);
  } finally {
    signal.removeEventListener("abort", stop);
    socket.close(); // the link does not need it
  }
}

async function ask(socket, sessionID, proof, device, step) {
  socket.send({ type: "pair_request", sessionID, deviceInfo: device, ...(proof && { auth: proof.request() }) });
  let answer;
  if (proof) {
    answer = await socket.next(["pair_challenge", "pair_result"], CHALLENGE_MS, "host_unproven");
    if (answer.type === "pair_challenge") {
      try {
        socket.send({ type: "pair_confirm", sessionID, auth: proof.confirm(answer.auth) });
      } catch {
        throw new Failure("host_unproven");
      }
      answer = null;
    } else if (answer.status !== "rejected") {
      throw new Failure("host_unproven"); // approved before we have confirmed
    }
  }
  if (!answer) {
    step("asked");
    answer = await socket.next(["pair_result"], ANSWER_MS, "no_answer");
  }
  if (answer.status !== "approved") throw new Failure(String(answer.reason ?? "declined"));
  if (proof && !proof.hostProved("approved", answer.auth)) throw new Failure("host_unproven");
}

async function open(socket, sessionID, proof, device) {
  // No server: only the local network. Chromium, Firefox and Safari hide the addresses of a page without camera rights
  // behind `.local` names (draft-ietf-mmusic-mdns-ice-candidates, 3.1; Safari offers nothing else: webrtc-rs/rtc#116);
  // the host takes such a name to mean the address of our WebSocket. Old iOS tells none at all (aiortc#219,
  // feross/simple-peer#414): then the host learns ours from our checks (peer-reflexive, RFC 8445, 7.3.1.3).
  const peer = new RTCPeerConnection({ iceServers: [] });
  const send = (payload) => socket.send({ type: "signal", sessionID, payload: proof ? proof.seal(payload) : payload });
  let link = null;
  try {
    const control = peer.createDataChannel("control");
    const opened = new Promise((resolve, reject) => {
      control.onopen = resolve;
      peer.onconnectionstatechange = () => {
        if (peer.connectionState === "failed") reject(new Failure("ice_failed"));
      };
      setTimeout(() => reject(new Failure("link_timeout")), OPEN_MS);
    });
    link = new Link(peer, control, device.name, proof); // it must listen before the channel opens
    let left = MAX_CANDIDATES;
    peer.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate || candidate.protocol === "tcp" || left-- <= 0) return;
      send({ candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex });
    };
    const offer = await peer.createOffer();
    send({ sdp: offer.sdp, type: "offer" }); // before its candidates, which come once it is set
    await peer.setLocalDescription(offer);
    await Promise.race([opened, answers(socket, peer, proof).then(() => opened)]);
    return link;
  } catch (error) {
    link?.drop();
    peer.close();
    throw error instanceof Failure ? error : new Failure("bad_description");
  }
}

/** Takes the host's signals until the link is open; ends only by throwing. */
async function answers(socket, peer, proof) {
  let answered = false;
  while (!(answered && peer.connectionState === "connected")) {
    const { payload } = await socket.next(["signal"], OPEN_MS, "link_timeout");
    if (proof && !proof.opens(payload)) throw new Failure("tampered");
    if (payload.sdp !== undefined) {
      if (answered) throw new Failure("tampered");
      answered = true;
      await peer.setRemoteDescription({ type: "answer", sdp: payload.sdp });
    } else if (payload.candidate) {
      await peer.addIceCandidate({ candidate: payload.candidate, sdpMid: payload.sdpMid ?? "0", sdpMLineIndex: payload.sdpMLineIndex });
    }
  }
}
