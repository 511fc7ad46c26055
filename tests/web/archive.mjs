// test_archive.py runs this script with a file of entries, their contents and limits, and the name
// of the archive to write. It prints how many entries were renamed.
import { createWriteStream, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import "./outside_browser.mjs";

const { Archive, crc32 } = await import("../../proxim/web/files/archive.mjs");
const { zip } = await import("../../proxim/web/files/zip.mjs");

const { entries, contents, repeats = 1, limits } = JSON.parse(readFileSync(process.argv[2]));

/** Node's Blobs end at 4 GiB, and those of browsers do not: this one only strings its parts together. */
class LongBlob {
  constructor(parts) {
    this.parts = parts;
  }

  async *stream() {
    for (const part of this.parts) {
      if (part instanceof LongBlob) yield* part.stream();
      else yield part;
    }
  }
}
if (repeats > 1) globalThis.Blob = LongBlob;

const archive = new Archive(entries);
for (const [index, text] of Object.entries(contents)) {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  // One blob stands for many equal pieces, so that a large file needs no memory.
  const blobs = Array(repeats).fill(new Blob([bytes]));
  let crc = 0;
  for (let count = 0; count < repeats; count++) crc = crc32(bytes, crc);
  archive.files.set(Number(index), { blobs, size: repeats * bytes.length, crc32: crc });
}
const blob = limits ? zip(archive.members(), limits) : archive.blob();
await pipeline(Readable.from(blob.stream()), createWriteStream(process.argv[3]));
console.log(archive.renamed().length);
