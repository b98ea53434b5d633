// ---- Session: all that the views of one player share ----------------------------------------------------------------

/** What a viewer looks at beside the position; listeners are told which of them changed. */
export class Desk {
  constructor() {
    this.query = ""; // what is searched for
    this.matches = null; // the rows found, as { rows, done, total }, or null where nothing is searched for
    this.pin = null; // the row from which differences are shown, or null
    this.watched = null; // the path of the field that is watched, or null
    this.clock = "recorded"; // how the strip is laid out, see STRIP_CLOCKS
    this.keyframes = false; // whether the strip shows them
    this.large = false; // the size for a room
    this.help = false; // whether the keys are shown
    this.notes = new Map(); // the teacher's notes, by row
    this.skipped = new Set(); // the events of the history that are to be skipped, by number
    this.waiting = null; // the number of the event about which an answer is awaited, or null
    this.message = ""; // what a viewer must be told, or ""
    this.listeners = new Set();
  }

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(name, value) {
    if (this[name] === value) return;
    this[name] = value;
    for (const listener of this.listeners) listener(name);
  }
}

/** The next of ascending `rows` after a row (direction 1), or the last before it (-1); null where there is none. */
export function nextOf(rows, row, direction) {
  const place = direction > 0 ? lowerBound(rows, row + 1) : lowerBound(rows, row) - 1;
  return rows[place] ?? null;
}

/** How many of ascending numbers are below this one. */
export function lowerBound(numbers, number) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The line and its replays, the position, and the desk. `ask(name, value)` goes to whoever can answer: the kernel, or nobody in a page. */
export class Session {
  constructor(trace, ask = null) {
    this.trace = trace;
    this.ask = ask;
    this.history = new Replay(trace);
    this.line = new Line(trace);
    this.branch = null; // the replay of the branch, if there is one
    this.playback = new Playback(this.line.length);
    this.desk = new Desk();
    this.listeners = new Set(); // told when the line is another one
  }

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Show a branch beside the history, or with null the history alone again. Position, pin and notes stay at their events. */
  setBranch(branch) {
    const [before, { position }] = [this.line, this.playback];
    this.line = new Line(this.trace, branch);
    this.branch = branch ? new Replay(branch) : null;
    const moved = (row) => this.line.rowOf(before.before[Math.min(row, before.length)]);
    if (this.desk.pin !== null) this.desk.pin = moved(this.desk.pin);
    if (this.desk.notes.size) this.desk.set("notes", new Map([...this.desk.notes].map(([row, text]) => [moved(row), text])));
    this.playback.setLength(this.line.length, moved(position));
    for (const listener of this.listeners) listener(this);
  }

  /** The replay of the history or of the branch, and how many of its events have happened at a row. */
  moment(side, row) {
    return side === "branch" ? [this.branch, this.line.after[row]] : [this.history, this.line.before[row]];
  }

  /** Whether the event of a row can be skipped, or taken back: it is one of the history, and somebody can fold again. */
  skippable(row) {
    if (!this.ask || row < 1 || row > this.line.length || this.line.kind(row) === "+") return false;
    return !this.branch || this.branch.trace.skippable !== false;
  }

  /** Ask for the history without the event of a row; or with it again. */
  skip(row) {
    if (!this.skippable(row)) return;
    const number = this.line.before[row];
    const skipped = new Set(this.desk.skipped);
    if (!skipped.delete(number)) skipped.add(number);
    this.desk.set("message", "");
    this.desk.set("waiting", number);
    this.desk.set("skipped", skipped);
    this.ask("_skipped", [...skipped].sort((one, other) => one - other));
  }

  toNote(direction) {
    this.#toNext([...this.desk.notes.keys()].sort((one, other) => one - other), direction);
  }

  toMatch(direction) {
    this.#toNext(this.desk.matches?.rows ?? [], direction);
  }

  #toNext(rows, direction) {
    const row = nextOf(rows, this.playback.position, direction);
    if (row !== null) this.playback.jump(row);
  }

  /** Show differences from the step at the position on, or no longer. */
  togglePin() {
    this.desk.set("pin", this.desk.pin === null ? this.playback.position : null);
  }

  /** How the event of a row is linked with the current one: it is its "cause", an "effect" of it, or "". */
  linkOf(row) {
    const { position } = this.playback;
    if (row < 1 || position < 1 || row === position || !(this.trace.linked || this.branch?.trace.linked)) return "";
    const [[trace, number], [now, current]] = [this.line.place(row), this.line.place(position)];
    if (now.causeOf(current) === number && this.line.rowOn(now, number) === row) return "cause";
    return trace === now && trace.causeOf(number) === current ? "effect" : "";
  }

  /** Go to the event that caused the current one. */
  toCause() {
    this.#toEvent((trace, number) => trace.causeOf(number));
  }

  /** Go to the first event that the current one caused. */
  toEffect() {
    this.#toEvent((trace, number) => trace.effectsOf(number)[0]);
  }

  #toEvent(find) {
    if (!this.playback.position) return;
    const [trace, number] = this.line.place(this.playback.position);
    const found = find(trace, number);
    if (found) this.playback.jump(this.line.rowOn(trace, found));
  }
}
