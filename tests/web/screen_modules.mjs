// test_screen_modules.py runs this script: the page's modules of shared screens and their control
// that need no browser. It prints how many checks it made.
import assert from "node:assert/strict";
import "./outside_browser.mjs";

const { Placement } = await import("../../proxim/web/screen/placement.mjs");
const { Touches } = await import("../../proxim/web/screen/touches.mjs");
const { Looking } = await import("../../proxim/web/screen/hands.mjs");
const { Share } = await import("../../proxim/web/screen/share.mjs");
const { Input } = await import("../../proxim/web/control/input.mjs");
const { Keys, codeOf } = await import("../../proxim/web/control/keys.mjs");
const { Modifiers } = await import("../../proxim/web/control/modifiers.mjs");
const { Direct, Hover, Mouse, Touchpad, wheelOf } =
  await import("../../proxim/web/control/pointing.mjs");
const { Typing, difference } = await import("../../proxim/web/control/typing.mjs");

let checks = 0;
const check = (found, wanted) => {
  assert.deepEqual(found, wanted);
  checks += 1;
};

// The script's own clock
let now = 0;
const timers = new Map();
let lastTimer = 0;
const later = (action, ms, again) => {
  timers.set(++lastTimer, { action, at: now + ms, again });
  return lastTimer;
};
performance.now = () => now;
globalThis.setTimeout = (action, ms = 0) => later(action, ms);
globalThis.setInterval = (action, ms) => later(action, ms, ms);
globalThis.clearTimeout = globalThis.clearInterval = (timer) => timers.delete(timer);
globalThis.requestAnimationFrame = (action) => later(action, 16);
globalThis.cancelAnimationFrame = globalThis.clearTimeout;
function pass(ms) {
  const end = now + ms;
  for (;;) {
    const due = [...timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
    if (!due) break;
    const [timer, { action, at, again }] = due;
    now = Math.max(now, at);
    if (again) timers.set(timer, { action, at: at + again, again });
    else timers.delete(timer);
    action();
  }
  now = end;
}

/** An open channel, and what was sent on it */
class FakeChannel {
  readyState = "open";
  all = [];
  send = (bytes) => this.all.push(JSON.parse(new TextDecoder().decode(bytes)));
  close = () => (this.readyState = "closed");

  get sent() {
    return this.all.splice(0);
  }
}

// --- where the picture lies ---

{
  const place = new Placement();
  place.resize(390, 600, 3);
  place.show(1920, 1080);
  check([place.mode, place.scale * 1920, Math.round(place.x)], ["fit", 390, 0]);
  check(Math.abs(place.y - (600 - 390 / (16 / 9)) / 2) < 0.5, true);
  // A point of the view stays where it is while it is zoomed, and no edge comes into the view.
  const before = place.toPicture(200, 300);
  place.zoom(8, 200, 300);
  const after = place.toPicture(200, 300);
  check(Math.hypot(before[0] - after[0], before[1] - after[1]) < 1, true);
  place.pan(1e6, 1e6);
  check([place.x, place.y], [0, 0]);
  place.pan(-1e6, 0);
  check(Math.abs(place.x - (390 - 1920 * place.scale)) < 1, true);
  // It cannot become smaller than all of it, nor endlessly large.
  place.zoom(1e-6, 0, 0);
  check(place.scale, place.fitScale);
  place.zoom(1e9, 0, 0);
  check(place.scale, 8);
  // 1:1 is a pixel of the device for each of the monitor.
  place.actual([960, 540]);
  check(place.scale, 1 / 3);
  // Rotating keeps what is in the middle, and the scale.
  const middle = place.toPicture(195, 300);
  place.resize(844, 390, 3);
  const rotated = place.toPicture(422, 195);
  check([place.mode, place.scale], ["actual", 1 / 3]);
  check(Math.abs(middle[0] - rotated[0]) < 2, true);
  // Another monitor fits again; the same one changes nothing.
  place.show(1920, 1080);
  check(place.mode, "actual");
  place.show(1280, 1024);
  check([place.mode, place.scale], ["fit", 390 / 1024]);
  check([place.toPicture(-50, 1000), place.isAt(1, 1)], [[0, 1024], false]);
  // A point is revealed with a margin.
  place.actual([0, 0]);
  place.zoom(4, 0, 0);
  place.reveal(1280, 1024);
  check(place.toView(1280, 1024)[0] <= 844, true);
  place.reveal(600, 500);
  const [x, y] = place.toView(600, 500);
  check(x >= 39 && x <= 844 - 39 && y >= 39 && y <= 390 - 39, true);
}

// --- what fingers mean ---

/** Record what a hand is told. */
function recorded() {
  const told = [];
  const names = ["tap", "hold", "slideStart", "slide", "slideEnd", "scroll", "pinch"];
  const hand = Object.fromEntries(
    names.map((name) => [name, (...all) => told.push([name, ...all])]),
  );
  return { touches: new Touches(() => hand), told };
}
{
  const { touches, told } = recorded();
  touches.down(1, 10, 10, 0);
  touches.move(1, 14, 12);
  touches.up(1, 60);
  touches.down(1, 12, 10, 200);
  touches.up(1, 250);
  // The second tap is one again, a third begins anew, and one elsewhere or late is none.
  touches.down(1, 12, 10, 300);
  touches.up(1, 350);
  touches.down(1, 200, 10, 400);
  touches.up(1, 450);
  touches.down(1, 200, 10, 900);
  touches.up(1, 950);
  check(told.splice(0), [
    ["tap", 10, 10, false],
    ["tap", 12, 10, true],
    ["tap", 12, 10, false],
    ["tap", 200, 10, false],
    ["tap", 200, 10, false],
  ]);
  // Holding still is no tap, and neither is what follows.
  touches.down(1, 5, 5, 2000);
  pass(600);
  touches.move(1, 90, 90);
  touches.up(1, 2700);
  check(told.splice(0), [["hold", 5, 5]]);
  // Sliding, right behind a tap.
  touches.down(1, 5, 5, 3000);
  touches.up(1, 3020);
  touches.down(1, 6, 5, 3100);
  touches.move(1, 30, 5);
  touches.move(1, 31, 7);
  touches.up(1, 3200);
  pass(1000);
  check(told.splice(0), [
    ["tap", 5, 5, false],
    ["slideStart", 6, 5, true],
    ["slide", 24, 0, 30, 5],
    ["slide", 1, 2, 31, 7],
    ["slideEnd"],
  ]);
  // Two fingers together scroll; a finger that stays does not slide.
  touches.down(1, 100, 100, 4000);
  touches.down(2, 160, 100, 4010);
  for (let step = 1; step <= 4; step++) {
    touches.move(1, 100, 100 + 8 * step);
    touches.move(2, 160, 100 + 8 * step);
  }
  touches.up(2, 4100);
  touches.move(1, 0, 0);
  touches.up(1, 4200);
  const scrolled = told.splice(0);
  check(new Set(scrolled.map(([name]) => name)), new Set(["scroll"]));
  check(
    scrolled.reduce((way, [, , dy]) => way + dy, 0),
    32,
  );
  // Two fingers apart pinch, and that stays a pinch.
  touches.down(1, 100, 100, 5000);
  touches.down(2, 160, 100, 5010);
  for (let step = 1; step <= 10; step++) touches.move(2, 160 + 6 * step, 100);
  touches.move(1, 100, 200);
  touches.cancel();
  const pinched = told.splice(0);
  check(new Set(pinched.map(([name]) => name)), new Set(["pinch"]));
  check(pinched.reduce((factor, [, one]) => factor * one, 1) > 1.9, true);
  // A second finger ends a drag, a third one everything, and so does the system.
  touches.down(1, 0, 0, 6000);
  touches.move(1, 50, 0);
  touches.down(2, 90, 0, 6100);
  touches.down(3, 95, 0, 6110);
  touches.move(3, 300, 300);
  check(
    told.splice(0).map(([name]) => name),
    ["slideStart", "slide", "slideEnd"],
  );
  for (const id of [1, 2, 3]) touches.up(id, 6200);
  touches.down(4, 0, 0, 6300);
  touches.move(4, 50, 0);
  touches.cancel();
  touches.up(4, 6400);
  check(told.splice(0).at(-1), ["slideEnd"]);
}
{
  // A view that only sees: fingers move and enlarge it here.
  const place = new Placement();
  place.resize(400, 400, 2);
  place.show(1000, 1000);
  let moves = 0;
  const hand = new Looking(place, () => moves++);
  hand.tap(200, 200, false);
  hand.tap(200, 200, true);
  check([place.mode, place.scale, moves], ["actual", 0.5, 1]);
  hand.slide(-20, -30);
  check([place.x, place.y], [-70, -80]);
  hand.scroll(10, 10);
  check([place.x, place.y], [-60, -70]);
  hand.pinch(2, 0, 0, 200, 200);
  check([place.mode, place.scale], ["free", 1]);
  hand.tap(0, 0, true);
  check(place.mode, "fit");
}

// --- the input's messages ---

{
  const channel = new FakeChannel();
  const input = new Input(channel);
  // One move a frame, the newest; a button says where the pointer is.
  for (let step = 0; step < 50; step++) input.move(step / 100, 0.25);
  check(channel.sent, []);
  pass(17);
  check(channel.sent, [{ t: "p", x: 0.49, y: 0.25, b: 0 }]);
  input.move(2, -1);
  input.press(1);
  input.press(0);
  check(channel.sent, [
    { t: "p", x: 1, y: 0, b: 1 },
    { t: "p", x: 1, y: 0, b: 0 },
  ]);
  pass(100);
  check(channel.sent, []);
  // Parts of a notch wait for the rest.
  input.wheel(0, 0.5);
  pass(17);
  check(channel.sent, []);
  input.wheel(0, 119.75);
  pass(17);
  check(channel.sent, [{ t: "w", dx: 0, dy: 120 }]);
  // A key that is down is not pressed again, and is released as what it was pressed as.
  input.key("KeyZ", "y", true);
  input.key("KeyZ", "y", true);
  input.key("KeyZ", "Y", false);
  input.key("KeyZ", "y", false);
  check(channel.sent, [
    { t: "k", code: "KeyZ", key: "y", d: true },
    { t: "k", code: "KeyZ", key: "y", d: false },
  ]);
  // As long as something is held, the host hears something.
  input.key("ArrowUp", "ArrowUp", true);
  check(channel.sent.length, 1);
  pass(4500);
  check(channel.sent, Array(2).fill({ t: "p", x: 1, y: 0, b: 0 }));
  input.release();
  check(channel.sent, [{ t: "u" }]);
  pass(10_000);
  check([channel.sent, input.held.size], [[], 0]);
  // A text is cut into pieces, never within a character, and half a character is none.
  input.text(`${"🙂".repeat(1001)}\ud800`);
  const pieces = channel.sent;
  check(
    pieces.map(({ t, text }) => [t, [...text].length]),
    [
      ["x", 1000],
      ["x", 2],
    ],
  );
  check(pieces[1].text, "🙂\ufffd");
  check(Math.max(...pieces.map(({ text }) => Buffer.byteLength(text))) <= 4096, true);
  // The host ends control for more than 300 messages a second.
  pass(2000);
  for (let count = 0; count < 1000; count++) input.tapKey("Backspace", "Backspace");
  let most = 0;
  let all = 0;
  for (let second = 0; second < 10; second++) {
    const sent = channel.sent.length;
    most = Math.max(most, sent);
    all += sent;
    pass(1000);
  }
  check([all, most <= 300], [2000, true]);
  // A move waits behind them, and a release forgets them.
  for (let count = 0; count < 1000; count++) input.tapKey("Backspace", "Backspace");
  input.move(0.5, 0.5);
  input.release();
  pass(3000);
  const last = channel.sent;
  check([last.at(-1), last.length < 500], [{ t: "u" }, true]);
  input.end();
  check(channel.readyState, "closed");
  input.move(0.1, 0.1);
  input.key("KeyA", "a", true);
  pass(5000);
  check(
    channel.all.filter(({ t }) => t !== "u"),
    [],
  );
}
{
  // What was done before the channel opened comes then.
  const channel = new FakeChannel();
  channel.readyState = "connecting";
  const input = new Input(channel);
  input.press(1);
  check(channel.sent, []);
  channel.readyState = "open";
  channel.onopen();
  check(channel.sent, [{ t: "p", x: 0.5, y: 0.5, b: 1 }]);
  input.end();
}

// --- keys ---

/** Keys at a system, with what is sent */
function keyboard(system = "Linux") {
  const channel = new FakeChannel();
  const input = new Input(channel);
  const modifiers = new Modifiers(() => input);
  let left = 0;
  const keys = new Keys(
    () => input,
    modifiers,
    system,
    () => {
      left += 1;
    },
  );
  const event = (code, key, more) => ({ code, key, keyCode: 0, ...more });
  return {
    input,
    modifiers,
    keys,
    down: (code, key, more) => keys.down(event(code, key, more)),
    up: (code, key) => keys.up(event(code, key)),
    /** How often the keyboard was given back to the page */
    get left() {
      return left;
    },
    /** What was sent: "+" for down and "-" for up */
    get sent() {
      return channel.sent.map(({ t, code, key, d }) =>
        t === "k" ? `${d ? "+" : "-"}${code}:${key}` : t,
      );
    },
  };
}
{
  const one = keyboard();
  check(one.down("KeyZ", "y"), true);
  check(one.down("KeyZ", "y", { repeat: true }), true);
  one.up("KeyZ", "y");
  check(one.sent, ["+KeyZ:y", "-KeyZ:y"]);
  // What an input method or a dead key makes comes by itself.
  for (const more of [{ keyCode: 229 }, { isComposing: true }]) {
    check(one.down("KeyA", "a", more), false);
  }
  for (const key of ["Dead", "Process", "Unidentified"]) check(one.down("Quote", key), false);
  // Locks stay what they are there, wherever somebody has put them; what changes no character is sent.
  check(one.down("CapsLock", "CapsLock"), true);
  check(one.down("Escape", "CapsLock"), true);
  check(one.down("NumLock", "NumLock"), true);
  check(one.sent, []);
  one.down("CapsLock", "Escape");
  one.up("CapsLock", "Escape");
  one.down("ScrollLock", "ScrollLock");
  one.up("ScrollLock", "ScrollLock");
  check(one.sent, [
    ...["+CapsLock:Escape", "-CapsLock:Escape", "+ScrollLock:ScrollLock", "-ScrollLock:ScrollLock"],
  ]);
  // On X11, Shift makes Meta of Alt; the key of the host is Alt all the same.
  one.down("ShiftLeft", "Shift", { shiftKey: true });
  one.down("AltLeft", "Meta", { shiftKey: true });
  one.up("AltLeft", "Meta", { shiftKey: true });
  one.up("ShiftLeft", "Shift");
  check(one.sent, ["+ShiftLeft:Shift", "+AltLeft:Alt", "-AltLeft:Alt", "-ShiftLeft:Shift"]);
  // AltGr is no key for the host: its characters are.
  one.down("AltRight", "AltGraph");
  one.down("KeyQ", "@");
  one.up("KeyQ", "@");
  one.up("AltRight", "AltGraph");
  check(one.sent, ["+KeyQ:@", "-KeyQ:@"]);
  // Three keys together give the keyboard back, in any order; with another they are a shortcut.
  const three = [
    ["ShiftLeft", "Shift"],
    ["AltLeft", "Alt"],
    ["ControlLeft", "Control"],
  ];
  for (const [code, key] of three) one.down(code, key);
  check(one.left, 0);
  for (const [code, key] of three) one.up(code, key);
  check(one.left, 1);
  for (const [code, key] of three) one.down(code, key);
  one.down("KeyT", "T");
  one.up("KeyT", "T");
  for (const [code, key] of three) one.up(code, key);
  check(one.left, 1);
  check(one.sent.length, 14);
  // A phone's keyboard may know a key and no place.
  one.down("", "Enter");
  check(one.sent, ["+Enter:Enter", "-Enter:Enter"]);
  check(["a", "Z", "7", " ", "ß", "F5", "Shift"].map(codeOf), [
    ...["KeyA", "KeyZ", "Digit7", "Space", "Unidentified", "F5", "Unidentified"],
  ]);
}
{
  // Windows presses Control before AltGr.
  const one = keyboard("Windows NT 10.0");
  one.down("ControlLeft", "Control");
  one.down("AltRight", "AltGraph");
  one.down("KeyQ", "@");
  one.up("KeyQ", "@");
  one.up("ControlLeft", "Control");
  one.up("AltRight", "AltGraph");
  check(one.sent, ["+KeyQ:@", "-KeyQ:@"]);
  // Control itself is only a little later.
  one.down("ControlLeft", "Control");
  one.down("KeyC", "c", { ctrlKey: true });
  one.up("KeyC", "c");
  one.up("ControlLeft", "Control");
  check(one.sent, ["+ControlLeft:Control", "+KeyC:c", "-KeyC:c", "-ControlLeft:Control"]);
  one.down("ControlLeft", "Control");
  check(one.sent, []);
  pass(50);
  check(one.sent, ["+ControlLeft:Control"]);
  one.up("ControlLeft", "Control");
  one.down("ControlLeft", "Control");
  one.up("ControlLeft", "Control");
  check(one.sent, ["-ControlLeft:Control", "+ControlLeft:Control", "-ControlLeft:Control"]);
}
{
  // Option makes characters on a Mac, and is Alt with everything else.
  const one = keyboard("Macintosh; Intel Mac OS X");
  one.down("AltLeft", "Alt");
  one.down("KeyL", "@", { altKey: true });
  one.up("KeyL", "@");
  one.up("AltLeft", "Alt");
  check(one.sent, ["+KeyL:@", "-KeyL:@"]);
  one.down("AltLeft", "Alt");
  one.down("ArrowLeft", "ArrowLeft", { altKey: true });
  one.up("ArrowLeft", "ArrowLeft");
  one.up("AltLeft", "Alt");
  check(one.sent, ["+AltLeft:Alt", "+ArrowLeft:ArrowLeft", "-ArrowLeft:ArrowLeft", "-AltLeft:Alt"]);
  // Nothing says when a key is released while Command is held.
  one.down("MetaLeft", "Meta", { metaKey: true });
  one.down("KeyC", "c", { metaKey: true });
  one.up("MetaLeft", "Meta");
  check(one.sent, ["+MetaLeft:Meta", "+KeyC:c", "-KeyC:c", "-MetaLeft:Meta"]);
}
{
  // Modifiers of the bar go with the next key, or with all.
  const one = keyboard();
  let changes = 0;
  one.modifiers.changed = () => changes++;
  one.modifiers.tap("ControlLeft");
  one.down("KeyC", "c");
  one.up("KeyC", "c");
  one.down("KeyC", "c");
  one.up("KeyC", "c");
  check(one.sent, [
    ...["+ControlLeft:Control", "+KeyC:c", "-KeyC:c", "-ControlLeft:Control"],
    ...["+KeyC:c", "-KeyC:c"],
  ]);
  one.modifiers.tap("ShiftLeft");
  one.modifiers.tap("ShiftLeft");
  check(one.modifiers.state("ShiftLeft"), "locked");
  for (let count = 0; count < 2; count++) one.modifiers.use(() => one.input.tapKey("Tab", "Tab"));
  check(one.sent.length, 8);
  one.modifiers.tap("ShiftLeft");
  check([one.modifiers.isActive, changes > 3], [false, true]);
  // Meta alone does something, too.
  one.modifiers.tap("MetaLeft");
  one.modifiers.tap("MetaLeft");
  check(one.sent, ["+MetaLeft:Meta", "-MetaLeft:Meta"]);
  one.modifiers.tap("AltLeft");
  one.modifiers.forget();
  check(one.modifiers.isActive, false);
}

// --- typing ---

check(difference("abc", "abd"), { deleted: 1, typed: "d" });
check(difference("ab", "ab 🙂"), { deleted: 0, typed: " 🙂" });
check(difference("x👩‍👩‍👧", "x"), { deleted: 1, typed: "" });
{
  globalThis.InputEvent = class {
    constructor(isComposing) {
      this.isComposing = isComposing;
    }
  };
  const channel = new FakeChannel();
  const input = new Input(channel);
  const modifiers = new Modifiers(() => input);
  const field = {
    value: "",
    heard: {},
    setSelectionRange() {},
    addEventListener: (type, listener) => (field.heard[type] = listener),
  };
  let isSoft = true;
  const typing = new Typing(
    field,
    () => input,
    modifiers,
    () => isSoft,
  );
  const filler = field.value;
  const types = (text, isComposing = false) => {
    field.value = text;
    field.oninput(new InputEvent(isComposing));
  };
  const sent = () => channel.sent.map(({ text, key, d }) => text ?? `${d ? "+" : "-"}${key}`);
  // A phone composes whole words, which come at once.
  types(`${filler}h`, true);
  types(`${filler}ha`, true);
  types(`${filler}hallo`, true);
  check(sent(), ["h", "a", "llo"]);
  // It may replace the word, or delete before it.
  types(`${filler}Hallo `, false);
  check(sent(), [...Array(5).fill(["+Backspace", "-Backspace"]).flat(), "Hallo "]);
  types(filler.slice(0, -1));
  check(sent().length, 14);
  for (let length = filler.length - 2; length >= 15; length--) types(filler.slice(0, length));
  check(field.value, filler);
  channel.all = [];
  types(`${filler}a\nb`);
  check(sent(), ["a", "+Enter", "-Enter", "b"]);
  // With a modifier of the bar, a character is a key.
  typing.reset();
  modifiers.tap("ControlLeft");
  types(`${filler}c`);
  check(sent(), ["+Control", "+c", "-c", "-Control"]);
  // Another input method shows by itself what it composes.
  isSoft = false;
  typing.reset();
  types(`${filler}nihao`, true);
  check(sent(), []);
  field.value = `${filler}你好`;
  field.heard.compositionend();
  check(sent(), ["你好"]);
  check(field.value, filler);
}

// --- the pointer ---

{
  const notch = { deltaMode: 0, deltaX: 0, deltaY: 0 };
  check(wheelOf({ ...notch, deltaY: 120, wheelDeltaY: -120 }), [0, 120]);
  check(wheelOf({ ...notch, deltaY: 53, wheelDeltaY: -240 }), [0, 240]);
  check(wheelOf({ ...notch, deltaY: 10, wheelDeltaY: -30 }), [0, 12]);
  check(wheelOf({ deltaMode: 1, deltaX: 0, deltaY: -3 }), [0, -120]);
  check(wheelOf({ deltaMode: 0, deltaX: 50, deltaY: 0 }), [60, 0]);
}
{
  const channel = new FakeChannel();
  const input = new Input(channel);
  const modifiers = new Modifiers(() => input);
  const place = new Placement();
  place.resize(400, 400, 2);
  place.show(1000, 500);
  const pointer = {
    x: 500,
    y: 250,
    move: (x, y) => Object.assign(pointer, { x, y }),
  };
  const hover = new Hover(
    place,
    pointer,
    () => input,
    modifiers,
    () => {},
  );
  const pad = new Touchpad(hover);
  // A slow finger moves it finely, a quick one far; always as far in the picture's own size.
  now += 1000;
  pad.slideStart(0, 0, false);
  now += 1000;
  pad.slide(4, 0);
  check(Math.round(pointer.x), 506);
  now += 10;
  pad.slide(20, 0);
  check(Math.round(pointer.x), 626);
  pad.slideEnd();
  pass(20);
  check(
    channel.sent.map(({ b }) => b),
    [0],
  );
  pad.tap();
  pad.hold();
  check(
    channel.sent.map(({ b }) => b),
    [1, 0, 2, 0],
  );
  // Right behind a tap it drags, with what was tapped in the bar.
  modifiers.tap("ControlLeft");
  pad.slideStart(0, 0, true);
  pad.slide(10, 0);
  pass(20);
  pad.slideEnd();
  check(
    channel.sent.map(({ t, b, d }) => (t === "k" ? d : b)),
    [true, 1, 1, 0, false],
  );
  // What is under the fingers goes with them: up is further down.
  pad.scroll(0, -40);
  pass(20);
  check(channel.sent, [{ t: "w", dx: 0, dy: 120 }]);
  pad.pinch(2, 0, 0, 200, 200);
  check([place.mode, place.scale], ["free", 0.8]);
  // The pointer never leaves the picture, which follows it.
  pad.slide(9e9, 0);
  check([pointer.x, place.toView(1000, 0)[0] <= 400], [1000, true]);
  pass(20);
  check(channel.sent.at(-1).x, 1);

  place.fit();
  const direct = new Direct(hover);
  direct.tap(200, 200);
  check(channel.sent, [
    { t: "p", x: 0.5, y: 0.5, b: 1 },
    { t: "p", x: 0.5, y: 0.5, b: 0 },
  ]);
  direct.slideStart(100, 200);
  direct.slide(0, 0, 300, 200);
  direct.slideEnd();
  check(channel.sent, [
    { t: "p", x: 0.25, y: 0.5, b: 1 },
    { t: "p", x: 0.75, y: 0.5, b: 0 },
  ]);

  const mouse = new Mouse(hover);
  // Beside the picture nothing happens, unless a button went down in it.
  mouse.moved(200, 10, 1);
  pass(20);
  check(channel.sent, []);
  mouse.moved(200, 200, 0);
  mouse.moved(200, 200, 1);
  mouse.moved(200, 200, 3);
  mouse.moved(200, 10, 3);
  mouse.moved(200, 10, 2);
  mouse.moved(200, 10, 0);
  check(channel.sent, [
    { t: "p", x: 0.5, y: 0.5, b: 1 },
    { t: "p", x: 0.5, y: 0.5, b: 3 },
    { t: "p", x: 0.5, y: 0, b: 2 },
    { t: "p", x: 0.5, y: 0, b: 0 },
  ]);
  input.end();
}

// --- what is asked and allowed ---

const ID = "A".repeat(22);
const MONITORS = [{ id: 0, name: "DP-1", x: 0, y: 0, w: 1920, h: 1080, scale: 1 }];
const allowed = (more) => ({
  ...{ type: "screen_state", view: true, control: false, id: ID, monitor: 0, monitors: MONITORS },
  ...more,
});
function shared() {
  const said = [];
  const happened = [];
  const share = new Share({
    changed: () => happened.push(share.reason ? `${share.stage} ${share.reason}` : share.stage),
    pictures: ({ label }) => happened.push(label),
    ended: () => happened.push("over"),
  });
  const link = { send: (message) => said.push(message) };
  share.linkUp(link);
  return { share, link, said: () => said.splice(0), happened: () => happened.splice(0) };
}
{
  const { share, said, happened } = shared();
  share.ask();
  share.ask();
  check([said(), happened()], [[{ type: "screen_ask" }], ["asking"]]);
  check(share.channel({ label: `screen/${ID}` }), false);
  check(share.state(allowed()), true);
  check(happened(), ["viewed"]);
  share.tellView(0, 390.4, 0, 50);
  check(said(), [{ type: "screen_view", id: ID, monitor: 0, w: 390, h: 1, dpr: 20 }]);
  check(share.channel({ label: `screen/${"B".repeat(22)}` }), false);
  check(share.channel({ label: `screen/${ID}` }), true);
  check(happened(), [`screen/${ID}`]);
  share.askControl();
  share.askControl();
  check(said(), [{ type: "screen_ask", control: true }]);
  check([share.asksControl, happened()], [true, ["viewed"]]);
  // A change of the monitors answers nothing.
  share.state(allowed());
  check(share.asksControl, true);
  share.state(allowed({ reason: "declined" }));
  check([share.asksControl, happened().at(-1)], [false, "viewed declined"]);
  share.state(allowed({ control: true }));
  share.state(allowed({ reason: "paused" }));
  share.state(allowed({ reason: "bar_hidden" }));
  check(happened(), ["controlled", "paused", "viewed bar_hidden"]);
  share.state({ type: "screen_state", view: false, control: false, reason: "screen_lost" });
  check(happened(), ["ended screen_lost", "over"]);
  // What is asked again is what the person had.
  said();
  share.ask();
  check(said(), [{ type: "screen_ask", control: true }]);
  // Several monitors side by side are wider than a picture.
  check(share.state(allowed({ monitors: [{ ...MONITORS[0], w: 11_520 }] })), true);
  share.stop();
  check(happened(), ["asking", "viewed", "ended", "over"]);
  said();
  // It says nothing once more, nor after the end.
  share.state({ type: "screen_state", view: false, control: false });
  check([happened(), said()], [[], []]);
  pass(60_000);
  check(happened(), []);
}
{
  // The host offers; the person looks, or not.
  const { share, said, happened } = shared();
  share.state(allowed());
  share.tellView(0, 1, 1, 1);
  check([said(), happened()], [[], ["offered"]]);
  share.look();
  check(happened(), ["viewed"]);
  // Another share is an offer again.
  share.state(allowed({ id: "B".repeat(22) }));
  check(happened(), ["over", "offered"]);
  share.stop();
  check([said(), happened()], [[{ type: "screen_stop", id: "B".repeat(22) }], ["ended", "over"]]);
  // Of what was offered to be seen, control was never asked.
  share.wantsControl = true;
  share.state(allowed());
  share.stop();
  said();
  share.ask();
  check(said(), [{ type: "screen_ask" }]);
}
{
  // Nobody answers.
  const { share, said, happened } = shared();
  share.ask();
  pass(45_001);
  check([said().at(-1), happened().slice(1)], [{ type: "screen_stop" }, ["ended timeout", "over"]]);
  // An answer that comes later is an offer.
  share.state(allowed());
  check(happened(), ["offered"]);
}
{
  // A lost link that comes back asks again, and goes on looking.
  const { share, link, said, happened } = shared();
  share.ask();
  share.state(allowed({ control: true }));
  share.linkDown();
  check(happened(), ["asking", "controlled", "lost"]);
  check(said().length, 1);
  share.linkUp(link);
  check([said(), happened()], [[{ type: "screen_ask", control: true }], ["asking"]]);
  share.state(allowed({ id: "C".repeat(22) }));
  check(happened(), ["viewed"]);
  share.linkDown();
  share.stop();
  share.linkUp(link);
  check([said(), happened()], [[], ["lost", "ended", "over"]]);
}
{
  // What cannot be read changes nothing.
  const { share, happened } = shared();
  const monitor = MONITORS[0];
  for (const more of [
    { view: 1 },
    { control: "yes" },
    { reason: 5 },
    { reason: "x".repeat(65) },
    { id: "short" },
    { id: undefined },
    { monitor: 1 },
    { monitors: {} },
    { monitors: [] },
    { monitors: [null] },
    { monitors: [monitor, monitor] },
    { monitors: [{ ...monitor, w: 0 }] },
    { monitors: [{ ...monitor, h: 65537 }] },
    { monitors: [{ ...monitor, name: 7 }] },
    { monitors: [{ ...monitor, name: "x".repeat(65) }] },
    { monitors: Array.from({ length: 17 }, (_, id) => ({ ...monitor, id })) },
  ]) {
    check([share.state(allowed(more)), happened()], [false, []]);
  }
}
console.log(checks);
