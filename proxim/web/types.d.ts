// The types that several modules of the page name in their JSDoc comments. Only the type checker
// (and an editor) reads this file; browsers never get it.

// --- classes that others only name ----------------------------------------------------------------

type PairRequest = import("./pairing/ask.mjs").PairRequest;
type Proof = import("./pairing/proof.mjs").Proof;
type Link = import("./link/link.mjs").Link;
type Transfer = import("./files/transfer.mjs").Transfer;
type Transfers = import("./files/transfers.mjs").Transfers;
type Archive = import("./files/archive.mjs").Archive;
type TransferStore = import("./files/store.mjs").TransferStore;
type Words = import("./view/words.mjs").Words;

// --- pairing --------------------------------------------------------------------------------------

/** A message as it was parsed. A peer can send anything, so readers check the fields they use. */
type Message = { [field: string]: any };

/**
 * What a request is made with: an invitation, or (`resume`) the key of a lost link. Without a
 * secret nothing is proved.
 */
type Pass = {
  session: string;
  method?: "psk" | "resume";
  secret?: string;
  /** The session of the invitation from which a lost link's key comes. */
  invited?: string;
  /** The invitation as it was opened, to be opened elsewhere. */
  link?: string;
  /** What a person has decided, so that nobody is asked before they say so: an end's reason. */
  ended?: string;
};

/** What a WebSocket says: it is open, a message, or it is closed. */
type SocketEvent = Event | MessageEvent | CloseEvent;

/** A request whose socket was opened. `events` has what nobody has heard yet. */
type Dialled = {
  session: string;
  share: Uint8Array;
  socket: WebSocket;
  events: SocketEvent[];
  hear: (event: SocketEvent) => void;
};

type Prepared = {
  peer: RTCPeerConnection;
  link: Link;
  offer: RTCSessionDescriptionInit;
  /** The offer as it is sent, with its MAC. */
  signal: Message;
};

type Device = { name: string; id: string };

type Step = "none" | "doubt" | "dialing" | "asked" | "approved" | "connected" | "waiting" | "ended";

type SessionState = {
  step: Step;
  /** When the step ends at the latest, in milliseconds since 1970. */
  until?: number;
  /** Why the session waits or has ended, and the host's own sentence for it. */
  reason?: string;
  sentence?: string;
  /** Whether a person may try again after the end. */
  mayRetry?: boolean;
};

// --- link -----------------------------------------------------------------------------------------

/** One kind of thing that a link carries. Adding one does not change Link. */
type Feature = {
  /** Stands in `hello.features`. */
  word: string;
  /** Handle a message; return false if it is not of this feature or makes no sense now. */
  message(message: Message, link: Link): boolean;
  /** Receive from a channel; return false if it is not of this feature or makes no sense now. */
  channel?(channel: RTCDataChannel): boolean;
  /** The peer has said hello, and knows this feature as well. */
  linkUp?(link: Link): void;
  /** A link whose peer had said hello is over. */
  linkDown?(): void;
};

// --- files ----------------------------------------------------------------------------------------

/**
 * An outgoing transfer is first `announced` and then `ready` until its turn comes; an incoming one
 * is `arriving` while its list is, and then `asked`. Both are `active` while bytes move, `waiting`
 * without a link, and end in one of the last three.
 */
type TransferState =
  | "announced"
  | "ready"
  | "arriving"
  | "asked"
  | "active"
  | "waiting"
  | "done"
  | "cancelled"
  | "failed";

type Entry = {
  path: string;
  size: number;
  modified?: number;
  directory?: boolean;
  executable?: boolean;
};

type ChosenFile = { file: File; path: string };

type FailedFile = { file: number; reason: string };

type LeftOutFile = { path: string; reason: string };

/** A path as announced, and the last part of it as it is now. */
type RenamedFile = { path: string; name: string };

/** What the receiver says that it has of a file. */
type ReceivedPart = { file: number; offset: number; sha256: string };

