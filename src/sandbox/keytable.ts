/**
 * A bounded set of whole numbers (up to 2^53) that numbers its members 0, 1, 2, … in order of arrival, so that
 * what is known of them can lie in typed arrays. A Map of this size would cost several times the memory.
 * Open addressing with linear probing; grows by doubling until `limit` members, then takes no more.
 */
export class KeyTable {
  readonly #limit: number;
  #keys = new Float64Array(512);
  /** Member number + 1 for each slot; 0 is a free slot. Always twice as many slots as keys fit. */
  #slots = new Int32Array(1024);
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many members the arrays beside this table must have room for. */
  get capacity(): number {
    return this.#keys.length;
  }

  /** The member's number, or -1. */
  find(key: number): number {
    return (this.#slots[this.#slotOf(key)] ?? 0) - 1;
  }

  /** The member's number, taking it in when it is new; -1 when the table is full. */
  insert(key: number): number {
    const slot = this.#slotOf(key);
    const member = (this.#slots[slot] ?? 0) - 1;
    if (member !== -1) return member;
    if (this.#size === this.#limit) return -1;
    if (this.#size === this.#keys.length) {
      this.#grow();
      return this.insert(key);
    }
    this.#keys[this.#size] = key;
    this.#size += 1;
    this.#slots[slot] = this.#size;
    return this.#size - 1;
  }

  #slotOf(key: number): number {
    const mask = this.#slots.length - 1;
    let slot = scramble(key) & mask;
    for (;;) {
      const member = this.#slots[slot] ?? 0;
      if (member === 0 || this.#keys[member - 1] === key) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Int32Array(keys.length * 2);
    for (let member = 0; member < this.#size; member += 1) {
      this.#slots[this.#slotOf(keys[member] ?? 0)] = member + 1;
    }
  }
}

/** Both halves of the number, mixed as in MurmurHash3's finaliser, so that neighbours land far apart. */
function scramble(key: number): number {
  let hash = (key >>> 0) ^ Math.imul((key / 0x1_0000_0000) | 0, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
