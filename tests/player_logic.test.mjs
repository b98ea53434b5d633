// The player's logic without a page: trees, replay, marks, layout, keys and playback. Run with `node --test tests/`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const source = await readFile(new URL("../eslab/static/player.js", import.meta.url), "base64");
const {
  Playback, Replay, applyOp, changeWords, clock, copy, decode, fittingSpeed, inline, isBoard, lag, layout, marksOf, moves, positionText,
  readTrace, scrollToShow, summary, tableColumns, targetOf, undo, visible, windowOf,
} = await import(`data:text/javascript;base64,${source}`); // as a module, whatever the version of node takes a .js file for

const map = (...entries) => ({ map: entries });
const bytes = (trace) => new TextEncoder().encode(JSON.stringify(trace));
const event = (number) => ({ type: `bank.Event${number}`, stream: "account-1", version: number, payload: map(["amount", number]) });
const traceOf = (start, patches) => ({ title: "t", start, patches, events: patches.map((_, index) => event(index + 1)) });

/** A small generator of numbers in 0 … n-1, the same for a seed. */
function chanceFrom(seed) {
  let state = seed;
  return (n) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

// ---- A second implementation, as plain as can be: every state from the start, mappings as lists of pairs --------------------

const find = (pairs, key) => pairs.findIndex(([found]) => found === key);

function plainApply(tree, [verb, path, argument]) {
  if (!path.length) return verb === "=" ? argument : map(...argument.map((key) => tree.map[find(tree.map, key)]));
  const [key, ...rest] = path;
  const isList = Array.isArray(tree);
  const items = isList ? [...tree] : tree.map.map(([name, value]) => [name, value]);
  const place = isList ? key : find(items, key);
  const put = (value) => (isList ? value : [key, value]);
  if (rest.length || verb === "o") items[place] = put(plainApply(isList ? items[place] : items[place][1], [verb, rest, argument]));
  else if (verb === "-") items.splice(place, 1);
  else items[place < 0 ? items.length : place] = put(argument);
  return isList ? items : map(...items);
}

const plainStates = ({ start, patches }) => patches.reduce((states, patch) => [...states, patch.reduce(plainApply, states.at(-1))], [start]);

/** A state back as a tree: what can be compared, order of keys and all. */
function encode(value) {
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [key, encode(item)]) };
  return Array.isArray(value) ? value.map(encode) : value;
}

const NAMES = ["ada", "10", "9", "grace", "", "__proto__", "ä"];

function randomTree(chance, depth = 0) {
  const kind = depth > 2 ? 0 : chance(4);
  if (kind < 2) return [null, true, chance(9), "text", ""][chance(5)];
  const keys = NAMES.filter(() => chance(2));
  return kind === 2 ? keys.map(() => randomTree(chance, depth + 1)) : map(...keys.map((key) => [key, randomTree(chance, depth + 1)]));
}

/** One op that fits a tree: it walks down some way and sets, adds, deletes or orders there. */
function randomOp(chance, tree, path = []) {
  const isList = Array.isArray(tree);
  if (!isList && !tree?.map) return ["=", path, randomTree(chance)];
  const keys = isList ? tree.map((_, index) => index) : tree.map.map(([key]) => key);
  const place = chance(keys.length || 1);
  const deed = chance(6);
  if (deed < 2 && keys.length) return randomOp(chance, isList ? tree[place] : tree.map[place][1], [...path, keys[place]]);
  if (deed === 2 && keys.length) return ["-", [...path, keys[place]]];
  if (deed === 3 && !isList) return ["o", path, [...keys].sort(() => chance(3) - 1)];
  if (deed === 4 && keys.length) return ["=", [...path, keys[place]], randomTree(chance)];
  return ["=", [...path, isList ? keys.length : NAMES[chance(NAMES.length)]], randomTree(chance)];
}

