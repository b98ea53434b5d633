// ---- Playback: one position and one timer, however many views -------------------------------------------------------------

const REAL_TIME = { now: () => performance.now(), every: (ms, act) => setInterval(act, ms), stop: (timer) => clearInterval(timer) };

/** Events a second that a viewer can choose from. */
export const SPEEDS = [0.5, 1, 2, 5, 10, 30, 100];

/** The slowest speed from 2 events a second up that shows `length` events within a minute and a half. */
export function fittingSpeed(length) {
  return SPEEDS.find((speed) => speed >= 2 && length / speed <= 90) ?? SPEEDS[SPEEDS.length - 1];
}

/** A position in 0 … length that is stepped by hand or played by one timer; listeners are told of every change. */
export class Playback {
  constructor(length, time = REAL_TIME) {
    this.length = length;
    this.time = time;
    this.position = 0;
    this.speed = fittingSpeed(length);
    this.timer = null;
    this.listeners = new Set();
  }

  get playing() {
    return this.timer !== null;
  }

  /** Call `listener` after every change; the function returned ends that. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  #tell() {
    for (const listener of this.listeners) listener(this);
  }

  goTo(position) {
    const target = Math.max(0, Math.min(this.length, Math.round(Number(position) || 0)));
    if (target === this.position) return;
    this.position = target;
    this.#tell();
  }

  /** Another line, as long as this, stood at this position; paused. */
  setLength(length, position) {
    this.pause();
    [this.length, this.position] = [length, Math.max(0, Math.min(length, position))];
    this.#tell();
  }

  /** Go to a position by hand, which pauses. */
  jump(position) {
    this.pause();
    this.goTo(position);
  }

  play() {
    if (this.playing || !this.length) return;
    if (this.position === this.length) this.position = 0;
    this.last = this.time.now();
    this.timer = this.time.every(Math.max(16, 1000 / this.speed), () => this.#tick());
    this.#tell();
  }

  pause() {
    if (!this.playing) return;
    this.time.stop(this.timer);
    this.timer = null;
    this.#tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  setSpeed(speed) {
    const playing = this.playing;
    this.pause();
    this.speed = speed;
    if (playing) this.play();
    else this.#tell();
  }

  #tick() {
    const due = ((this.time.now() - this.last) * this.speed) / 1000;
    const steps = Math.min(Math.floor(due + 0.2), Math.max(1, Math.ceil(this.speed / 4))); // never a burst after a sleep
    if (steps < 1) return;
    this.last = due > 2 * steps ? this.time.now() : this.last + (steps * 1000) / this.speed;
    this.goTo(this.position + steps);
    if (this.position === this.length) this.pause();
  }
}
