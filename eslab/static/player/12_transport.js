// ---- Transport: the buttons, the speed, the loop, and the tools -------------------------------------------------------------

Object.assign(ICONS, {
  loop: "M7 6h10a4 4 0 0 1 4 4v1.5h-2.4V10A1.6 1.6 0 0 0 17 8.4H8.5V11L4 7.2 8.5 3.4V6zM17 18H7a4 4 0 0 1-4-4v-1.5h2.4V14A1.6 1.6 0 0 0 7 15.6h8.5V13l4.5 3.8-4.5 3.8V18z",
  flag: "M5 3h2v18H5zM8 4h11l-3 4 3 4H8z",
  earlier: "M15.5 5v14L6 12z",
  later: "M8.5 5v14L18 12z",
  pen: "M4 16.5V20h3.5L18 9.5 14.5 6zM15.7 4.8l3.5 3.5 1.6-1.6-3.5-3.5z",
  pin: "M8 3h8v2l-1.5 1v5l3 3v2h-4.7V22h-1.6v-6H6.5v-2l3-3V6L8 5z",
  chart: "M3 3h2v16h16v2H3zM7 14.5l4-5 4 3 5-7 1.6 1.2-6.2 8.7-4.1-3L8.6 15.8z",
  letters: "M2 19 7.5 5h2L15 19h-2.4l-1.3-3.6H5.7L4.4 19zm4.5-5.8h4L8.5 7.6zM19 9.5c2 0 3 1.1 3 3V19h-1.9v-1.1c-.6.9-1.4 1.3-2.5 1.3-1.6 0-2.7-.9-2.7-2.4 0-1.7 1.3-2.6 3.4-2.6H20v-.9c0-1-.5-1.5-1.5-1.5-.9 0-1.5.4-1.6 1.1h-1.9c.1-1.7 1.5-2.8 4-2.8zm1 6h-1.5c-1.2 0-1.7.4-1.7 1.1 0 .6.5 1 1.2 1 1.2 0 2-.8 2-1.8z",
  help: "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19zm0 2a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zm-.1 2.2c2.1 0 3.5 1.2 3.5 2.9 0 1.3-.6 2-1.7 2.7-.9.6-1.1.9-1.1 1.6v.5h-1.9v-.7c0-1.3.5-2 1.7-2.7.9-.6 1.1-.9 1.1-1.4 0-.8-.6-1.3-1.6-1.3-1 0-1.7.6-1.7 1.6H8.2c.1-2 1.5-3.2 3.7-3.2zM11.6 15.5a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4z",
  close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4L12 13.4 6.4 19 5 17.6 10.6 12 5 6.4z",
  search: "M10 3a7 7 0 0 1 5.6 11.2l5 5-1.4 1.4-5-5A7 7 0 1 1 10 3zm0 2a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
  keys: "M4 4h4v16H4zM10 9h4v11h-4zM16 13h4v7h-4z",
});

/** A button with an icon and a title that tells its key; its name is its word, or where it has none its title. */
function tool(picture, title, act, word = "") {
  const button = focusable("button", { type: "button" }, icon(picture));
  if (word) button.word = button.appendChild(make("span"));
  button.addEventListener("click", act);
  label(button, title, word);
  return button;
}

function label(button, title, word = button.word?.written) {
  if (button.title !== title) button.title = title;
  if (button.word) write(button.word, word);
  else if (button.getAttribute("aria-label") !== title) button.setAttribute("aria-label", title);
}

function press(button, pressed) {
  if (button.pressed === Boolean(pressed)) return;
  button.pressed = Boolean(pressed);
  button.setAttribute("aria-pressed", button.pressed);
}

/** Say that a button does nothing now. It keeps the focus, so that the next key still belongs to the player. */
function able(button, possible) {
  if (button.possible === possible) return;
  button.possible = possible;
  button.setAttribute("aria-disabled", !possible);
}

/** The times of all rows by one of the two clocks, in ms since 1970; index 0 is row 1. */
function timesOf(line, which) {
  return Float64Array.from({ length: line.length }, (_, index) => line[which](index + 1));
}

/** The clock that live speed follows: that of the strip; the other one where nearly all events have one and the same time in that, as after an import. */
function liveClock(session) {
  const which = session.desk.clock.split(" ")[0];
  const gaps = (times) => times.reduce((count, time, index) => count + Number(index > 0 && time > times[index - 1]), 0);
  const other = which === "recorded" ? "occurred" : "recorded";
  const { line } = session;
  if (!line.trace.lag || gaps(timesOf(line, which)) >= line.length / 20) return which;
  return gaps(timesOf(line, other)) > gaps(timesOf(line, which)) ? other : which;
}

/** The loop in words. */
export function loopText(loop) {
  if (!loop) return "Loop";
  return loop[1] === null ? `Loop ${grouped(loop[0])} – …` : `Loop ${grouped(loop[0])} – ${grouped(loop[1])}`;
}

const SPEED_TITLE = "Speed in events a second; live keeps the gaps between the events";
const LOOP_STEPS = ["Loop: begin it here (l)", "Loop: end it here (l)", "Loop: end the looping (l)"];

/** The rows of the notes, in order. */
const noteRows = (desk) => [...desk.notes.keys()].sort((one, other) => one - other);