function randomTrace(seed, length) {
  const chance = chanceFrom(seed);
  const start = map(["ada", 1], ["rows", [1, 2]], ["10", map(["9", "x"])]);
  const patches = [];
  let tree = start;
  for (let index = 0; index < length; index += 1) {
    const patch = [];
    for (let count = chance(4); count > 0; count -= 1) {
      const op = randomOp(chance, tree);
      tree = plainApply(tree, op);
      patch.push(op);
    }
    patches.push(patch);
  }
  return traceOf(start, patches);
}

// ---- Trees ----------------------------------------------------------------------------------------------------------------

test("keys that look like numbers keep their order", () => {
  const state = decode(map(["10", "ten"], ["9", "nine"], ["a", map(["2", 1], ["1", 2])]));
  assert.deepEqual([...state.keys()], ["10", "9", "a"]);
  assert.deepEqual([...state.get("a").keys()], ["2", "1"]);
});

test("a key named like a prototype is a key like any other", () => {
  const state = decode(map(["__proto__", 1], ["constructor", 2]));
  assert.deepEqual([...state], [["__proto__", 1], ["constructor", 2]]);
});

test("a copy shares nothing with the original", () => {
  const state = decode(map(["rows", [map(["a", 1])]]));
  copy(state).get("rows")[0].set("a", 2);
  assert.equal(state.get("rows")[0].get("a"), 1);
});

test("a trace is read from any view of its bytes", () => {
  const trace = traceOf(map(["name", "Ada 😀"]), []);
  const whole = bytes(trace);
  const padded = new Uint8Array(whole.length + 5);
  padded.set(whole, 3);
  assert.deepEqual(readTrace(whole), trace);
  assert.deepEqual(readTrace(new DataView(padded.buffer, 3, whole.length)), trace);
  assert.deepEqual(readTrace(whole.buffer), trace);
});

test("what is no trace is refused with what was found", () => {
  assert.throws(() => readTrace({ events: [] }), /found no trace of events and patches/);
  assert.throws(() => readTrace({ events: [1], patches: [] }), /found 1 events and 0 patches/);
});

// ---- Replay ---------------------------------------------------------------------------------------------------------------

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`the state at every position is that of a plain replay, whichever way one came (random trace ${seed})`, () => {
    const trace = randomTrace(seed, 150);
    const states = plainStates(trace);
    const replay = new Replay(trace, { spacing: 16, budget: 2_000 });
    const look = (position) => assert.deepEqual(encode(replay.seek(position)), states[position], `position ${position}`);
    for (let position = 0; position <= 150; position += 1) look(position);
    for (let position = 150; position >= 0; position -= 1) look(position);
    const chance = chanceFrom(seed + 100);
    for (let count = 0; count < 120; count += 1) {
      if (count % 3 === 0) replay.prepare();
      look(chance(151));
    }
  });
}

test("a position outside is the nearest inside", () => {
  const replay = new Replay(traceOf(0, [[["=", [], 1]], [["=", [], 2]]]));
  assert.equal(replay.seek(99), 2);
  assert.equal(replay.seek(-1), 0);
  assert.equal(replay.position, 0);
});

test("a step shows its own changes, also when one came backwards or jumped", () => {
  const patches = Array.from({ length: 40 }, (_, index) => [["=", ["n"], index + 1]]);
  const replay = new Replay(traceOf(map(["n", 0]), patches), { spacing: 8 });
  for (const position of [5, 4, 30, 3, 40, 39, 1]) {
    replay.seek(position);
    const [change] = replay.changes;
    assert.deepEqual([change.old, change.now], [position - 1, position]);
  }
  replay.seek(0);
  assert.deepEqual(replay.changes, []);
});

test("keyframes stay within their budget by standing further apart", () => {
  const patches = Array.from({ length: 2_000 }, (_, index) => [["=", [`key ${index % 50}`], index]]);
  const replay = new Replay(traceOf(map(), patches), { spacing: 4, budget: 600 });
  while (replay.prepare()) assert.ok(replay.held <= 600 + 60);
  assert.ok(replay.keyframes.length > 4);
  assert.ok(replay.spacing > 100);
  assert.equal(replay.seek(1_999).get("key 48"), 1_998);
});

