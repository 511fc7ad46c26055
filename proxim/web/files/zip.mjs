// The ZIP format, without compression (PKWARE's APPNOTE.TXT 6.3.10; the numbers in comments are its
// sections).

// Signatures: 4.3.7, 4.3.12, 4.3.14, 4.3.15 and 4.3.16
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;
// The version that a reader needs: 2.0 knows folders, and 4.5 knows ZIP64.
const PLAIN = 20;
const WITH_ZIP64 = 45;
// 4.4.2: we are a Unix, so that a member's mode counts.
const MADE_BY = (3 << 8) | WITH_ZIP64;
// 4.4.4, bit 11: names are UTF-8.
const UTF8_NAMES = 0x0800;
const FILE_MODE = 0o100644;
const PROGRAM_MODE = 0o100755;
const FOLDER_MODE = 0o040755;
// FAT's mark of a folder
const FOLDER_MARK = 0x10;
// 4.5.3 and Info-ZIP's extra field of times; its flag 1 means a time of change.
const ZIP64_EXTRA = 0x0001;
const TIME_EXTRA = 0x5455;
const HAS_MODIFIED = 1;
// What a field of 2 or 4 bytes says where only the ZIP64 field has the number
const IN_ZIP64_2 = 0xffff;
const IN_ZIP64_4 = 0xffffffff;
const LAST_TIME = 2 ** 31 - 1;
const FIRST_YEAR = 1980;
const LAST_YEAR = 2107;
// As no file of the page may be shown or run by a browser
const SAVED_TYPE = "application/octet-stream";

// CRC-32 of IEEE 802.3, least significant bit first
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});

/**
 * Return the CRC-32 of all bytes whose first ones have the CRC-32 `before`.
 * @param {Uint8Array} bytes
 */
export function crc32(bytes, before = 0) {
  let value = ~before;
  for (let at = 0; at < bytes.length; at++) {
    value = CRC_TABLE[(value ^ bytes[at]) & 0xff] ^ (value >>> 8);
  }
  return ~value >>> 0;
}

/**
 * A file or, without content, a folder.
 * @typedef {object} Member
 * @property {string} name is its path, with `/`
 * @property {number} [modified] in seconds since 1970
 * @property {boolean} [executable]
 * @property {{ blobs: Blob[], size: number, crc32: number }} [content]
 */

/** @typedef {[bytes: 2 | 4 | 8, value: number]} Field */

/**
 * Return numbers one after the other, least significant byte first.
 * @param {Field[]} fields
 */
function pack(fields) {
  const whole = new Uint8Array(fields.reduce((length, [bytes]) => length + bytes, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return whole;
}

/**
 * 4.4.6: local time in steps of 2 s.
 * @param {Date} date
 * @returns {Field[]}
 */
function dosTime(date) {
  const year = date.getFullYear();
  if (year < FIRST_YEAR) return dosTime(new Date(FIRST_YEAR, 0, 1));
  // A time that is too late even for Date has no year.
  if (!(year <= LAST_YEAR)) return dosTime(new Date(LAST_YEAR, 11, 31));
  return [
    [2, (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)],
    [2, ((year - FIRST_YEAR) << 9) | ((date.getMonth() + 1) << 5) | date.getDate()],
  ];
}

/**
 * Return an archive. Numbers from these limits on stand in ZIP64 fields; a test sets them lower.
 * @param {Member[]} members
 */
export function zip(members, { most = IN_ZIP64_4, mostMembers = IN_ZIP64_2 } = {}) {
  /** @param {number} value */
  const short = (value) => (value >= most ? IN_ZIP64_4 : value);
  const now = new Date();
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const directory = [];
  let offset = 0;
  for (const { name, modified, executable, content } of members) {
    const { blobs = [], size = 0, crc32: crc = 0 } = content ?? {};
    const spelled = new TextEncoder().encode(content ? name : `${name}/`);
    const fileMode = executable ? PROGRAM_MODE : FILE_MODE;
    const mode = content ? fileMode : FOLDER_MODE;
    const isTimed = modified !== undefined && modified <= LAST_TIME;
    /** @type {Field[]} */
    const times = [
      [2, TIME_EXTRA],
      [2, 5],
    ];
    const time = isTimed ? [...pack(times), HAS_MODIFIED, ...pack([[4, modified]])] : [];
    const isLong = size >= most;
    const isFar = offset >= most;
    /** @param {number[]} values */
    const zip64 = (values) =>
      values.length
        ? pack([[2, ZIP64_EXTRA], [2, 8 * values.length], ...values.map(field8)])
        : new Uint8Array();
    const sizes = isLong ? [size, size] : [];
    /** @type {Field[]} */
    const common = [
      [2, isLong || isFar ? WITH_ZIP64 : PLAIN],
      [2, UTF8_NAMES],
      [2, 0],
      ...dosTime(modified === undefined ? now : new Date(modified * 1000)),
      [4, crc],
      [4, short(size)],
      [4, short(size)],
      [2, spelled.length],
    ];
    const localExtra = [...zip64(sizes), ...time];
    const local = pack([[4, LOCAL], ...common, [2, localExtra.length]]);
    parts.push(local, spelled, Uint8Array.from(localExtra), ...blobs);
    const extra = [...zip64(isFar ? [...sizes, offset] : sizes), ...time];
    const central = pack([
      [4, CENTRAL],
      [2, MADE_BY],
      ...common,
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, ((mode << 16) | (content ? 0 : FOLDER_MARK)) >>> 0],
      [4, short(offset)],
    ]);
    directory.push(central, spelled, Uint8Array.from(extra));
    offset += local.length + spelled.length + localExtra.length + size;
  }
  const length = directory.reduce((total, part) => total + part.length, 0);
  const count = members.length;
  const end = [];
  if (count >= mostMembers || length >= most || offset >= most) {
    end.push(
      pack([
        [4, ZIP64_END],
        // What follows this field
        [8, 44],
        [2, MADE_BY],
        [2, WITH_ZIP64],
        [4, 0],
        [4, 0],
        [8, count],
        [8, count],
        [8, length],
        [8, offset],
      ]),
      pack([
        [4, ZIP64_LOCATOR],
        [4, 0],
        [8, offset + length],
        [4, 1],
      ]),
    );
  }
  const shortCount = count >= mostMembers ? IN_ZIP64_2 : count;
  end.push(
    pack([
      [4, END],
      [2, 0],
      [2, 0],
      [2, shortCount],
      [2, shortCount],
      [4, short(length)],
      [4, short(offset)],
      [2, 0],
    ]),
  );
  return new Blob([...parts, ...directory, ...end], { type: SAVED_TYPE });
}

/**
 * @param {number} value
 * @returns {Field}
 */
const field8 = (value) => [8, value];
