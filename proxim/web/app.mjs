// The page: reads the invitation, asks at once, and ties the session, its files and what is seen together. What asking
// does not need is loaded while the host is being asked.
// Must never be here: how any of them works.

import { toBase64url } from "./hash.mjs";
import { Session, keptSession, readInvitation } from "./session.mjs";

const MAX_NAME_BYTES = 64;
const MAY_ASK = ["declined", "timeout", "busy", "no_answer", "host_gone", "ice_failed", "link_timeout", "disconnected", "no_offer", "host_error", "too_many"];

const $ = (id) => document.getElementById(id);

// --- this device -----------------------------------------------------------------------------------------------------

const remembered = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // private windows of some browsers
  }
};
const remember = (name, value) => {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then it is a new device next time
  }
};

/** "Chrome on Android". The order matters: most browsers name those that they resemble, too. */
export function browserName(agent = navigator.userAgent, touchPoints = navigator.maxTouchPoints) {
  const first = (table) => table.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = first([[/Edg/, "Edge"], [/SamsungBrowser/, "Samsung Internet"], [/OPR|OPT\//, "Opera"], [/FxiOS|Firefox/, "Firefox"], [/CriOS|Chrome/, "Chrome"], [/Safari/, "Safari"]]);
  const system = first([[/Android/, "Android"], [/iPhone|iPod/, "iPhone"], [/iPad/, "iPad"], [/Macintosh/, touchPoints > 1 ? "iPad" : "Mac"], [/Windows/, "Windows"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"]]);
  return `${browser ?? "Browser"}${system ? ` on ${system}` : ""}`;
}

function usableName(text) {
  let name = view.clean(text, 40);
  while (new TextEncoder().encode(name).length > MAX_NAME_BYTES) name = Array.from(name).slice(0, -1).join("");
  return name;
}

const device = {
  name: remembered("proxim-name") || browserName(),
  id: remembered("proxim-device") ?? toBase64url(crypto.getRandomValues(new Uint8Array(16))),
};
remember("proxim-device", device.id);

// --- the session -----------------------------------------------------------------------------------------------------

let view = null;
let session = null;
let transfers = null;
let ready = null; // resolves once there are transfers
let link = null;
let state = { step: "none", verified: true };
const texts = []; // received before there were words to show them in

const invitation = readInvitation(location.hash);
history.replaceState(null, "", location.pathname); // out of sight, and of the history that others may see

async function begin(how) {
  transfers = null;
  session = new Session(how, { ...device }, tell, linked);
  const asked = how.resume ? null : session.start();
  ready = Promise.all([import("./transfers.mjs"), import("./kept.mjs")]).then(([{ Transfers }, { Kept }]) => {
    transfers = new Transfers(draw, new Kept(how.resume));
  });
  await ready;
  await (asked ?? transfers.restore().then(() => session.start()));
}

function tell(now) {
  state = now;
  if (now.step === "waiting") transfers?.linkDown();
  if (now.step === "ended") transfers?.end(now.reason);
  show();
}

async function linked(opened, lost) {
  link = opened;
  await ready;
  opened.listen({
    text: (text) => (view ? view.text(hostName(), text) : texts.push(text)),
    file: (message) => transfers.message(opened, message) || opened.notUnderstood("bad_message"),
    stream: (channel, waiting) => transfers.stream(opened, channel, waiting),
    greeted: () => {
      if (opened.features.includes("files")) transfers.linkUp(opened);
      show();
    },
    closed: lost,
  });
  show();
}

const hostName = () => view.clean(link?.peerName ?? "", 40) || view.say("otherDevice");

// --- what is seen ----------------------------------------------------------------------------------------------------

function show() {
  view?.ladder(state, hostName(), Boolean(invitation) && MAY_ASK.includes(state.reason));
}

const changed = new Set();
function draw(one) {
  if (!changed.size) setTimeout(redraw, 100); // merged; not by frames, which a tab in the background has none of
  changed.add(one);
}

function redraw() {
  if (!view) return;
  for (const one of changed) view.transfer(one, hostName());
  changed.clear();
  keepAwake(Boolean(transfers?.moving));
}

// The screen's lock is for secure contexts only (W3C Screen Wake Lock, 5): elsewhere the phone may sleep, and the link
// is taken up again when it wakes.
let awake = null;
async function keepAwake(wanted) {
  if (wanted && !awake && navigator.wakeLock && !document.hidden) {
    awake = navigator.wakeLock.request("screen").catch(() => null);
    (await awake)?.addEventListener("release", () => (awake = null));
  } else if (!wanted && awake) {
    (await awake)?.release();
    awake = null;
  }
}

setInterval(() => state.until && show(), 500);

// --- what the person does --------------------------------------------------------------------------------------------

for (const id of ["files", "camera", "folder"]) {
  $(id).onchange = (event) => {
    const files = [...event.target.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    if (files.length) transfers.send(files);
    event.target.value = ""; // so that the same file can be chosen again
  };
}
$("folder-label").hidden = !("webkitdirectory" in $("folder")) || /Android|iPhone|iPad/.test(navigator.userAgent); // phones' pickers show files only

$("say").onsubmit = (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text || !link) return;
  if (!link.sendText(text)) {
    $("problem").textContent = view.sentence("text_too_long");
    $("problem").hidden = false;
    return;
  }
  view.text(view.say("you"), text);
  $("text").value = "";
};

$("rename").onsubmit = (event) => {
  event.preventDefault();
  const name = usableName($("name").value) || browserName();
  $("name").value = device.name = name;
  remember("proxim-name", name);
  if (invitation && state.step === "asked") {
    session.leave(); // the request under the old name goes with its socket
    begin(invitation);
  } else $("renamed").textContent = view.say("renamed");
};

$("again").onclick = () => begin(invitation);
$("leave").onclick = () => session.leave();
// iOS Safari has no beforeunload (ctrl.blog/entry/safari-beacon-issues.html): there nobody is asked, and the tab's own
// storage lets the page go on when it is loaded again.
addEventListener("beforeunload", (event) => transfers?.moving && event.preventDefault());

const kept = invitation ?? keptSession();
if (kept) begin(kept);

Promise.all([import("./view.mjs"), fetch("texts.json").then((answer) => answer.json())]).then(([{ View }, found]) => {
  view = new View(found);
  $("name").value = device.name;
  show();
  texts.splice(0).forEach((text) => view.text(hostName(), text));
  redraw();
}, () => ($("status").textContent = "Proxim does not answer any more. Load this page again."));
