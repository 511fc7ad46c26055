// One session from its invitation to its end: it asks the host, proves itself, opens the link, and
// resumes a link that was lost.

import { Failure, PairRequest, canLink, clearFragment, dial } from "./ask.mjs";
import { remember, toBase64url } from "./ask.mjs";
import { Proof } from "./proof.mjs";
import { fromBase64url } from "../bytes.mjs";
import { Link } from "../link/link.mjs";

// The program uses the same times (docs/protocol.md).
const DIAL_MS = 4_000;
const CHALLENGE_MS = 10_000;
// The host asks its person for this long.
const ASK_MS = 40_000;
const ANSWER_MS = 45_000;
const OPEN_MS = 15_000;
// The host keeps the guest's place for this long.
export const RESUME_MS = 120_000;
const REDIAL_MS = 2_000;
// The host uses no more candidates.
const MAX_CANDIDATES = 16;
const INVITATION_SECRET_BYTES = 16;
const RESUME_SECRET_BYTES = 32;
const NORMAL_CLOSE = 1000;
// The WebSocket closes with this code for these reasons, as the host cannot see that its messages
// were changed.
const TAMPERED_CLOSE = 4401;
const TAMPERED_REASONS = ["tampered", "host_unproven"];
// After a failure for one of these reasons, the next attempt may succeed.
const RETRYABLE = [
  "no_answer",
  "host_gone",
  "host_error",
  "timeout",
  "busy",
  "ice_failed",
  "link_timeout",
  "too_many",
  "bad_description",
  "unattended",
];
// These ends were decided by a person. A page that is loaded again does not ask by itself then.
const DECIDED = ["declined", "disconnected", "link_copied"];
// After an end for one of these reasons, a person may try again, unless a link was open: most
// invitations are used up then.
const MAY_RETRY = [...RETRYABLE, ...DECIDED, "no_offer"];

/** @param {unknown} error */
const failureOf = (error) => (error instanceof Failure ? error : new Failure("internal"));

export class Session {
  over = false;
  /** @type {Link | null} */
  link = null;
  /**
   * What the link needs of this side, while the host's person decides
   * @type {Promise<Prepared> | null}
   */
  prepared = null;
  // While resume() waits, this ends its pause: the network or the person is back.
  wake = () => {};

  /**
   * `request`, if given, was made with `pass`. `onStep` receives each state, and `onLinked` each
   * link that opens, which carries `features`.
   * @param {object} options
   * @param {Pass} options.pass
   * @param {Device} options.device
   * @param {PairRequest | null} options.request
   * @param {Feature[]} options.features
   * @param {(state: SessionState) => void} options.onStep
   * @param {(link: Link) => void} options.onLinked
   */
  constructor({ pass, device, request, features, onStep, onLinked }) {
    /** @type {Pass | null} */
    this.pass = pass;
    this.invited = pass.invited;
    this.device = device;
    this.request = request;
    this.features = features;
    this.onStep = onStep;
    this.onLinked = onLinked;
  }

  async start() {
    if (!this.pass) return;
    if (this.pass.method === "resume") {
      await this.resume("peer_vanished");
      return;
    }
    this.keep(this.pass);
    this.onStep({ step: "dialing" });
    try {
      await this.attempt(this.pass);
    } catch (error) {
      this.finish(failureOf(error));
    }
  }

  /** The promise is kept when the host knows. */
  leave(reason = "disconnected") {
    this.finish(new Failure(reason));
    const closed = this.request?.close(NORMAL_CLOSE);
    this.link?.close();
    this.wake();
    return closed;
  }

  /**
   * Ask once, and open the link. Throws the failure that prevents it.
   * @param {Pass} pass
   */
  async attempt(pass) {
    const resumes = pass.method === "resume";
    // Nobody is asked in vain. With a proof the host asks its person only once we have confirmed,
    // and what takes a browser some 10 ms need not delay the request.
    if (!pass.secret && !canLink()) throw new Failure("no_webrtc");
    const request = (this.request ??= new PairRequest(dial(pass, this.device)));
    /** @type {Pass | null} */
    let nextPass = null;
    let closeCode = NORMAL_CLOSE;
    try {
      const proof = this.proofFor(pass, request);
      await request.next(DIAL_MS, "no_answer", "opened");
      if (!canLink()) throw new Failure("no_webrtc");
      await this.decision(request, proof, resumes);
      if (proof) {
        const secret = toBase64url(proof.key("resume"));
        nextPass = { method: "resume", session: proof.resumeName, secret };
      }
      // The next try is made with the newest proof, even if no link opens now.
      if (resumes) this.keep(nextPass);
      let opening;
      try {
        opening = this.open(request, proof, await (this.prepared ?? this.prepare(proof)));
      } finally {
        // The offer is on its way before this takes its time.
        clearFragment();
        if (!resumes) this.onStep({ step: "approved" });
      }
      this.link = await opening;
    } catch (error) {
      if (TAMPERED_REASONS.includes(failureOf(error).reason)) closeCode = TAMPERED_CLOSE;
      throw error;
    } finally {
      request.close(closeCode);
      this.request = null;
      this.prepared?.then(
        ({ link }) => link.drop(),
        () => {},
      );
      this.prepared = null;
    }
    if (this.over) {
      this.link.close();
      return;
    }
    this.keep(nextPass);
    this.onStep({ step: "connected" });
    this.link.onClosed = (reason, mayResume) => {
      if (mayResume && this.pass) this.resume(reason);
      else this.finish(new Failure(reason));
    };
    this.onLinked(this.link);
  }

