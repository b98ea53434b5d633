// ---- Trace: the history as it was sent, JSON lines, of which each is parsed when it is asked for --------------------

const NEWLINE = 10;

/** Where each line of these bytes begins, and one past the last line. */
function lineStarts(bytes) {
  const starts = [0];
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) starts.push(at + 1);
  starts.push(bytes.length + 1);
  return Float64Array.from(starts);
}

/** The numbers of which these are the differences. */
function sums(steps) {
  const numbers = new Float64Array(steps.length);
  for (let index = 0, sum = 0; index < steps.length; index += 1) numbers[index] = sum += steps[index];
  return numbers;
}

/** The first of each pair, a number, by the second. */
function gathered(pairs) {
  const found = new Map();
  for (const [number, group] of pairs) {
    if (!found.has(group)) found.set(group, []);
    found.get(group).push(Number(number));
  }
  return found;
}

function asBytes(source) {
  if (typeof source === "string") return new TextEncoder().encode(source);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  throw new Error("found no trace: make the player again with timeline.player()");
}

/**
 * A history with what each event changed. Events are numbered from 1. The trace of a branch is read beside that of its source (`base`), which
 * has the first events and patches, those that both share.
 */
export class Trace {
  constructor(source, base = null) {
    this.bytes = asBytes(source);
    this.base = base;
    this.starts = lineStarts(this.bytes);
    this.text = new TextDecoder();
    const head = this.#line(0);
    if (!head || !Array.isArray(head.type)) throw new Error("found no head of a trace: make the player again with timeline.player()");
    Object.assign(this, { sharedEvents: 0, sharedPatches: 0 }, head);
    this.length = head.type.length;
    this.type = Uint16Array.from(head.type);
    this.stream = Uint32Array.from(head.stream);
    this.recorded = sums(head.recorded);
    this.lag = head.lag.length ? Float64Array.from(head.lag) : null;
    this.linked = Object.keys(this.causes).length > 0;
    const lines = this.length - this.sharedEvents + (this.length - this.sharedPatches) + 1;
    if (this.starts.length - 1 !== lines) throw new Error(`found ${this.starts.length - 1} lines of a trace, expected ${lines}`);
  }

  #line(number) {
    return JSON.parse(this.text.decode(this.bytes.subarray(this.starts[number], this.starts[number + 1] - 1)));
  }

  /** The event with its envelope; times in milliseconds since 1970. Numbered from 1. */
  event(number) {
    const [position, version, id, payload, metadata] = this.#eventLine(number);
    const { recorded, lag } = this;
    const at = recorded[number - 1];
    return {
      number, position, version, id, payload, metadata, recorded: at, occurred: lag ? at - lag[number - 1] : at,
      type: this.types[this.type[number - 1]], stream: this.streams[this.stream[number - 1]], error: this.errors[number] ?? null,
    };
  }

  #eventLine(number) {
    if (number <= this.sharedEvents) return this.base.#eventLine(number);
    return this.#line(number - this.sharedEvents);
  }

  /** What the event changed: a list of operations. Numbered from 1. */
  patch(number) {
    if (number <= this.sharedPatches) return this.base.patch(number);
    return this.#line(this.length - this.sharedEvents + number - this.sharedPatches);
  }

  /** When an event occurred, in milliseconds since 1970. */
  occurred(number) {
    return this.recorded[number - 1] - (this.lag ? this.lag[number - 1] : 0);
  }

  /** The number of the event that caused this one, or 0. */
  causeOf(number) {
    return this.causes[number] ?? 0;
  }

  effectsOf(number) {
    this.effects ??= gathered(Object.entries(this.causes));
    return this.effects.get(number) ?? [];
  }

  /** The other events that came of the same wish, by number. */
  sameWish(number) {
    this.together ??= gathered(Object.entries(this.wishes));
    return (this.together.get(this.wishes[number]) ?? []).filter((other) => other !== number);
  }
}