/** The transport: first, back, play, forward, last; speed and loop; notes, pin, watch; the size of the page and its keys. */
export class Transport {
  constructor(session) {
    const { playback, desk } = session;
    this.session = session;
    const go = (target) => () => playback.jump(target());
    this.first = tool("first", "First: before any event (Home)", go(() => 0));
    this.back = tool("back", "One event back (left arrow)", go(() => playback.position - 1));
    this.play = tool("play", "Play (space)", () => playback.toggle(), "Play");
    this.play.classList.add("eslab-play");
    this.forward = tool("forward", "One event forward (right arrow)", go(() => playback.position + 1));
    this.last = tool("last", "Last event (End)", go(() => playback.length));
    this.speed = this.#speeds();
    this.wait = make("span", { class: "eslab-wait" });
    this.loop = tool("loop", LOOP_STEPS[0], () => this.toggleLoop(), "Loop");
    this.earlier = tool("earlier", "Last note (N)", () => session.toNote(-1));
    this.notes = make("span", { class: "eslab-notecount" });
    this.later = tool("later", "Next note (n)", () => session.toNote(1));
    this.write = tool("pen", "Write a note here (a)", () => desk.set("writing", !desk.writing), "Note");
    this.pin = tool("pin", "Pin", () => session.togglePin(), "Pin");
    this.watch = tool("chart", "Watch one field over all time", () => this.#watch(), "Watch");
    this.large = tool("letters", "Large, for a room (f)", () => desk.set("large", !desk.large));
    this.help = tool("help", "Keys (?)", () => desk.set("help", !desk.help));
    const group = (name, ...parts) => make("div", { class: "eslab-tools", role: "group", "aria-label": name }, ...parts);
    this.stepping = group("note to note", this.earlier, this.notes, this.later);
    this.node = make("div", { class: "eslab-transport" },
      group("step and play", this.first, this.back, this.play, this.forward, this.last), group("speed", this.speed, this.wait, this.loop),
      this.stepping, group("tools", this.write, this.pin, this.watch), group("page", this.large, this.help));
  }

  #speeds() {
    const speed = focusable("select", { "aria-label": "Speed", title: SPEED_TITLE });
    for (const events of SPEEDS) speed.append(make("option", { value: events }, `${events === 0.5 ? "½" : events} / s`));
    for (const seconds of LIVE) speed.append(make("option", { value: `live ${seconds}` }, `live, ${seconds < 60 ? `${seconds} s` : `${seconds / 60} min`}`));
    speed.addEventListener("change", () => this.#setSpeed(speed.value));
    return speed;
  }

  #setSpeed(value) {
    const { playback, line } = this.session;
    this.speed.title = SPEED_TITLE;
    if (!value.startsWith("live")) return playback.setSpeed(Number(value));
    playback.setLive(Number(value.slice(5)), () => {
      const which = liveClock(this.session);
      this.speed.title = `Live: with the gaps between the events as they were ${which}`;
      return timesOf(line, which);
    });
  }

  /** Begin a loop here, end it here, or be done with it. */
  toggleLoop() {
    this.session.playback.markLoop();
  }

  #watch() {
    const { desk } = this.session;
    const open = desk.watching || desk.watched;
    desk.set("watched", null);
    desk.set("watching", !open);
  }

  update() {
    const { playback, desk } = this.session;
    const { position, length, playing, speed, live, waiting } = playback;
    able(this.play, length > 0);
    able(this.first, position > 0);
    able(this.back, position > 0);
    able(this.forward, position < length);
    able(this.last, position < length);
    const chosen = live ? `live ${live}` : String(speed);
    if (this.speed.value !== chosen) this.speed.value = chosen;
    write(this.wait, waiting ? `next event in ${waiting} s` : "");
    this.#playing(playing);
    this.#loop(playback.loop);
    this.#notes(position, desk);
    this.#tools(desk);
  }

  #playing(playing) {
    if (this.word === playing) return;
    this.word = playing;
    const word = playing ? "Pause" : "Play";
    label(this.play, `${word} (space)`, word);
    this.play.setAttribute("aria-label", `${word} (space)`);
    this.play.firstChild.replaceWith(icon(playing ? "pause" : "play"));
  }

  #loop(loop) {
    label(this.loop, LOOP_STEPS[loop ? 1 + Number(loop[1] !== null) : 0], loopText(loop));
    press(this.loop, loop);
  }

  #notes(position, desk) {
    const rows = noteRows(desk);
    able(this.earlier, nextOf(rows, position, -1) !== null);
    able(this.later, nextOf(rows, position, 1) !== null);
    const done = rows.filter((row) => row <= position).length;
    hide(this.stepping, !rows.length);
    write(this.notes, `${rows.includes(position) ? `${done} of ` : ""}${rows.length} ${rows.length === 1 ? "note" : "notes"}`);
    label(this.write, `${desk.notes.has(position) ? "Change the note" : "Write a note"} here (a)`);
    press(this.write, desk.writing);
  }

  #tools({ pin, watched, watching, large, help }) {
    if (pin === null) label(this.pin, "Pin this step, to see what changes from here on (p)", "Pin");
    else label(this.pin, `Unpin step ${grouped(pin)} (p)`, `From ${grouped(pin)}`);
    press(this.pin, pin !== null);
    press(this.watch, watched || watching);
    press(this.large, large);
    press(this.help, help);
  }
}
