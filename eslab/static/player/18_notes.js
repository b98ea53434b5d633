// ---- Notes: what the teacher says at a place, and the field to write it ------------------------------------------------------

const LONGEST_NOTE = 500; // characters

/** The notes with this text at a row; with an empty text, without a note there. In the order of the rows. */
export function withNote(notes, row, text) {
  const all = new Map(notes);
  if (text.trim()) all.set(row, text.trim());
  else all.delete(row);
  return new Map([...all].sort(([one], [other]) => one - other));
}

/** The note at the position; and, when it is written, its field. */
export class NoteBar {
  constructor(session) {
    this.session = session;
    this.text = make("span", { class: "eslab-note" });
    this.which = make("span", { class: "eslab-notewhich" });
    this.field = focusable("input", { type: "text", class: "eslab-field", maxlength: LONGEST_NOTE, "aria-label": "Note at this step" });
    this.field.placeholder = "What is to be seen here?";
    this.field.addEventListener("keydown", (event) => this.#key(event));
    const hint = `Enter keeps it · Escape leaves it · empty takes it away${session.ask ? "" : " · kept while this page is open"}`;
    this.hint = make("span", { class: "eslab-notehint" }, hint);
    this.keep = focusable("button", { type: "button", title: "Keep the note (Enter)" }, "Keep");
    this.keep.addEventListener("click", () => this.#close(true));
    this.shown = make("div", { class: "eslab-noteshown", role: "note", "aria-label": "Note at this step" }, this.which, this.text);
    this.form = make("div", { class: "eslab-noteform" }, this.field, this.keep, this.hint);
    this.node = make("div", { class: "eslab-notebar" }, make("span", { class: "eslab-noteflag" }, icon("flag")), this.shown, this.form);
    this.at = null; // the row of which the note is being written
    this.node.hidden = true;
  }

  /** Begin to write the note at the position, or to change it. */
  write() {
    this.session.playback.pause();
    this.session.desk.set("writing", true);
  }

  dispose() {}

  #key(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    this.#close(event.key === "Enter");
  }

  #close(keep) {
    const { desk } = this.session;
    const [row, inside] = [this.at, this.node.contains(document.activeElement)];
    this.at = null;
    if (keep && row !== null) desk.set("notes", withNote(desk.notes, row, this.field.value));
    desk.set("writing", false);
    if (inside) this.node.closest(".eslab-player")?.focus({ preventScroll: true });
  }

  update() {
    const { desk, playback } = this.session;
    const { position } = playback;
    const note = desk.notes.get(position);
    const left = this.at !== null && this.at !== position && desk.writing;
    if (left) return this.#close(this.field.value !== (desk.notes.get(this.at) ?? "")); // what was written is not lost
    write(this.text, note === undefined ? "" : visible(note, 2000));
    write(this.which, note === undefined || desk.notes.size < 2 ? "" : `${[...desk.notes.keys()].filter((row) => row <= position).length} of ${desk.notes.size}`);
    hide(this.shown, Boolean(desk.writing));
    hide(this.form, !desk.writing);
    hide(this.node, note === undefined && !desk.writing);
    if (!desk.writing) this.at = null;
    else if (this.at === null) this.#open(position, note ?? "");
  }

  #open(position, note) {
    this.at = position;
    this.field.value = note;
    const player = this.node.closest(".eslab-player");
    if (player?.contains(document.activeElement)) this.field.focus();
  }
}
