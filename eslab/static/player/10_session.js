// ---- Session: all that the views of one player share ----------------------------------------------------------------

/** What a viewer looks at beside the position; listeners are told which of them changed. */
export class Desk {
  constructor() {
    this.query = ""; // what is searched for
    this.pin = null; // the row from which differences are shown, or null
    this.watched = null; // the path of the field that is watched, or null
    this.clock = "recorded"; // how the strip is laid out, see STRIP_CLOCKS
    this.keyframes = false; // whether the strip shows them
    this.large = false; // the size for a room
    this.notes = new Map(); // the teacher's notes, by row
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

  /** Show a branch beside the history, or with null the history alone again. The place in the history is kept. */
  setBranch(branch) {
    const place = this.line.before[this.playback.position];
    this.line = new Line(this.trace, branch);
    this.branch = branch ? new Replay(branch) : null;
    this.playback.setLength(this.line.length, this.line.rowOf(place));
    for (const listener of this.listeners) listener(this);
  }
}
