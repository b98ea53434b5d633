// The player's logic without a page: trace, line, replay, marks, layout, panes, list and keys. Run with `node --test tests/`.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../eslab/static/player/", import.meta.url);
const names = (await readdir(folder)).filter((name) => name.endsWith(".js")).sort();
const parts = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf-8")));
const source = Buffer.from(parts.join("\n")).toString("base64");
const {
  Desk, Layouter, Line, Listed, Moments, Replay, Session, Trace, applyOp, changeWords, changedRows, clock, commandOf, copy, countMarks, decode,
  factsOf, failureText, headWidth, inline, isBoard, lag, layout, lowerBound, marksBetween, marksOf, moves, nextOf, panesOf, pieces, positionText, scrollToShow, standingOf,
  summary, tableColumns, targetOf, undo, visible, whatIfText, widthOf, windowOf,
} = await import(`data:text/javascript;base64,${source}`); // as a module, whatever the version of node takes a .js file for

const map = (...entries) => ({ map: entries });

// ---- Traces: written as Python writes them ----------------------------------------------------------------------------------

const MINUTE = 60_000;

/** The lines of a trace: the head, the events, the patches. */
function linesOf(start, patches, head = {}) {
  const count = patches.length;
  const all = {
    title: "t", order: "recorded", type: patches.map((_, index) => index % 3), types: ["bank.Event1", "bank.Event2", "bank.Event3"],
    stream: patches.map(() => 0), streams: ["account-1"], recorded: patches.map((_, index) => (index ? MINUTE : 1_000 * MINUTE)), lag: [],
    causes: {}, wishes: {}, errors: {}, views: [], start, ...head,
  };
  const events = patches.map((_, index) => [10 * (index + 1), index + 1, `id-${index + 1}`, map(["amount", index + 1]), null]);
  assert.equal(all.type.length, count);
  return [all, events, patches];
}

const written = (...lines) => lines.map((line) => JSON.stringify(line)).join("\n");

function traceOf(start, patches, head) {
  const [first, events, changes] = linesOf(start, patches, head);
  return new Trace(written(first, ...events, ...changes));
}

/** A branch of a trace in which the first `shared` events are the same; its rows are given as runs. */
function branchOf(base, start, patches, shared, rows, head = {}) {
  const [first, events, changes] = linesOf(start, patches, { ...head, sharedEvents: shared, sharedPatches: shared, rows });
  return new Trace(written(first, ...events.slice(shared), ...changes.slice(shared)), base);
}

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
  return { start, patches };
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

// ---- Trace ----------------------------------------------------------------------------------------------------------------

test("a trace is read from text and from any view of its bytes", () => {
  const text = written(...linesOf(map(["name", "Ada 😀"]), [[]]).flat(1));
  const whole = new TextEncoder().encode(text);
  const padded = new Uint8Array(whole.length + 5);
  padded.set(whole, 3);
  for (const source of [text, whole, new DataView(padded.buffer, 3, whole.length), whole.buffer]) {
    const trace = new Trace(source);
    assert.deepEqual([trace.length, trace.start], [1, map(["name", "Ada 😀"])]);
    assert.deepEqual(trace.event(1).payload, map(["amount", 1]));
  }
});

test("an event has its envelope, its times, and what the fold said of it", () => {
  const trace = traceOf(0, [[], [], []], { lag: [0, 5_000, 0], errors: { 2: "ValueError: no" } });
  const { number, position, version, id, type, stream, recorded, occurred, error } = trace.event(2);
  assert.deepEqual([number, position, version, id, type, stream, error], [2, 20, 2, "id-2", "bank.Event2", "account-1", "ValueError: no"]);
  assert.deepEqual([recorded, occurred, trace.occurred(2)], [1_001 * MINUTE, 1_001 * MINUTE - 5_000, 1_001 * MINUTE - 5_000]);
  assert.equal(trace.event(3).error, null);
});

test("a line is parsed when it is asked for: a broken one does not hinder the others", () => {
  const [head, events, patches] = linesOf(0, [[], []]);
  const text = [JSON.stringify(head), "no JSON at all", JSON.stringify(events[1]), ...patches.map((patch) => JSON.stringify(patch))].join("\n");
  const trace = new Trace(text);
  assert.equal(trace.event(2).number, 2);
  assert.throws(() => trace.event(1), SyntaxError);
});