  /**
   * @param {Pass} pass
   * @param {PairRequest} request
   */
  proofFor({ method, session, secret }, request) {
    if (!method) return null;
    const length = method === "resume" ? RESUME_SECRET_BYTES : INVITATION_SECRET_BYTES;
    const bytes = fromBase64url(secret, length);
    // Without a proof the host would be believed unseen.
    if (!bytes) throw new Failure("link_unreadable");
    return new Proof(method, session, this.device, bytes, request.share);
  }

  /**
   * Prove ourselves and wait for the host's answer. Throws a failure unless it approves.
   * @param {PairRequest} request
   * @param {Proof | null} proof
   * @param {boolean} resumes
   */
  async decision(request, proof, resumes) {
    /** @type {Message | null} */
    let answer = null;
    if (proof) {
      // While a link is resumed, the network may break off again.
      const late = resumes ? "no_answer" : "host_unproven";
      const first = await request.next(CHALLENGE_MS, late, "pair_challenge", "pair_result");
      if (first.type === "pair_challenge") {
        const auth = proof.confirm(first.auth);
        if (!auth) throw new Failure("host_unproven");
        request.send({ type: "pair_confirm", auth });
        request.strangerReason = "tampered";
      } else {
        answer = first;
      }
    }
    if (!answer) {
      // To a resumed request the host answers without asking its person.
      if (!resumes) {
        this.onStep({ step: "asked", until: Date.now() + ASK_MS });
        this.prepared = this.prepare(proof);
        // If it fails, open() throws it, too.
        this.prepared.catch(() => {});
      }
      const ms = resumes ? CHALLENGE_MS : ANSWER_MS;
      answer = await request.next(ms, "no_answer", "pair_result");
    }
    if (answer.status !== "approved") throw new Failure(String(answer.reason ?? "declined"));
    if (!proof) return;
    if (!proof.hostProved("approved", answer.auth)) throw new Failure("host_unproven");
    request.unreadableReason = "tampered";
  }

  /**
   * Make the peer with its keys, and the signal with its offer, which is ready to be sent then. Its
   * addresses wait for the approval, because the browser tells the network their `.local` names.
   * @param {Proof | null} proof
   * @returns {Promise<Prepared>}
   */
  async prepare(proof) {
    const peer = new RTCPeerConnection({ iceServers: [] });
    const link = new Link(peer, { name: this.device.name, proof, features: this.features });
    try {
      const offering = peer.createOffer();
      proof?.prepare();
      const offer = await offering;
      const payload = { sdp: offer.sdp, type: "offer" };
      return { peer, link, offer, signal: proof ? proof.seal(payload) : payload };
    } catch {
      link.drop();
      throw new Failure("bad_description");
    }
  }

  /**
   * Send the offer at once, and wait until the link is open.
   * @param {PairRequest} request
   * @param {Proof | null} proof
   * @param {Prepared} prepared
   */
  async open(request, proof, { peer, link, offer, signal }) {
    // A browser may hide its addresses behind `.local` names (draft-ietf-mmusic-mdns-ice-candidates,
    // 3.1), and the host uses that of our WebSocket instead. Or it offers none
    // (feross/simple-peer#414), and the host learns it from our checks (RFC 8445, 7.3.1.3).
    // From now on this method closes what is in the way of an end.
    this.prepared = null;
    /** @param {Message} payload */
    const send = (payload) => request.send({ type: "signal", payload });
    let candidatesLeft = MAX_CANDIDATES;
    peer.onicecandidate = ({ candidate: found }) => {
      // The host listens on UDP only.
      if (!found?.candidate || found.protocol === "tcp" || candidatesLeft-- <= 0) return;
      const { candidate, sdpMid, sdpMLineIndex } = found;
      const one = { candidate, sdpMid, sdpMLineIndex };
      send(proof ? proof.seal(one) : one);
    };
    try {
      const opened = new Promise((resolve, reject) => {
        link.control.addEventListener("open", resolve);
        peer.onconnectionstatechange = () => {
          if (peer.connectionState === "failed") reject(new Failure("ice_failed"));
        };
        setTimeout(() => reject(new Failure("link_timeout")), OPEN_MS);
      });
      // If an earlier step fails, nobody waits for this any more.
      opened.catch(() => {});
      // The offer must be sent before its candidates, which come once it is the local description.
      send(signal);
      await peer.setLocalDescription(offer);
      await Promise.race([opened, this.readSignals(request, peer, proof).then(() => opened)]);
      return link;
    } catch (error) {
      link.drop();
      throw error instanceof Failure ? error : new Failure("bad_description");
    }
  }