test("an op that does not fit is told, and the replay goes on", () => {
  const replay = new Replay(traceOf(map(["n", 0]), [[["=", ["n"], 1]], [["=", ["nowhere", "x"], 1]], [["=", ["n"], 3]]]));
  replay.seek(2);
  assert.match(replay.changes.problem, /found no mapping or list at nowhere/);
  assert.equal(replay.seek(3).get("n"), 3);
  assert.equal(replay.seek(1).get("n"), 1);
  assert.throws(() => applyOp({ root: 1 }, ["?", []]), /found op "\?", expected/);
});

test("each change can be taken back, order of keys and all", () => {
  const start = map(["b", 1], ["a", map(["x", 1])], ["rows", [1, 2, 3]]);
  for (const op of [["-", ["b"]], ["-", ["rows", 1]], ["=", ["c"], 5], ["=", ["rows", 3], 4], ["=", [], 7], ["o", [], ["rows", "a", "b"]], ["=", ["a", "x"], 2]]) {
    const box = { root: decode(start) };
    const change = applyOp(box, op);
    assert.notDeepEqual(encode(box.root), start, JSON.stringify(op));
    undo(box, change);
    assert.deepEqual(encode(box.root), start, JSON.stringify(op));
  }
});

// ---- Marks and words ------------------------------------------------------------------------------------------------------

function stepped(start, ...ops) {
  const box = { root: decode(start) };
  const marks = marksOf(ops.map((op) => applyOp(box, op)));
  return { marks, state: box.root, words: changeWords(marks, box.root) };
}

test("what was set, added and deleted is said in words", () => {
  const { words } = stepped(map(["balance", 100], ["note", "x"]), ["=", ["balance"], 70], ["=", ["limit"], 5], ["-", ["note"]]);
  assert.deepEqual(words, ["balance 100 → 70", "+ limit", "− note"]);
});

test("a mapping that is set anew is marked only where it differs", () => {
  const arsenal = (points) => map(["points", points], ["goals", 3]);
  assert.deepEqual(stepped(map(["Arsenal", arsenal(8)]), ["=", ["Arsenal"], arsenal(11)]).words, ["Arsenal › points 8 → 11"]);
});

test("several ops on one key are one change from the first value to the last", () => {
  assert.deepEqual(stepped(map(["n", 1]), ["=", ["n"], 2], ["=", ["n"], 3]).words, ["n 1 → 3"]);
  assert.deepEqual(stepped(map(["n", 1]), ["-", ["n"]], ["=", ["n"], 3]).words, ["n 1 → 3"]);
  assert.deepEqual(stepped(map(), ["=", ["n"], 2], ["-", ["n"]]).words, []);
});

test("a row that moves up is counted among those that stayed", () => {
  const order = (keys) => new Map(keys.map((key) => [key, 0]));
  assert.deepEqual([...moves(["a", "b", "c"], order(["c", "a", "b"]))], [["c", 2], ["a", -1], ["b", -1]]);
  assert.deepEqual([...moves(["a", "b"], order(["new", "a", "b"]))], []);
});

test("a new order of keys marks the rows that moved", () => {
  const start = map(["Chelsea", map(["points", 10])], ["Arsenal", map(["points", 8])]);
  const { marks, state } = stepped(start, ["=", ["Arsenal", "points"], 11], ["o", [], ["Arsenal", "Chelsea"]]);
  const [block] = layout(state, marks);
  assert.deepEqual(block.rows.map((row) => [row.key, row.moved]), [["Arsenal", 1], ["Chelsea", -1]]);
});

// ---- Text -----------------------------------------------------------------------------------------------------------------

test("what cannot be seen is written out", () => {
  assert.equal(visible("a\nb\u202ec\u0000"), "a\\nb\\u202ec\\u0000");
  assert.equal(visible("x".repeat(9), 4), "xxxx… (9 characters)");
});

test("values are read as in Python", () => {
  assert.equal(inline(decode(map(["a", null], ["b", [true, ""]]))), "a: None, b: True, “”");
  assert.equal(inline(decode(Array.from({ length: 99 }, (_, n) => n)), 20), "0, 1, 2, 3, 4, 5, … (99)");
  assert.equal(summary({ payload: map(["home", "Arsenal"], ["rows", []], ["goals", 2]) }), "Arsenal · 2");
});