test("what is no trace is refused with what was found", () => {
  assert.throws(() => new Trace(undefined), /found no trace/);
  assert.throws(() => new Trace("{}"), /found no head of a trace/);
  const [head, events] = linesOf(0, [[], []]);
  assert.throws(() => new Trace(written(head, ...events)), /found 3 lines of a trace, expected 5/);
});

test("causes, their effects and the events of one wish are found by number", () => {
  const trace = traceOf(0, [[], [], [], []], { causes: { 2: 1, 4: 1 }, wishes: { 1: 0, 2: 0, 3: 1, 4: 0 } });
  assert.deepEqual([trace.causeOf(4), trace.causeOf(1), trace.effectsOf(1), trace.effectsOf(2)], [1, 0, [2, 4], []]);
  assert.deepEqual([trace.sameWish(2), trace.sameWish(3)], [[1, 4], []]);
});

// ---- Line: history and branch as one -----------------------------------------------------------------------------------------

const setN = (count) => Array.from({ length: count }, (_, index) => [["=", ["n"], index + 1]]);
const HISTORY = traceOf(map(["n", 0]), setN(5));
/** Events 1, 2, then 3 skipped, 4, one that appears, 5. */
const RUNS = [["=", 2], ["-", 1, "skipped"], ["=", 1], ["+", 1, "appears"], ["=", 1]];
const BRANCH = branchOf(HISTORY, map(["n", 0]), [...setN(2), [["=", ["n"], 40]], [["=", ["n"], 99]], [["=", ["n"], 5]]], 2, RUNS);
const rowsOf = (line) => Array.from({ length: line.length }, (_, index) => index + 1);

test("without a branch every row is an event", () => {
  const line = new Line(HISTORY);
  assert.deepEqual([line.length, line.parts, rowsOf(line).map((row) => line.kind(row)).join("")], [5, 0, "====="]);
  assert.deepEqual(line.place(3), [HISTORY, 3]);
});

test("a line of both has each event once, and each row is a moment of both", () => {
  const line = new Line(HISTORY, BRANCH);
  assert.equal(rowsOf(line).map((row) => line.kind(row)).join(""), "==-=+=");
  assert.deepEqual([[...line.before], [...line.after]], [[0, 1, 2, 3, 4, 4, 5], [0, 1, 2, 2, 3, 4, 5]]);
  assert.deepEqual([line.parts, line.says.get(3), line.says.get(5)], [3, "skipped", "appears"]);
  assert.deepEqual([line.place(3), line.place(5)], [[HISTORY, 3], [BRANCH, 4]]);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((number) => line.rowOf(number)), [0, 1, 2, 3, 4, 6]);
  assert.deepEqual([line.rowOn(HISTORY, 5), line.rowOn(BRANCH, 4)], [6, 5]);
});

test("a branch reads what it shares from its source", () => {
  assert.deepEqual(BRANCH.patch(1), HISTORY.patch(1));
  assert.equal(BRANCH.event(2).id, "id-2");
  assert.deepEqual([1, 2, 3, 4, 5].map((number) => new Replay(BRANCH).seek(number).get("n")), [1, 2, 40, 99, 5]);
});

test("a branch of another fold shares the events and none of the patches", () => {
  const [head, , patches] = linesOf(map(["m", 0]), setN(5).map(() => [["=", ["m"], 7]]), { sharedEvents: 5, sharedPatches: 0, rows: [["=", 5]] });
  const branch = new Trace(written(head, ...patches), HISTORY);
  assert.equal(branch.event(4).id, "id-4");
  assert.equal(new Replay(branch).seek(1).get("m"), 7);
});