  /**
   * Give the host's answer and its candidates to the browser until both are connected.
   * @param {PairRequest} request
   * @param {RTCPeerConnection} peer
   * @param {Proof | null} proof
   */
  async readSignals(request, peer, proof) {
    let answered = false;
    /** @type {RTCIceCandidateInit[]} */
    const candidates = [];
    while (!(answered && peer.connectionState === "connected")) {
      const { payload } = await request.next(OPEN_MS, "link_timeout", "signal");
      // A host may also send the whole objects that browsers make. One without a candidate is, like
      // null, the end of candidates.
      const whole = payload?.sdp ?? payload?.candidate;
      const isWhole = whole instanceof Object;
      const signal = isWhole ? { ...payload, candidate: null, ...whole } : payload;
      const text = signal?.sdp ?? (signal?.candidate === null ? "" : signal?.candidate);
      const isAnswer = text === signal?.sdp;
      if (
        typeof text !== "string" ||
        // The MAC does not cover the type.
        (isAnswer && (answered || (signal.type ?? "answer") !== "answer")) ||
        (proof && !proof.opens(signal))
      ) {
        throw new Failure(request.unreadableReason);
      }
      if (isAnswer) {
        // The link can now open without the WebSocket.
        answered = request.mayClose = true;
        await peer.setRemoteDescription({ type: "answer", sdp: text });
      } else if (text) {
        const candidate = text.replace(/^(candidate:)?/, "candidate:");
        candidates.push({ ...signal, candidate, sdpMid: signal.sdpMid ?? "0" });
      }
      // Browsers refuse candidates before the answer. Others of no use are left out.
      if (!answered) continue;
      for (const one of candidates.splice(0)) peer.addIceCandidate(one).catch(() => {});
    }
  }

  /**
   * Keep what the next request is made with, also for when the page is loaded again.
   * @param {Pass | null} pass
   * @param {string} [ended] says why a person has ended it
   */
  keep(pass, ended = "") {
    this.pass = pass;
    const kept = pass && { ...pass, invited: this.invited, ended };
    remember("sessionStorage", "session", JSON.stringify(kept));
  }

  /**
   * Redial until RESUME_MS have passed. A tab that was frozen for longer still tries once.
   * @param {string} reason
   */
  async resume(reason) {
    const until = Date.now() + RESUME_MS;
    this.onStep({ step: "waiting", reason, until });
    while (!this.over && this.pass) {
      const pause = new Promise((resolve) => {
        this.wake = () => resolve(null);
        setTimeout(resolve, REDIAL_MS);
      });
      try {
        await this.attempt(this.pass);
        return;
      } catch (error) {
        const failure = failureOf(error);
        // Only the host's `error` has a sentence. After it the next try may succeed.
        const mayRetry = failure.sentence !== undefined || RETRYABLE.includes(failure.reason);
        if (!mayRetry || Date.now() >= until) {
          // If the host no longer knows the session, what ended the link says more.
          this.finish(failure.reason === "unknown_session" ? new Failure(reason) : failure);
          return;
        }
      }
      await pause;
    }
  }

  /** @param {Failure} failure */
  finish({ reason, sentence }) {
    if (this.over) return;
    this.over = true;
    const mayRetry = !this.link && MAY_RETRY.includes(reason);
    // Another browser can use the invitation, and nobody was asked.
    const isUnused = reason === "no_webrtc";
    if (!isUnused) clearFragment();
    // Firefox ends the sockets of a page that is loaded again before it stops the page.
    const pass = mayRetry || isUnused ? this.pass : null;
    this.keep(pass, DECIDED.includes(reason) ? reason : "");
    this.onStep({ step: "ended", reason, sentence, mayRetry });
  }
}
