// A host within the page, scripted by screen_host.py: a second peer at the other end of real data
// channels. The page's own link, features and view are at this end.

const { Link } = await import("/link/link.mjs");
const { Screens } = await import("/link/screens.mjs");
const { Words } = await import("/view/words.mjs");
const { $ } = await import("/view/elements.mjs");

const words = new Words(await (await fetch("/texts.json")).json());
/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));

const host = {
  // What the page said on the control channel, on the input channels, and which updates it drew
  said: [],
  inputs: [],
  drawn: [],
  labels: [],
  control: null,
  pictures: null,
  link: null,
  screens: new Screens(words, () => "Ana's PC"),

  /** Link the page and this host, as for the first time or again. */
  async connect() {
    const [page, peer] = [new RTCPeerConnection(), new RTCPeerConnection()];
    this.peer = peer;
    this.link = new Link(page, {
      name: "phone",
      proof: null,
      features: [this.screens, { word: "control", message: () => false }],
    });
    page.onicecandidate = ({ candidate }) => peer.addIceCandidate(candidate);
    peer.onicecandidate = ({ candidate }) => page.addIceCandidate(candidate);
    const opened = new Promise((resolve) => {
      peer.ondatachannel = ({ channel }) => {
        this.labels.push(channel.label);
        channel.binaryType = "arraybuffer";
        if (channel.label === "control") {
          this.control = channel;
          channel.onmessage = ({ data }) => this.hear(JSON.parse(data));
          channel.onopen = resolve;
        } else {
          channel.onmessage = ({ data }) =>
            this.inputs.push(JSON.parse(new TextDecoder().decode(data)));
        }
      };
    });
    await page.setLocalDescription(await page.createOffer());
    await peer.setRemoteDescription(page.localDescription);
    await peer.setLocalDescription(await peer.createAnswer());
    await page.setRemoteDescription(peer.localDescription);
    await opened;
    this.say({ type: "hello", version: 1, features: ["screen", "control"], name: "Ana's PC" });
    $.linked.hidden = false;
    $.main.inert = false;
    $.status.textContent = words.tr("linkedWith", { name: "Ana's PC" });
    this.beating = setInterval(() => this.say({ type: "ping" }), 500);
  },

  hear(message) {
    if (message.type !== "ping") this.said.push(message);
  },

  say(message) {
    if (this.control.readyState === "open") this.control.send(JSON.stringify(message));
  },

  async openPictures(label) {
    this.pictures?.close();
    this.pictures = this.peer.createDataChannel(label);
    this.pictures.binaryType = "arraybuffer";
    this.pictures.onmessage = ({ data }) => this.drawn.push(new DataView(data).getUint32(0));
    await new Promise((resolve) => (this.pictures.onopen = resolve));
  },

  send(messages) {
    for (const message of messages) this.pictures.send(fromBase64(message));
  },

  lose() {
    clearInterval(this.beating);
    this.link.lost("peer_vanished", true);
    this.peer.close();
  },
};
globalThis.host = host;
await host.connect();