// ---- Replay ---------------------------------------------------------------------------------------------------------------

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`the state at every position is that of a plain replay, whichever way one came (random trace ${seed})`, () => {
    const plain = randomTrace(seed, 150);
    const states = plainStates(plain);
    const replay = new Replay(traceOf(plain.start, plain.patches), { spacing: 16, budget: 2_000 });
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

test("no more steps back are remembered than a few hundred", () => {
  const replay = new Replay(traceOf(map(["n", 0]), Array.from({ length: 3_000 }, (_, index) => [["=", ["n"], index + 1]])));
  for (let position = 1; position <= 3_000; position += 1) assert.ok(replay.seek(position) && replay.taken.length <= 512);
  for (let position = 3_000; position >= 0; position -= 1) assert.equal(replay.seek(position).get("n"), position);
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

for (const seed of [11, 12, 13, 14]) {
  test(`what is marked between two states is all that is different in them (random trace ${seed})`, () => {
    const states = plainStates(randomTrace(seed, 60)).map(decode);
    const chance = chanceFrom(seed);
    for (let count = 0; count < 60; count += 1) {
      const [old, now] = [states[chance(61)], states[chance(61)]];
      assert.deepEqual(encode(taken(now, marksBetween(old, now))), encode(inAnyOrder(old)), `${inline(old)} to ${inline(now)}`);
    }
  });
}

const keysOf = (value) => [...value.keys()].sort();
const inAnyOrder = (value) => {
  if (Array.isArray(value)) return value.map(inAnyOrder);
  return value instanceof Map ? new Map(keysOf(value).map((key) => [key, inAnyOrder(value.get(key))])) : value;
};

/** A state with what is marked taken back: the state it was compared with, its keys in alphabetical order. */
function taken(value, node) {
  if (node?.mark === "=") return inAnyOrder(node.old);
  if (!(value instanceof Map || Array.isArray(value))) return value;
  const kept = new Map();
  for (const [key, item] of value.entries()) if (node?.children?.get(key)?.mark !== "+") kept.set(key, taken(item, node?.children?.get(key)));
  for (const [key, child] of node?.children ?? []) if (child.mark === "-") kept.set(key, inAnyOrder(child.old));
  if (value instanceof Map) return inAnyOrder(kept);
  return [...kept].sort(([one], [other]) => one - other).map(([, item]) => item);
}

test("between two states, rows in another order are marked as moved, at every level", () => {
  const old = decode(map(["table", map(["a", 1], ["b", 2], ["c", 3])]));
  const now = decode(map(["table", map(["c", 3], ["a", 1], ["b", 5])]));
  const marks = marksBetween(old, now);
  assert.deepEqual(marks.children.get("table").order, ["a", "b", "c"]);
  assert.equal(countMarks(marks), 1);
  assert.deepEqual(changeWords(marks, now), ["table › b 2 → 5"]);
  assert.deepEqual(marksBetween(old, copy(old)).children, null);
  const turned = decode(map(["table", map(["b", 2], ["a", 1], ["c", 3])]));
  assert.deepEqual(marksBetween(old, turned).children.get("table").order, ["a", "b", "c"]);
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
  const noon = Date.UTC(2013, 7, 17, 12);
  assert.equal(clock(noon), "2013-08-17 12:00 UTC");
  assert.equal(clock(noon + 5_250), "2013-08-17 12:00:05.250 UTC");
  assert.equal(lag(noon, noon + 48 * 60 * MINUTE), "2 days later");
  assert.equal(lag(noon, noon + 500), "");
});

test("a position is said with its event", () => {
  const line = new Line(traceOf(0, [[], []]));
  assert.deepEqual([0, 2].map((row) => positionText(line, row)), ["before the first of 2 events", "event 2 of 2: Event2"]);
  assert.equal(positionText(new Line(traceOf(0, [])), 0), "no events");
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

test("a value that changed shows what it was, or in brief only what it is", () => {
  const { marks, state } = stepped(map(["n", 12], ["list", [1, 2]]), ["=", ["n"], 13], ["=", ["list", 2], 3]);
  const cell = (key, brief) => pieces(state.get(key), marks.children.get(key), brief).map(([tag, text]) => `${tag}${tag && " "}${text}`);
  assert.deepEqual([cell("n"), cell("n", true)], [["del 12", "i →", "ins 13"], ["ins 13"]]);
  assert.deepEqual(cell("list"), ["1", ", ", "2", ", ", "ins 3"]);
});

test("a column is wide enough for its longest value and the longest part of its head", () => {
  assert.ok(widthOf("1000000", null) > widthOf("10", null));
  assert.ok(widthOf(13, { mark: "=", old: 12 }) > widthOf(13, null));
  assert.equal(widthOf(13, { mark: "=", old: 12 }, true), widthOf(13, null, true));
  assert.equal(headWidth("goals_against"), headWidth("against"));
  assert.ok(headWidth("x".repeat(500)) < 10);
});

test("with very many nested parts each is one line", () => {
  const parts = (count) => map(...Array.from({ length: count }, (_, n) => [`part ${n}`, map([`key ${n}`, n])]));
  assert.equal(kinds(parts(12)).length, 12);
  assert.deepEqual(kinds(parts(400)), ["pairs"]);
});

for (const seed of [21, 22, 23, 24, 25]) {
  test(`a state laid out from step to step is laid out as one laid out anew (random trace ${seed})`, () => {
    const { start, patches } = randomTrace(seed, 200);
    const replay = new Replay(traceOf(start, [...patches, ...plainSteps(seed)]), { spacing: 16 });
    const [layouter, chance] = [new Layouter(), chanceFrom(seed)];
    for (let count = 0; count < 600; count += 1) {
      replay.seek(chance(8) ? replay.position + [1, 1, 1, -1, 2][chance(5)] : chance(401));
      const marks = marksOf(replay.changes);
      const fresh = layout(replay.state, marks);
      for (const block of fresh) block.changed = changedRows(block.rows);
      assert.deepEqual(shown(layouter.of(replay.state, marks, replay)), shown(fresh), `position ${replay.position}`);
    }
  });
}

const shown = (blocks) => blocks.map(({ kind, path, columns, rows, changed }) => ({ kind, path, columns, changed, rows: rows.map(({ key, value, node, gone, moved }) => [key, encode(value), node?.mark, node?.old, gone, moved]) }));

/** Steps that change a table plainly: numbers in the place of numbers, and now and then a new row. */
function plainSteps(seed) {
  const chance = chanceFrom(seed);
  const team = (points) => map(["points", points], ["goals", 0]);
  const begin = [["=", [], map(["a", team(0)], ["b", team(0)], ["c", team(0)])]];
  const step = (n) => (n % 23 === 0 ? [["=", [`team ${n}`], team(n)]] : [["=", ["abc"[chance(3)], ["points", "goals"][chance(2)]], chance(99)]]);
  return [begin, ...Array.from({ length: 199 }, (_, n) => step(n + 1))];
}

test("steps that keep the shape of a state keep its blocks", () => {
  const start = map(["a", map(["points", 0])], ["b", map(["points", 0])]);
  const replay = new Replay(traceOf(start, [[["=", ["a", "points"], 1]], [["=", ["b", "points"], 2]], [["=", ["c"], map(["points", 3])]]]));
  const layouter = new Layouter();
  const at = (position) => layouter.of(replay.seek(position), marksOf(replay.changes), replay);
  const first = at(1);
  assert.equal(at(2), first);
  assert.deepEqual(first[0].changed, [1]);
  assert.ok(first[0].steady);
  assert.notEqual(at(3), first);
});

test("after two steps at once other rows may differ than those marked", () => {
  const replay = new Replay(traceOf(map(["a", 0], ["b", 0]), [[["=", ["a"], 1]], [["=", ["b"], 2]], [["=", ["b"], 3]]]));
  const layouter = new Layouter();
  const steady = (position) => layouter.of(replay.seek(position), marksOf(replay.changes), replay)[0].steady;
  assert.deepEqual([0, 1, 3, 2].map(steady), [false, true, false, true]);
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
  assert.deepEqual(go("field"), Array(9).fill(null));
  assert.equal(targetOf("x", at, "slider"), null);
  assert.equal(targetOf("ArrowLeft", { position: 0, length: 9 }, "slider"), 0);
  assert.equal(targetOf("PageUp", { position: 5, length: 9 }, "slider"), 9);
});

test("single letters are commands, but not where one types or chooses", () => {
  assert.deepEqual(["x", "C", "/", "?", "z"].map((key) => commandOf(key, "list")), ["skip", "effect", "search", "help", null]);
  for (const place of ["field", "choice"]) assert.equal(commandOf("x", place), null);
});

// ---- Session: what the views share -------------------------------------------------------------------------------------------

function sessionOf(trace, branch, ask = null) {
  const session = new Session(trace, ask);
  if (branch) session.setBranch(branch);
  return session;
}

test("a branch that comes and goes leaves the place, the pin and the notes at their events", () => {
  const session = sessionOf(HISTORY);
  session.playback.goTo(5);
  session.desk.set("pin", 5);
  session.desk.set("notes", new Map([[5, "the end"]]));
  session.setBranch(BRANCH);
  assert.deepEqual([session.playback.position, session.desk.pin, [...session.desk.notes.keys()], session.playback.length], [6, 6, [6], 6]);
  session.playback.goTo(5); // the row that only the branch has
  session.setBranch(null);
  assert.deepEqual([session.playback.position, session.desk.pin, [...session.desk.notes.keys()], session.playback.length], [4, 5, [5], 5]);
});

test("an event is skipped by asking, and taken back by asking again", () => {
  const asked = [];
  const session = sessionOf(HISTORY, null, (name, value) => asked.push([name, value]));
  session.skip(3);
  assert.equal(session.desk.waiting, 3);
  session.skip(1);
  session.skip(3);
  assert.deepEqual(asked, [["_skipped", [3]], ["_skipped", [1, 3]], ["_skipped", [1]]]);
});

test("what cannot be skipped is not asked for", () => {
  const asked = [];
  const session = sessionOf(HISTORY, BRANCH, (...wish) => asked.push(wish));
  assert.deepEqual(rowsOf(session.line).map((row) => session.skippable(row)), [true, true, true, true, false, true]);
  session.skip(5);
  session.skip(0);
  assert.deepEqual(asked, []);
  assert.ok(!sessionOf(HISTORY, BRANCH).skippable(1), "nobody to ask");
  const ruled = branchOf(HISTORY, map(["n", 0]), setN(5), 5, [["=", 5]], { skippable: false });
  assert.ok(!sessionOf(HISTORY, ruled, () => {}).skippable(1), "a branch of other rules");
});

test("notes and matches are gone to in their order, and not beyond", () => {
  const session = sessionOf(HISTORY);
  session.desk.set("notes", new Map([[4, "late"], [2, "early"]]));
  session.toNote(1);
  session.toNote(1);
  session.toNote(1);
  assert.equal(session.playback.position, 4);
  session.desk.set("matches", { rows: Uint32Array.of(1, 3) });
  session.toMatch(-1);
  assert.equal(session.playback.position, 3);
  assert.deepEqual([nextOf([2, 4], 4, 1), nextOf([2, 4], 2, -1), nextOf([], 1, 1), lowerBound([2, 4], 3)], [null, null, null, 1]);
});

test("a step is pinned, and let go of from wherever one is", () => {
  const session = sessionOf(HISTORY);
  session.playback.goTo(2);
  session.togglePin();
  session.playback.goTo(5);
  assert.equal(session.desk.pin, 2);
  session.togglePin();
  assert.equal(session.desk.pin, null);
});

test("the cause of an event and its effects are found, on the line of both too", () => {
  const trace = traceOf(0, [[], [], [], []], { causes: { 2: 1, 4: 1 } });
  const session = sessionOf(trace, branchOf(trace, 0, [[], [], []], 1, [["=", 1], ["-", 1, "skipped"], ["=", 2]], { causes: { 3: 1 } }));
  session.playback.goTo(1);
  assert.deepEqual([2, 3, 4].map((row) => session.linkOf(row)), ["effect", "", "effect"]);
  session.toEffect();
  assert.equal(session.playback.position, 2);
  assert.equal(session.linkOf(1), "cause");
  session.toCause();
  assert.equal(session.playback.position, 1);
});

test("an event of the history is no effect of one that only the what-if has", () => {
  const causes = { 3: 2 };
  const history = traceOf(0, [[], [], []], { causes });
  const session = sessionOf(history, branchOf(history, 0, [[], []], 1, [["=", 1], ["+", 1, "appears"], ["-", 2, "refused"]], { causes: {} }));
  session.playback.goTo(2);
  assert.deepEqual([1, 3, 4].map((row) => session.linkOf(row)), ["", "", ""]);
  session.playback.goTo(3);
  assert.equal(session.linkOf(4), "effect");
});

test("a listener of the desk is told what changed, and only then", () => {
  const [desk, told] = [new Desk(), []];
  const stop = desk.listen((name) => told.push(name));
  desk.set("large", true);
  desk.set("large", true);
  stop();
  desk.set("large", false);
  assert.deepEqual(told, ["large"]);
});

// ---- List, card and panes -----------------------------------------------------------------------------------------------------

test("a list without a search has every row", () => {
  const listed = new Listed(5, null, 2);
  assert.deepEqual([listed.count, listed.at(4), listed.indexOf(3)], [6, 4, 3]);
});

test("a list of what was found has the current row too, in its place", () => {
  const found = Uint32Array.of(2, 5, 9);
  const rows = (current) => {
    const listed = new Listed(12, found, current);
    const all = Array.from({ length: listed.count }, (_, index) => listed.at(index));
    assert.deepEqual(all.map((row) => listed.indexOf(row)), all.map((_, index) => index));
    return all;
  };
  assert.deepEqual([5, 0, 7, 12].map(rows), [[2, 5, 9], [0, 2, 5, 9], [2, 5, 7, 9], [2, 5, 9, 12]]);
});

test("the card tells stream, times, who and why, with ways to the linked events", () => {
  const trace = traceOf(0, [[], [], []], { lag: [0, 0, 5_000], causes: { 3: 1 }, wishes: { 2: 0, 3: 0 } });
  const facts = factsOf(new Line(trace), 3);
  assert.deepEqual(facts.map(({ term }) => term), ["stream", "occurred", "recorded", "position", "caused by", "same wish as", "id"]);
  assert.match(facts[2].text, /5 seconds later$/);
  assert.deepEqual(facts[4].links, [{ text: "1", row: 1 }]);
  assert.deepEqual(facts[5].links, [{ text: "2", row: 2 }]);
});

test("the card says what a row is to the what-if", () => {
  const line = new Line(HISTORY, BRANCH);
  const said = [0, 1, 3, 5].map((row) => whatIfText(line, row));
  assert.deepEqual(said, ["", "", "Only in the history: skipped", "Only in the what-if: appears"]);
});

test("where the fold failed is said, in the history and in the what-if", () => {
  const history = traceOf(0, [[], [], []], { errors: { 2: "ValueError: no", 3: "KeyError: x" } });
  assert.deepEqual([0, 1, 2].map((row) => failureText(new Line(history), row)), ["", "", "⚠ The fold failed here: ValueError: no"]);
  const rows = [["=", 1], ["-", 1, "skipped"], ["=", 1]];
  const same = new Line(history, branchOf(history, 0, [[], []], 1, rows, { errors: { 2: "KeyError: x" } }));
  assert.equal(failureText(same, 2), "⚠ In the history the fold failed here: ValueError: no");
  assert.equal(failureText(same, 3), "⚠ The fold failed here, in both: KeyError: x");
  const other = new Line(traceOf(0, [[], [], []]), branchOf(history, 0, [[], []], 1, rows, { errors: { 2: "KeyError: x" } }));
  assert.equal(failureText(other, 3), "⚠ In the what-if the fold failed here: KeyError: x");
  const before = new Line(HISTORY, branchOf(HISTORY, 0, [[], [], [], []], 1, [["=", 1], ["-", 1, "skipped"], ["=", 3]], { errors: { 1: "KeyError: x" } }));
  assert.deepEqual([failureText(before, 1) !== "", failureText(before, 2)], [true, ""]);
});

test("a view that lags has a checkpoint in the log, and says how far it is behind", () => {
  const standing = (every, stop, happened) => Object.values(standingOf(HISTORY, { every, stop }, happened));
  assert.deepEqual(standing(1, null, 5), [5, 50, 0]);
  assert.deepEqual(standing(2, null, 5), [4, 40, 1]);
  assert.deepEqual(standing(2, null, 1), [0, 0, 1]);
  assert.deepEqual(standing(1, 3, 5), [3, 30, 2]);
});

test("there is a pane for each view, and for history and what-if", () => {
  const names = (session) => panesOf(session).map(({ side, view }) => [side, view?.name].filter(Boolean).join(" "));
  assert.deepEqual(names(sessionOf(HISTORY)), ["history"]);
  assert.deepEqual(names(sessionOf(HISTORY, BRANCH)), ["history", "branch"]);
  const views = ["board", "revenue"].map((name) => ({ name, every: 1, stop: null }));
  assert.deepEqual(names(sessionOf(traceOf(map(["board", 0], ["revenue", 0]), [], { views }))), ["history board", "history revenue"]);
});

test("the what-if is shown with what is different in it from the history", () => {
  const moments = new Moments(sessionOf(HISTORY, BRANCH));
  const words = (row) => changeWords(moments.at(row).branch.marks, moments.at(row).branch.state);
  assert.deepEqual([2, 3, 4, 5, 6].map(words), [[], ["n 3 → 2"], ["n 4 → 40"], ["n 4 → 99"], []]);
  assert.deepEqual([...moments.at(5).history.marks.children ?? []], [], "nothing happened in the history there");
});

test("from a pinned step the differences up to now are shown, backwards too", () => {
  const session = sessionOf(HISTORY);
  const moments = new Moments(session);
  session.desk.set("pin", 2);
  const words = (row) => changeWords(moments.at(row).history.marks, moments.at(row).history.state);
  assert.deepEqual([5, 2, 1].map(words), [["n 2 → 5"], [], ["n 2 → 1"]]);
});