test("times are short, and a late record says how late", () => {
  assert.equal(clock("2013-08-17T14:00:00+00:00"), "2013-08-17 14:00 UTC");
  assert.equal(clock("2013-08-17T14:00:05.25+00:00"), "2013-08-17 14:00:05.25 UTC");
  assert.equal(lag("2013-08-17T14:00:00Z", "2013-08-19T14:00:00Z"), "2 days later");
  assert.equal(lag("2013-08-17T14:00:00Z", "2013-08-17T14:00:00.5Z"), "");
});

test("a position is said with its event", () => {
  const trace = traceOf(0, [[], []]);
  assert.deepEqual([0, 2].map((position) => positionText(trace, position)), ["before the first of 2 events", "event 2 of 2: Event2"]);
  assert.equal(positionText(traceOf(0, []), 0), "no events");
});

// ---- Layout ---------------------------------------------------------------------------------------------------------------

const kinds = (tree) => layout(decode(tree), null).map(({ kind, path }) => [kind, ...path].join(" "));
const RANKS = map(["3", "♜ · ♟"], ["2", "· · ·"], ["1", "♖ ♘ ·"]);

test("a state is laid out by its shape", () => {
  assert.deepEqual(kinds(42), ["value"]);
  assert.deepEqual(kinds(map()), ["note"]);
  assert.deepEqual(kinds(map(["owner", "Ada"], ["balance", 70])), ["pairs"]);
  assert.deepEqual(kinds(map(["Ada", map(["balance", 70])], ["Grace", map(["balance", 5])])), ["table"]);
  assert.deepEqual(kinds(map(["n", 1], ["lines", [map(["sku", "LAMP"], ["count", 2])]])), ["pairs", "table lines"]);
});

test("a board comes before everything else, wherever it stands in the state", () => {
  assert.deepEqual(kinds(map(["turn", "white"], ["board", RANKS], ["moves", [map(["san", "e4"])]])), ["board board", "pairs", "table moves"]);
});

test("a board is lines of as many single signs", () => {
  assert.ok(isBoard(decode(RANKS)));
  assert.ok(!isBoard(decode(map(["3", "a b c"], ["2", "a b"], ["1", "a b c"]))));
  assert.ok(!isBoard(decode(map(["3", "one two three"], ["2", "a b c"], ["1", "a b c"]))));
});

test("rows with other keys are no table", () => {
  assert.equal(tableColumns(decode(map(["a", map(["x", 1])], ["b", map(["y", 1])]))), null);
  assert.deepEqual(tableColumns(decode([map(["x", 1], ["y", 2]), map(["x", 1], ["y", 3])])), ["x", "y"]);
});

test("a window shows what is in sight and a few rows around it", () => {
  assert.deepEqual(windowOf(0, 260, 26, 1_000, 6), [0, 16]);
  assert.deepEqual(windowOf(2_600, 260, 26, 1_000, 6), [94, 116]);
  assert.deepEqual(windowOf(26_000, 260, 26, 1_000, 6), [994, 1_000]);
  assert.deepEqual(windowOf(0, 260, 26, 3), [0, 3]);
});

test("a pane scrolls no further than it must", () => {
  assert.equal(scrollToShow(100, 200, 150, 26, 44), 100);
  assert.equal(scrollToShow(100, 200, 50, 26, 44), 6);
  assert.equal(scrollToShow(100, 200, 400, 26, 44), 270);
  assert.equal(scrollToShow(100, 200, 0, 26, 44), 0);
});

// ---- Keys -----------------------------------------------------------------------------------------------------------------

