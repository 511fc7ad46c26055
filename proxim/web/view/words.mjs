// The page's texts, numbers and sizes in the person's language.

import { shown } from "../sanitize.mjs";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const MAX_SENTENCE = 300;

export class Words {
  /** @param {PageTexts} texts */
  constructor({ page, reasons, language }) {
    this.page = page;
    this.reasons = reasons;
    this.language = language;
  }

  /**
   * Return a text of the page with `values` in the places of its {placeholders}.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  tr(key, values = {}) {
    return this.page[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  /**
   * Return the sentence for a reason; the host's own if this page does not know the reason.
   * @param {string} reason
   * @param {string} [hostSentence]
   */
  sentence(reason, hostSentence) {
    if (Object.hasOwn(this.reasons, reason)) return this.reasons[reason];
    return hostSentence ? shown(hostSentence, MAX_SENTENCE) : this.reasons.host_error;
  }

  /**
   * Return the sentence for a reason of a transfer, for the side that this page is.
   * @param {string | null} reason
   * @param {boolean} outgoing
   */
  ofFiles(reason, outgoing) {
    const own = this.reasons[`${outgoing ? "out" : "in"} ${reason}`];
    return own ?? this.sentence(String(reason), this.reasons.transfer_failed);
  }

  /** @param {number} bytes */
  size(bytes) {
    let value = bytes;
    let unit = 0;
    // 999.5 would be rounded to 1000.
    for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
    const maximumFractionDigits = value < 100 ? 1 : 0;
    const unitDisplay = unit === 0 ? "long" : "short";
    return this.number(value, UNITS[unit], { maximumFractionDigits, unitDisplay });
  }

  /**
   * @param {number} value
   * @param {string} unit
   * @param {Intl.NumberFormatOptions} [options]
   */
  number(value, unit, options) {
    const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 };
    return new Intl.NumberFormat(
      this.language,
      /** @type {Intl.NumberFormatOptions} */ ({ ...format, ...options }),
    ).format(value);
  }

  /** @param {number} seconds */
  time(seconds) {
    return seconds < 60 ? this.number(seconds, "second") : this.number(seconds / 60, "minute");
  }

  /**
   * Count files, or folders where there are no files.
   * @param {Entry[]} entries
   */
  count(entries) {
    const count = entries.filter((entry) => !entry.directory).length;
    if (count) return this.tr(count === 1 ? "oneFile" : "manyFiles", { count });
    const folders = entries.length;
    return this.tr(folders === 1 ? "oneFolder" : "manyFolders", { count: folders });
  }
}
