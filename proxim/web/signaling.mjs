// From a request to an open link: proof, decision, descriptions. One attempt, no second try (session.mjs).
// Must never be here: what a person sees, what moves on the link.

import { Failure } from "./ask.mjs";
import { Link } from "./link.mjs";

// As the program has them as a guest (docs/protocol.md).
const DIAL_MS = 4_000;
const CHALLENGE_MS = 10_000;
const ANSWER_MS = 45_000;
const OPEN_MS = 15_000;
const MAX_CANDIDATES = 14; // the host takes 16 and refuses a signal too many

/**
 * Prove, wait for the decision and open the link. `proof` is null where the invitation held no secret; `step(name)` tells
 * "asked" and "approved". Gives the Link; throws Failure, also where the request is closed meanwhile.
 */
export async function join(request, proof, deviceName, step) {
	try {
		await request.next(DIAL_MS, "no_answer", "opened");
		await decision(request, proof, step);
		step("approved");
		return await open(request, proof, deviceName);
	} finally {
		request.close(); // the link does not need it
	}
}

async function decision(request, proof, step) {
	let answer = proof && (await request.next(CHALLENGE_MS, "host_unproven", "pair_challenge", "pair_result"));
	if (answer?.type === "pair_challenge") {
		const auth = proof.confirm(answer.auth);
		if (!auth) throw new Failure("host_unproven");
		request.send({ type: "pair_confirm", auth });
		answer = null;
	}
	if (!answer) {
		step("asked");
		answer = await request.next(ANSWER_MS, "no_answer", "pair_result");
	}
	if (answer.status !== "approved") throw new Failure(String(answer.reason ?? "declined"));
	// Approved before we have confirmed, there is no transcript that it could have proved.
	if (proof && !(proof.transcript && proof.hostProved("approved", answer.auth))) throw new Failure("host_unproven");
}

async function open(request, proof, deviceName) {
	// No server: only the local network. Browsers hide the addresses of a page without camera rights behind `.local` names
	// (draft-ietf-mmusic-mdns-ice-candidates, 3.1); the host takes such a name to mean the address of our WebSocket. Old
	// iOS tells none at all (feross/simple-peer#414): the host learns ours from our checks (RFC 8445, 7.3.1.3).
	const peer = new RTCPeerConnection({ iceServers: [] });
	const send = (payload) => request.send({ type: "signal", payload: proof ? proof.seal(payload) : payload });
	const control = peer.createDataChannel("control");
	const link = new Link(peer, control, deviceName, proof); // it must listen before the channel opens
	try {
		const opened = new Promise((resolve, reject) => {
			control.onopen = resolve;
			peer.onconnectionstatechange = () => peer.connectionState === "failed" && reject(new Failure("ice_failed"));
			setTimeout(reject, OPEN_MS, new Failure("link_timeout"));
		});
		let left = MAX_CANDIDATES;
		peer.onicecandidate = ({ candidate: found }) => {
			if (!found?.candidate || found.protocol === "tcp" || left-- <= 0) return;
			send({ candidate: found.candidate, sdpMid: found.sdpMid, sdpMLineIndex: found.sdpMLineIndex });
		};
		const offer = await peer.createOffer();
		send({ sdp: offer.sdp, type: "offer" }); // before its candidates, which come once it is set
		await peer.setLocalDescription(offer);
		await Promise.race([opened, answers(request, peer, proof).then(() => opened)]);
		return link;
	} catch (error) {
		link.drop();
		throw error instanceof Failure ? error : new Failure("bad_description");
	}
}

/** Takes the host's signals until the link is open; ends only by throwing. */
async function answers(request, peer, proof) {
	let answered = false;
	while (!(answered && peer.connectionState === "connected")) {
		const { payload } = await request.next(OPEN_MS, "link_timeout", "signal");
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