test("every key goes where it says, and the ends are the ends", () => {
  const at = { position: 50, length: 400 };
  const go = (place) => ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "].map((key) => targetOf(key, at, place));
  assert.deepEqual(go("slider"), [49, 51, 51, 49, 70, 30, 0, 400, "toggle"]);
  assert.deepEqual(go("list"), [49, 51, 49, 51, 30, 70, 0, 400, "toggle"]);
  assert.deepEqual(go("pane"), [49, 51, null, null, null, null, null, null, "toggle"]);
  assert.deepEqual(go("choice"), Array(9).fill(null));
  assert.equal(targetOf(" ", at, "button"), null);
  assert.equal(targetOf("x", at, "slider"), null);
  assert.equal(targetOf("ArrowLeft", { position: 0, length: 9 }, "slider"), 0);
  assert.equal(targetOf("PageUp", { position: 5, length: 9 }, "slider"), 9);
});

// ---- Playback -------------------------------------------------------------------------------------------------------------

/** A clock that moves when told, and calls the timers that are due. */
class FakeTime {
  constructor() {
    this.ms = 0;
    this.timers = new Set();
  }

  now = () => this.ms;

  every = (ms, act) => {
    const timer = { ms, act, due: this.ms + ms };
    this.timers.add(timer);
    return timer;
  };

  stop = (timer) => this.timers.delete(timer);

  pass(ms) {
    for (const end = this.ms + ms; this.ms < end; ) {
      this.ms += 1;
      for (const timer of [...this.timers]) if (timer.due <= this.ms && this.timers.has(timer)) (timer.due += timer.ms), timer.act();
    }
  }
}

function played(length, speed) {
  const time = new FakeTime();
  const playback = new Playback(length, time);
  playback.setSpeed(speed);
  return { time, playback };
}

test("playing steps at its speed, and stops at the end", () => {
  const { time, playback } = played(25, 10);
  playback.play();
  time.pass(1_000);
  assert.equal(playback.position, 10);
  time.pass(5_000);
  assert.deepEqual([playback.position, playback.playing, time.timers.size], [25, false, 0]);
  playback.play();
  assert.equal(playback.position, 0);
});

test("two listeners hear the same steps of one timer", () => {
  const { time, playback } = played(100, 10);
  const heard = [[], []];
  const stops = heard.map((places) => playback.listen(({ position }) => places.push(position)));
  playback.play();
  playback.play();
  assert.equal(time.timers.size, 1);
  time.pass(1_000);
  assert.equal(playback.position, 10);
  assert.deepEqual(heard[0], heard[1]);
  stops[1]();
  time.pass(1_000);
  assert.equal(playback.position, 20);
  assert.equal(Math.max(...heard[1]), 10);
});

test("a hundred events a second are a hundred, whatever the timer's grain", () => {
  const { time, playback } = played(1_000, 100);
  playback.play();
  time.pass(3_000);
  assert.ok(Math.abs(playback.position - 300) <= 3, `${playback.position}`);
});

test("after a sleep of the page the steps come no faster", () => {
  const { time, playback } = played(10_000, 10);
  playback.play();
  time.ms += 60_000;
  time.pass(1_000);
  assert.ok(playback.position <= 15, `${playback.position}`);
});

test("a jump pauses, a step from outside does not", () => {
  const { playback } = played(10, 1);
  playback.play();
  playback.goTo(4);
  assert.ok(playback.playing);
  playback.jump(7);
  assert.deepEqual([playback.position, playback.playing], [7, false]);
});

test("a speed chosen while playing plays on at that speed", () => {
  const { time, playback } = played(1_000, 1);
  playback.play();
  playback.setSpeed(10);
  time.pass(2_000);
  assert.deepEqual([playback.playing, playback.position], [true, 20]);
});

test("a position that is no number is the start, and one outside is the nearest inside", () => {
  const playback = new Playback(10, new FakeTime());
  for (const [asked, found] of [[99, 10], ["5", 5], [2.4, 2], [-3, 0], [7, 7], [undefined, 0]]) {
    playback.goTo(asked);
    assert.equal(playback.position, found);
  }
});

test("nothing plays where nothing happened", () => {
  const { time, playback } = played(0, 1);
  playback.toggle();
  assert.deepEqual([playback.playing, time.timers.size], [false, 0]);
});

test("a long history starts at a speed that shows it in a minute and a half", () => {
  assert.deepEqual([3, 380, 2_000, 1_000_000].map(fittingSpeed), [2, 5, 30, 100]);
});
