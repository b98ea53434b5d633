// ---- Playback: one position and one timer, however many views -------------------------------------------------------------

const REAL_TIME = { now: () => performance.now(), every: (ms, act) => setInterval(act, ms), stop: (timer) => clearInterval(timer) };

/** Events a second that a viewer can choose from. */
export const SPEEDS = [0.5, 1, 2, 5, 10, 30, 100];

/** Seconds that the whole history takes at live speed, to choose from. */
export const LIVE = [30, 60, 180];

const FRAME = 1000 / 30; // how often live speed looks at the time, in ms
const LOOP_REST = 600; // how long the end of a loop is shown before it begins again, in ms

/** The slowest speed from 2 events a second up that shows `length` events within a minute and a half. */
export function fittingSpeed(length) {
  return SPEEDS.find((speed) => speed >= 2 && length / speed <= 90) ?? SPEEDS[SPEEDS.length - 1];
}

/**
 * When each row is due, in ms after the first, if all of them take that many seconds and the gaps between their times keep their proportion.
 * An event that is out of order is due with the one before it; events that all have one time are spread evenly. Index 0 is row 0.
 */
export function liveSchedule(times, seconds) {
  const due = new Float64Array(times.length + 1);
  for (let row = 2; row <= times.length; row += 1) due[row] = due[row - 1] + Math.max(0, times[row - 1] - times[row - 2]);
  const whole = due[times.length];
  for (let row = 2; row <= times.length; row += 1) due[row] = 1000 * seconds * (whole ? due[row] / whole : (row - 1) / (times.length - 1));
  return due;
}

/** A position in 0 … length that is stepped by hand or played by one timer; listeners are told of every change. */
export class Playback {
  constructor(length, time = REAL_TIME) {
    this.length = length;
    this.time = time;
    this.position = 0;
    this.speed = fittingSpeed(length);
    this.live = 0; // seconds that the whole history takes at live speed; 0 for a steady speed
    this.times = null; // asked for the times of all rows when live speed begins
    this.waiting = 0; // whole seconds until the next event, at live speed, when it is long to wait
    this.loop = null; // [first, last] of the range that is played again and again; last is null until it is chosen
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

  /** Another line, as long as this, stood at this position; paused, without a loop. */
  setLength(length, position) {
    this.pause();
    [this.length, this.position, this.loop] = [length, Math.max(0, Math.min(length, position)), null];
    this.#tell();
  }

  /** Go to a position by hand, which pauses. */
  jump(position) {
    this.pause();
    this.goTo(position);
  }

  play() {
    if (this.playing || !this.length) return;
    const [first, last] = this.#range();
    if (this.position >= last || this.position < first) this.position = first;
    this.due = this.live ? liveSchedule(this.times?.() ?? new Float64Array(this.length), this.live) : null;
    this.last = this.time.now();
    this.elapsed = this.due ? this.due[this.position] : 0;
    this.timer = this.time.every(this.due ? FRAME : Math.max(16, 1000 / this.speed), () => this.#tick());
    this.#tell();
  }

  pause() {
    if (!this.playing) return;
    this.time.stop(this.timer);
    [this.timer, this.waiting] = [null, 0];
    this.#tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Play that many events a second. */
  setSpeed(speed) {
    this.#resume(() => ([this.speed, this.live] = [speed, 0]));
  }

  /** Play with the gaps that there were between the events, so that all of them take this long; `times` gives the time of each row, in ms. */
  setLive(seconds, times) {
    this.#resume(() => ([this.live, this.times, this.speed] = [seconds, times, this.length / seconds]));
  }

  #resume(change) {
    const playing = this.playing;
    this.pause();
    change();
    if (playing) this.play();
    else this.#tell();
  }

  /** Choose where the loop begins, then where it ends, then no loop. */
  markLoop() {
    const [first, last] = this.loop ?? [null, null];
    if (first === null) this.loop = [this.position, null];
    else if (last !== null || first === this.position) this.loop = null;
    else this.loop = [Math.min(first, this.position), Math.max(first, this.position)];
    this.#tell();
  }

  #range() {
    return this.loop && this.loop[1] !== null ? this.loop : [0, this.length];
  }

  #tick() {
    const now = this.time.now();
    const [first, last] = this.#range();
    if (this.position >= last) return void (now - this.last >= LOOP_REST && this.#goOn(first, now));
    const target = Math.min(last, this.due ? this.#dueRow(now) : this.#steps(now));
    if (target > this.position && target === last) this.last = now;
    this.goTo(target);
    if (this.position === this.length && !this.loop?.[1]) this.pause();
  }

  /** Begin the loop again. */
  #goOn(first, now) {
    [this.last, this.elapsed, this.waiting] = [now, this.due?.[first] ?? 0, 0];
    this.goTo(first);
  }

  #steps(now) {
    const due = ((now - this.last) * this.speed) / 1000;
    const steps = Math.min(Math.floor(due + 0.2), Math.max(1, Math.ceil(this.speed / 4))); // never a burst after a sleep
    if (steps >= 1) this.last = due > 2 * steps ? now : this.last + (steps * 1000) / this.speed;
    return this.position + Math.max(0, steps);
  }

  #dueRow(now) {
    this.elapsed += Math.min(now - this.last, 250); // a sleep is not part of the history
    this.last = now;
    let row = this.position;
    while (row < this.length && this.due[row + 1] <= this.elapsed) row += 1;
    const seconds = row < this.length ? Math.ceil((this.due[row + 1] - this.elapsed) / 1000) : 0;
    const waiting = seconds >= 2 ? seconds : 0;
    const changed = waiting !== this.waiting;
    this.waiting = waiting;
    if (changed && row === this.position) this.#tell();
    return row;
  }
}