/** How far a hash is. The browser's database can store it. */
type HashProgress = { state?: Int32Array; rest?: Uint8Array; length?: number };

/** A transfer as the store keeps it. What arrives of it may become one archive. */
type KeptTransfer = { outgoing: boolean; entries: Entry[]; size: number; archived?: boolean };

/**
 * A file that needs nothing more: the browser was given it, or it has failed for this reason, or
 * it is whole and its archive is not (`crc32`), or it was sent (`sha256`).
 */
type FinishedFile = { file: number; reason?: string; crc32?: number; sha256?: string };

/** A file that is whole and waits for its archive. */
type ArchivedFile = { blobs: Blob[]; size: number; crc32: number };

/** A file or an archive that has arrived. `done` is called once the browser was given it. */
type ArrivedFile = { name: string; blob: Blob; done: () => void };

/** A piece of a file that is being received, and the file's hashes up to the end of the piece. */
type KeptPiece = { blob: Blob; hash: HashProgress; crc32: number };

/** What the store has of a file that is not complete. */
type KeptFile = { index: number; blobs: Blob[]; hash?: HashProgress; crc32?: number };

type FoundTransfer = KeptTransfer & {
  id: string;
  failed: FailedFile[];
  finishedFiles: Set<number>;
  archivedFiles: Map<number, { blobs: Blob[]; crc32: number }>;
  sent: Map<number, string>;
  part?: KeptFile;
};

// --- view -----------------------------------------------------------------------------------------

/** What the host serves as texts.json: sections of proxim/languages, and the language itself. */
type PageTexts = {
  page: Record<string, string>;
  reasons: Record<string, string>;
  language: string;
};

// --- screen ---------------------------------------------------------------------------------------

/**
 * `offered`: the host would show its screen, and nobody here looks yet. `lost`: it was seen until
 * the link was lost.
 */
type ShareStage =
  "none" | "asking" | "offered" | "viewed" | "controlled" | "paused" | "lost" | "ended";

type Monitor = { id: number; name: string; width: number; height: number };

/** New pixels of a part of the picture; COPY has them from elsewhere in it. */
type Tile = {
  x: number;
  y: number;
  width: number;
  height: number;
  format: number;
  content: Uint8Array<ArrayBuffer>;
  fromX?: number;
  fromY?: number;
};

/** What the mouse pointer looks like; `x` and `y` are its hot spot within the bitmap. */
type PointerShape = {
  id: number;
  width: number;
  height: number;
  x: number;
  y: number;
  bitmap: ImageBitmap;
};

type PictureMessage =
  | { kind: "update"; number: number; tiles: Tile[]; bytes: number }
  | (Omit<PointerShape, "bitmap"> & { kind: "shape"; png: Uint8Array<ArrayBuffer> })
  | { kind: "pointer"; shape: number; x: number; y: number }
  | { kind: "canvas"; monitor: number; width: number; height: number }
  | { kind: "delay"; milliseconds: number };

/** How well the screen arrives, over the last second or so; the delay is in milliseconds. */
type Figures = { framesPerSecond: number; megabitsPerSecond: number; delay: number | null };

/** What is done with what fingers do. Points and ways are pixels of the view. */
interface Hand {
  /** `isAgain`: it came right behind another one. */
  tap?(x: number, y: number, isAgain: boolean): void;
  hold?(x: number, y: number): void;
  slideStart?(x: number, y: number, isAgain: boolean): void;
  slide?(dx: number, dy: number, x: number, y: number): void;
  slideEnd?(): void;
  scroll?(dx: number, dy: number, x: number, y: number): void;
  pinch?(factor: number, dx: number, dy: number, x: number, y: number): void;
}

// --- control --------------------------------------------------------------------------------------

type Input = import("./control/input.mjs").Input;
type Modifiers = import("./control/modifiers.mjs").Modifiers;
