// ---- Line: what is stepped along: the history, or the history and a branch of it merged into one --------------------

/**
 * Rows are numbered from 1; row 0 is the moment before anything. Each row is an event of both ("="), of the history alone ("-": skipped, refused)
 * or of the branch alone ("+"), and each is a moment of both: `before[row]` events of the history have happened, `after[row]` of the branch.
 */
export class Line {
  constructor(trace, branch = null) {
    this.trace = trace;
    this.branch = branch;
    this.runs = branch ? branch.rows : [["=", trace.length]];
    this.length = this.runs.reduce((sum, [, count]) => sum + count, 0);
    this.before = new Uint32Array(this.length + 1);
    this.after = new Uint32Array(this.length + 1);
    this.says = new Map();
    this.parts = 0; // the first row at which the two part; 0 if they never do
    this.#fill();
  }

  #fill() {
    let row = 0;
    for (const [kind, count, says] of this.runs) {
      if (says) this.says.set(row + 1, says);
      if (kind !== "=" && !this.parts) this.parts = row + 1;
      for (let done = 0; done < count; done += 1) {
        row += 1;
        this.before[row] = this.before[row - 1] + Number(kind !== "+");
        this.after[row] = this.after[row - 1] + Number(kind !== "-");
      }
    }
  }

  kind(row) {
    const inHistory = this.before[row] > this.before[row - 1];
    return inHistory ? (this.after[row] > this.after[row - 1] ? "=" : "-") : "+";
  }

  /** The trace that has the event of a row, and its number there. */
  place(row) {
    return this.kind(row) === "+" ? [this.branch, this.after[row]] : [this.trace, this.before[row]];
  }

  event(row) {
    const [trace, number] = this.place(row);
    return trace.event(number);
  }

  typeName(row) {
    const [trace, number] = this.place(row);
    return trace.types[trace.type[number - 1]];
  }

  error(row) {
    const [trace, number] = this.place(row);
    return trace.errors[number] ?? null;
  }

  /** Where the fold failed at a row: in the "history", in the "branch", or in both; with what it said. */
  failures(row) {
    const found = [];
    if (row < 1) return found;
    const [before, after] = [this.trace.errors[this.before[row]], this.branch?.errors[this.after[row]]];
    const kind = this.kind(row);
    if (kind !== "+" && before) found.push({ side: "history", error: before });
    if (kind !== "-" && after) found.push({ side: "branch", error: after });
    return found;
  }

  recorded(row) {
    const [trace, number] = this.place(row);
    return trace.recorded[number - 1];
  }

  occurred(row) {
    const [trace, number] = this.place(row);
    return trace.occurred(number);
  }

  /** The row of an event of the history, by its number; 0 for 0. */
  rowOf(number) {
    return lowerBound(this.before, number);
  }

  /** The row of an event of the history or of the branch, by its number there. */
  rowOn(trace, number) {
    return lowerBound(trace === this.branch ? this.after : this.before, number);
  }
}
