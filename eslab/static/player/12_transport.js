// ---- Transport: the buttons, the slider and the speed ----

/** The transport: first, back, play, forward, last, the slider and the speed. */
class Transport {
  constructor(session) {
    const { playback } = session;
    this.session = session;
    const go = (target) => () => playback.jump(target());
    this.first = this.#button("first", "First: before any event (Home)", go(() => 0));
    this.back = this.#button("back", "One event back (left arrow)", go(() => playback.position - 1));
    this.forward = this.#button("forward", "One event forward (right arrow)", go(() => playback.position + 1));
    this.last = this.#button("last", "Last event (End)", go(() => playback.length));
    this.play = this.#button("play", "Play", () => playback.toggle());
    this.play.classList.add("eslab-play");
    this.word = this.play.appendChild(make("span", {}, "Play"));
    this.slider = focusable("input", { type: "range", min: 0, max: playback.length, step: 1, class: "eslab-slider", "aria-label": "Position in the history" });
    this.slider.addEventListener("input", () => playback.jump(this.slider.valueAsNumber));
    this.speed = focusable("select", { "aria-label": "Speed in events a second", title: "Speed in events a second" });
    for (const speed of SPEEDS) this.speed.append(make("option", { value: speed }, `${speed === 0.5 ? "½" : speed} / s`));
    this.speed.addEventListener("change", () => playback.setSpeed(Number(this.speed.value)));
    this.node = make("div", { class: "eslab-transport" }, this.first, this.back, this.play, this.forward, this.last, this.slider, this.speed);
  }

  #button(name, label, act) {
    const button = focusable("button", { type: "button", title: label, "aria-label": label }, icon(name));
    button.addEventListener("click", act);
    return button;
  }

  update({ position, length, playing, speed }) {
    this.slider.value = position;
    this.slider.style.setProperty("--filled", `${length ? (100 * position) / length : 0}%`);
    this.slider.setAttribute("aria-valuetext", positionText(this.session.line, position));
    this.slider.disabled = this.play.disabled = length === 0;
    this.first.disabled = this.back.disabled = position === 0;
    this.forward.disabled = this.last.disabled = position === length;
    this.speed.value = speed;
    if (this.word.written === (playing ? "Pause" : "Play")) return;
    write(this.word, playing ? "Pause" : "Play");
    this.play.setAttribute("aria-label", playing ? "Pause (space)" : "Play (space)");
    this.play.title = playing ? "Pause (space)" : "Play (space)";
    this.play.firstChild.replaceWith(icon(playing ? "pause" : "play"));
  }
}
