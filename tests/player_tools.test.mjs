// The player's tools without a page: playback and its live speed, search, the strip, notes, and the watched field.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../eslab/static/player/", import.meta.url);
const names = (await readdir(folder)).filter((name) => name.endsWith(".js")).sort();
const parts = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf-8")));
const source = Buffer.from(parts.join("\n")).toString("base64");
const {
  Bins, Desk, Line, Playback, Replay, Search, Series, Trace, Watcher, chosenNames, columnsFor, decode, exampleOf, failingRows, fittingSpeed, foundText, inSlices, lanesOf,
  laneName, linksOf, liveSchedule, loopText, matcher, nearestInLane, nearestRow, ordering, parseQuery, pathFrom, pathsOf, placesOf, plainAt, scaleOf,
  scaleText, stripText, toggleTypes, typesIn, watch, withNote,
} = await import(`data:text/javascript;base64,${source}`); // as a module, whatever the version of node takes a .js file for

const map = (...entries) => ({ map: entries });

/** A small generator of numbers in 0 … n-1, the same for a seed. */
function chanceFrom(seed) {
  let state = seed;
  return (n) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const steps = (numbers) => numbers.map((number, index) => number - (index ? numbers[index - 1] : 0));

/** A trace of these events: { type, stream, payload, metadata, recorded, occurred, patch }, whatever of it matters. */
function traceOf(events, head = {}, base = null) {
  const [types, streams] = ["type", "stream"].map((name) => [...new Set(events.map((event) => event[name] ?? "bank.MoneyDeposited"))]);
  const recorded = events.map((event, index) => event.recorded ?? 1_000 * index);
  const first = {
    title: "t", order: "recorded", types, streams, start: map(), causes: {}, wishes: {}, errors: {}, views: [], recorded: steps(recorded),
    type: events.map((event) => types.indexOf(event.type ?? "bank.MoneyDeposited")), stream: events.map((event) => streams.indexOf(event.stream ?? "bank.MoneyDeposited")),
    lag: events.some(({ occurred }) => occurred !== undefined) ? events.map((event, index) => recorded[index] - (event.occurred ?? recorded[index])) : [], ...head,
  };
  const rows = events.map((event, index) => [index + 1, 1, `id-${index + 1}`, event.payload ?? map(), event.metadata ?? null]);
  const shared = base ? [first.sharedEvents, first.sharedPatches] : [0, 0];
  const lines = [first, ...rows.slice(shared[0]), ...events.slice(shared[1]).map((event) => event.patch ?? [])];
  return new Trace(lines.map((line) => JSON.stringify(line)).join("\n"), base);
}

const lineOf = (events, head) => new Line(traceOf(events, head));

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

test("live speed keeps the gaps between the events, and the whole takes as long as was asked", () => {
  assert.deepEqual([...liveSchedule([0, 10, 10, 40], 30)], [0, 0, 7_500, 7_500, 30_000]);
  assert.deepEqual([...liveSchedule([0, 50, 20, 70], 10)], [0, 0, 5_000, 5_000, 10_000]); // out of order: with the one before it
  assert.deepEqual([...liveSchedule([5, 5, 5], 4)], [0, 0, 2_000, 4_000]); // all at once: evenly
  assert.deepEqual([[...liveSchedule([], 4)], [...liveSchedule([9], 4)]], [[0], [0, 0]]);
});

test("at live speed a burst goes at once, and a long gap says how long it is", () => {
  const { time, playback } = played(6, 1);
  playback.setLive(10, () => [0, 0, 0, 0, 8, 10]);
  const waits = new Set();
  playback.listen(({ waiting }) => waits.add(waiting));
  playback.play();
  time.pass(100);
  assert.equal(playback.position, 4);
  time.pass(4_000);
  assert.deepEqual([playback.position, playback.waiting], [4, 4]);
  time.pass(4_000);
  assert.equal(playback.position, 5);
  time.pass(2_000);
  assert.deepEqual([playback.position, playback.playing, playback.waiting, time.timers.size], [6, false, 0, 0]);
  assert.deepEqual([...waits].sort((one, other) => one - other), [0, 2, 3, 4, 5, 6, 7, 8]);
});

test("live speed goes on from where it is, and after a sleep it comes no faster", () => {
  const { time, playback } = played(100, 1);
  playback.setLive(100, () => Array.from({ length: 100 }, (_, index) => index));
  playback.goTo(50);
  playback.play();
  time.ms += 600_000;
  time.pass(1_100);
  assert.ok(playback.position >= 51 && playback.position <= 53, `${playback.position}`);
  playback.setSpeed(10);
  assert.deepEqual([playback.live, playback.speed, playback.playing], [0, 10, true]);
});

test("a loop is begun, ended and left by the same key, in either direction", () => {
  const { playback } = played(100, 10);
  playback.goTo(60);
  playback.markLoop();
  assert.deepEqual([playback.loop, loopText(playback.loop)], [[60, null], "Loop 60 – …"]);
  playback.goTo(50);
  playback.markLoop();
  assert.deepEqual([playback.loop, loopText(playback.loop)], [[50, 60], "Loop 50 – 60"]);
  playback.markLoop();
  assert.equal(playback.loop, null);
  playback.markLoop();
  playback.markLoop(); // no way from here to here
  assert.equal(playback.loop, null);
});

for (const live of [false, true]) {
  test(`a loop is played again and again${live ? ", live too" : ""}, and its end is shown for a moment`, () => {
    const { time, playback } = played(100, 10);
    if (live) playback.setLive(10, () => Array.from({ length: 100 }, (_, index) => index));
    playback.loop = [20, 30];
    const seen = [];
    playback.listen(({ position }) => seen.push(position));
    playback.play();
    assert.equal(playback.position, 20);
    time.pass(5_000);
    assert.ok(playback.playing);
    assert.ok(seen.filter((position) => position === 20).length >= 3, seen.join(" "));
    assert.deepEqual([Math.min(...seen), Math.max(...seen)], [20, 30]);
  });
}

test("a loop up to the last event does not stop there", () => {
  const { time, playback } = played(10, 10);
  playback.loop = [8, 10];
  playback.play();
  time.pass(3_000);
  assert.ok(playback.playing && playback.position >= 8);
});

test("another line begins without the loop of the one before", () => {
  const { playback } = played(100, 10);
  playback.loop = [50, 90];
  playback.setLength(40, 99);
  assert.deepEqual([playback.loop, playback.position, playback.length], [null, 40, 40]);
});

// ---- Search ----------------------------------------------------------------------------------------------------------------

const SHOP = [
  { type: "orders.OrderPlaced", stream: "order-1", payload: map(["customer", map(["name", "Ada Lovelace"])], ["lines", [map(["sku", "LAMP"], ["price", "12.50"])]]) },
  { type: "orders.OrderPaid", stream: "order-1", payload: map(["amount", 100], ["status", "paid"]), metadata: map(["user", "teller"]) },
  { type: "orders.OrderPlaced", stream: "order-10", payload: map(["customer", map(["name", "Grace"])], ["lines", [map(["sku", "CHAIR"], ["price", 30])]]) },
  { type: "orders.OrderPaid", stream: "order-10", payload: map(["amount", "250.75"], ["status", "partly paid"]) },
  { type: "orders.OrderPaidBack", stream: "order-10", payload: map(["amount", -5], ["rush", true], ["note", null], ["text", "Straße \u202e"]) },
];

function found(query, events = SHOP, head) {
  const line = lineOf(events, head);
  const { terms, problem } = parseQuery(query);
  assert.equal(problem, "", query);
  const meant = matcher(terms, line);
  return Array.from({ length: line.length }, (_, index) => index + 1).filter(meant);
}

test("a type is meant by its name, with or without its prefix; else by what it has in it", () => {
  assert.deepEqual(found("type:OrderPaid"), [2, 4]);
  assert.deepEqual(found("type:orders.orderpaid"), [2, 4]);
  assert.deepEqual(found("type:Paid"), [2, 4, 5]);
  assert.deepEqual(found("type:OrderPlaced,OrderPaidBack"), [1, 3, 5]);
  assert.deepEqual(found("type:Nothing"), []);
  assert.deepEqual(chosenNames(["a.X", "b.X", "a.XY"], ["x"]), [true, true, false]);
});

test("a stream is meant by its name; else by what it has in it", () => {
  assert.deepEqual(found("stream:order-1"), [1, 2]);
  assert.deepEqual(found("stream:order"), [1, 2, 3, 4, 5]);
});

test("a field is compared as a number where it is one, also written as text", () => {
  assert.deepEqual(found("amount > 100"), [4]);
  assert.deepEqual(found("amount>=100"), [2, 4]);
  assert.deepEqual(found("amount < 0"), [5]);
  assert.deepEqual(found("amount = 100.0"), [2]);
  assert.deepEqual(found("amount != 100"), [4, 5]);
  assert.deepEqual(found("amount ≤ 100"), [2, 5]);
  assert.deepEqual(found("amount > many"), []); // no number is before or after a word
});

test("a field is found by name at any depth, or by its path", () => {
  assert.deepEqual(found("price > 12"), [1, 3]);
  assert.deepEqual(found("lines.price > 20"), [3]);
  assert.deepEqual(found("customer.name = grace"), [3]);
  assert.deepEqual(found('customer.name = "Ada Lovelace"'), [1]);
  assert.deepEqual(found("customer.price > 0"), []);
  assert.deepEqual(found("user = teller"), [2]); // of the metadata
  assert.deepEqual(found("position > 3"), [4, 5]);
  assert.deepEqual(found("rush = true"), [5]);
  assert.deepEqual(found("note = none"), [5]);
});

test("times are compared as text, a day as the whole day", () => {
  const day = (text) => Date.parse(`${text}Z`);
  const events = ["2014-05-10T10:00", "2014-05-11T00:00", "2014-05-11T23:59", "2014-05-12T00:00"].map((text) => ({ recorded: day(text), payload: map(["at", text.replace("T", " ")]) }));
  for (const name of ["recorded", "occurred", "at"]) {
    assert.deepEqual(found(`${name} = 2014-05-11`, events), [2, 3]);
    assert.deepEqual(found(`${name} > 2014-05-11`, events), [4]);
    assert.deepEqual(found(`${name} <= "2014-05-11 00:00"`, events), [1, 2]);
    assert.deepEqual(found(`${name} < 2014-05`, events), []);
  }
});

test("a text is looked for in type, stream, keys and values, in capitals or not", () => {
  assert.deepEqual(found("lamp"), [1]);
  assert.deepEqual(found('"ada love"'), [1]);
  assert.deepEqual(found("ORDER-10"), [3, 4, 5]);
  assert.deepEqual(found("TELLER"), [2]);
  assert.deepEqual(found("sku"), [1, 3]);
  assert.deepEqual(found("straße"), [5]);
});

test("all terms must hold", () => {
  assert.deepEqual(found("type:OrderPaid amount > 50 stream:order-10"), [4]);
  assert.deepEqual(found("paid part"), [4]);
});

test("a payload that is no mapping is searched as well", () => {
  assert.deepEqual(found("broken", [{ payload: "{broken" }, {}]), [1]);
  assert.deepEqual(found("x > 1", [{ payload: "{broken" }, { payload: [map(["x", 2])] }]), [2]);
});

test("what cannot be understood is told, and never passed over", () => {
  const problems = {
    "amount >": "amount > what?", "amount > > 5": "amount > what?", "> 100": "which field is > 100?", "type:Paid > 5": "which field is > 5?", "type:": "type: which one?",
    'amount > "5': "amount > what?", '"open': '"open has no closing quote', "typ:Paid": 'typ:Paid is not understood: type: or stream:, or "typ:Paid" in quotes',
  };
  for (const [query, problem] of Object.entries(problems)) assert.deepEqual(parseQuery(query), { terms: [], problem }, query);
  assert.equal(parseQuery('"typ:Paid"').problem, "");
});

test("an empty query is no query", () => {
  for (const query of ["", "   "]) assert.deepEqual(parseQuery(query), { terms: [], problem: "" });
});

test("the example in the search field is one of this history", () => {
  assert.equal(exampleOf(traceOf(SHOP)), 'type:OrderPlaced   amount > 100   "text"');
  assert.equal(exampleOf(traceOf([{ type: "chess.MovePlayed", payload: map(["move", "e2e4"]) }])), 'type:MovePlayed   "text"');
  for (const query of [exampleOf(traceOf(SHOP)), exampleOf(traceOf([]))]) assert.equal(parseQuery(query).problem, "");
});

test("values are ordered only among their kind", () => {
  assert.deepEqual([ordering("9", "10") < 0, ordering("b", "A") > 0, ordering(1, "1.0"), Number.isNaN(ordering("ten", "10")), Number.isNaN(ordering(10, "ten"))], [true, true, 0, true, true]);
});

test("a lane's types are put into the query and taken out of it, and the rest stays", () => {
  assert.equal(toggleTypes("", ["Paid"]), "type:Paid");
  assert.equal(toggleTypes("type:Paid amount > 5", ["Placed"]), "type:Paid,Placed amount > 5");
  assert.equal(toggleTypes("type:Paid,Placed amount > 5", ["Paid"]), "type:Placed amount > 5");
  assert.equal(toggleTypes('type:Paid "a b"', ["Paid"]), '"a b"');
  assert.deepEqual(typesIn(toggleTypes("x", ["has space", "Paid"])), ["has space", "Paid"]);
});

/** Idle time that passes when told; each look at the clock takes a millisecond. */
class FakeIdle {
  ms = 0;
  waiting = [];
  now = () => (this.ms += 1);
  later = (act) => this.waiting.push(act);
  pass(times = Infinity) {
    for (; times > 0 && this.waiting.length; times -= 1) this.waiting.shift()();
  }
}

test("long work is done in slices, each row once, and can be ended", () => {
  const idle = new FakeIdle();
  const [rows, told] = [[], []];
  inSlices(20, (row) => rows.push(row), (done) => told.push(done), idle, 8);
  idle.pass(1);
  assert.ok(rows.length > 0 && rows.length <= 8, `${rows.length}`);
  idle.pass();
  assert.deepEqual(rows, Array.from({ length: 20 }, (_, index) => index + 1));
  assert.equal(told.at(-1), 20);
  const stop = inSlices(20, () => rows.push("late"), () => rows.push("late"), idle, 8);
  idle.pass(1);
  const before = rows.length;
  stop();
  idle.pass();
  assert.equal(rows.length, before);
});

/** What a search and a watcher need of a session. */
function sessionOf(trace) {
  const lines = new Set();
  return { desk: new Desk(), line: new Line(trace), history: new Replay(trace), branch: null, listen: (act) => lines.add(act), lines };
}

test("a search follows the query and the line, and an old one never answers", () => {
  const [idle, session] = [new FakeIdle(), sessionOf(traceOf(SHOP))];
  const search = new Search(session, idle);
  session.desk.set("query", "lamp");
  session.desk.set("query", "type:OrderPaid");
  idle.pass();
  assert.deepEqual([[...session.desk.matches.rows], session.desk.matches.busy, foundText(session.desk.matches)], [[2, 4], false, "2 of 5"]);
  session.line = lineOf(SHOP.slice(0, 3));
  for (const tell of session.lines) tell(session);
  assert.equal(session.desk.matches, null); // its rows were those of the other line
  idle.pass();
  assert.deepEqual([...session.desk.matches.rows], [2]);
  session.desk.set("query", "amount >");
  assert.deepEqual([session.desk.matches, foundText(session.desk.matches)], [null, ""]);
  session.desk.set("query", "nothing of the kind");
  idle.pass();
  assert.equal(foundText(session.desk.matches), "none of 3");
  assert.ok(search);
});

test("matches of a long history come while it is searched, in order", () => {
  const [idle, session] = [new FakeIdle(), sessionOf(traceOf(Array.from({ length: 3_000 }, (_, index) => ({ payload: map(["amount", index % 7]) }))))];
  const counts = [];
  session.desk.listen((name) => name === "matches" && counts.push(session.desk.matches.rows.length));
  new Search(session, idle);
  session.desk.set("query", "amount = 3");
  idle.pass();
  assert.ok(counts.length > 3, `${counts.length}`);
  assert.deepEqual(counts, [...counts].sort((one, other) => one - other));
  const { rows } = session.desk.matches;
  assert.equal(rows.length, 429);
  assert.ok(rows.every((row, index) => !index || row > rows[index - 1]));
});

// ---- The strip --------------------------------------------------------------------------------------------------------------

function randomEvents(chance, count) {
  const types = ["a.One", "a.Two", "a.Three", "b.Four", "b.Five", "b.Six", "b.Seven", "b.Eight", "b.Nine"];
  return Array.from({ length: count }, () => ({ type: types[Math.min(chance(9), chance(9))], recorded: chance(5_000), occurred: chance(5_000) }));
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

test("every event is counted in one column, however many there are and whatever the clock", () => {
  const chance = chanceFrom(3);
  for (const count of [0, 1, 2, 90, 2_000]) {
    const line = lineOf(randomEvents(chance, count).sort((one, other) => one.recorded - other.recorded));
    const { lanes, of } = lanesOf(line);
    assert.equal(sum(lanes.map((lane) => lane.count)), count);
    for (const clock of ["recorded", "occurred", "recorded time", "occurred time"]) {
      const { places } = placesOf(line, clock);
      const bins = new Bins(places, of, lanes.length, columnsFor(300, count, clock.endsWith("time")));
      assert.equal(sum(bins.counts), count);
      lanes.forEach((lane, index) => assert.equal(sum(bins.counts.subarray(index * bins.columns, (index + 1) * bins.columns)), lane.count));
      assert.equal(bins.most, Math.max(0, ...bins.counts));
    }
  }
});

test("the past of the strip is what counting anew gives, wherever one goes", () => {
  const chance = chanceFrom(5);
  const line = lineOf(randomEvents(chance, 500));
  const { lanes, of } = lanesOf(line);
  const { places } = placesOf(line, "occurred time");
  const bins = new Bins(places, of, lanes.length, 60);
  for (let turn = 0; turn < 60; turn += 1) {
    const position = chance(501);
    const before = bins.past.slice();
    const touched = bins.moveTo(position);
    const plain = new Uint32Array(bins.past.length);
    for (let row = 1; row <= position; row += 1) plain[of[row] * 60 + Math.round(places[row] * 59)] += 1;
    assert.deepEqual(bins.past, plain);
    before.forEach((count, index) => assert.ok(count === bins.past[index] || touched.has(index % 60)));
  }
});

test("a step touches one column", () => {
  const line = lineOf(randomEvents(chanceFrom(1), 100));
  const { lanes, of } = lanesOf(line);
  const bins = new Bins(placesOf(line, "recorded").places, of, lanes.length, 50);
  bins.moveTo(40);
  assert.deepEqual([...bins.moveTo(41)], [Math.round((41 / 100) * 49)]);
  assert.equal(bins.moveTo(41).size, 0);
});

test("the most frequent types have a lane each, the others one together", () => {
  const line = lineOf([..."aaaaabbbbccccddddeeeffgghh"].map((type) => ({ type: `x.${type}` })));
  const { lanes, of } = lanesOf(line);
  assert.deepEqual(lanes.map(laneName), ["a", "b", "c", "d", "e", "f", "2 other types"]);
  assert.deepEqual(lanes.at(-1), { names: ["x.g", "x.h"], count: 4 });
  assert.deepEqual([of[1], of[line.length]], [0, 6]);
  assert.equal(lanesOf(lineOf([..."abcdefg"].map((type) => ({ type })))).lanes.length, 7); // one more is no crowd
});

test("with room for each event each has a place, else the columns say how many they hold", () => {
  assert.deepEqual([columnsFor(300, 50, false), columnsFor(300, 5_000, false), columnsFor(300, 50, true), columnsFor(0, 9, false)], [51, 151, 101, 1]);
  assert.deepEqual([scaleText(1), scaleText(1_234)], ["", "each column: up to 1,234 events"]);
});

test("by order the places are even; by time they keep the gaps; an order that is not that of the line is sorted", () => {
  const line = lineOf([{ recorded: 0, occurred: 0 }, { recorded: 10, occurred: -90 }, { recorded: 40, occurred: 10 }]);
  const placed = (clock) => [...placesOf(line, clock).places].map((place) => Math.round(100 * place));
  assert.deepEqual(placed("recorded"), [0, 33, 67, 100]);
  assert.deepEqual(placed("occurred"), [0, 67, 33, 100]);
  assert.deepEqual(placed("recorded time"), [0, 0, 25, 100]);
  assert.deepEqual(placed("occurred time"), [0, 90, 0, 100]);
  const together = lineOf([{ occurred: 5_000 }, { occurred: 1 }, { occurred: 1 }, { occurred: 1 }]);
  assert.deepEqual([...placesOf(together, "occurred").places], [0, 1, 0.25, 0.5, 0.75]); // of one time: as recorded
  assert.deepEqual([placesOf(line, "recorded").straight, placesOf(line, "recorded time").straight], [true, false]);
});

test("a click finds the nearest event, and in a lane the nearest of that lane if it is near", () => {
  const chance = chanceFrom(9);
  const line = lineOf(randomEvents(chance, 200));
  const { of } = lanesOf(line);
  for (const clock of ["recorded", "occurred", "recorded time", "occurred time"]) {
    const layout = placesOf(line, clock);
    for (let turn = 0; turn < 40; turn += 1) {
      const [place, lane] = [chance(1_000) / 999, chance(7)];
      const far = (row) => Math.abs(layout.places[row] - place);
      const rows = Array.from({ length: 200 }, (_, index) => index + 1).concat(clock === "recorded" ? [0] : []);
      assert.equal(far(nearestRow(layout, place)).toFixed(9), Math.min(...rows.map(far)).toFixed(9));
      const near = rows.filter((row) => row && of[row] === lane && far(row) <= 0.02);
      const inLane = nearestInLane(layout, of, lane, place, 0.02);
      assert.equal(inLane !== null, near.length > 0);
      if (inLane !== null) assert.ok(near.includes(inLane));
    }
  }
  assert.equal(nearestRow(placesOf(lineOf([]), "recorded"), 0.5), 0);
  const burst = placesOf(lineOf([{ recorded: 0 }, { recorded: 0 }, { recorded: 9 }, { recorded: 9 }, { recorded: 9 }]), "recorded time");
  assert.deepEqual([nearestRow(burst, 0), nearestRow(burst, 0.4), nearestRow(burst, 0.6), nearestRow(burst, 1)], [2, 2, 5, 5]); // all of a time have happened
  assert.equal(nearestRow(placesOf(lineOf([]), "recorded time"), 0.5), 0);
});

test("causes and effects are linked, and failures are found, in the history and in the branch", () => {
  const events = [{}, {}, {}, {}];
  const trace = traceOf(events, { causes: { 3: 1, 4: 1 }, errors: { 2: "no" } });
  const branch = traceOf([{}, {}, {}], { causes: { 2: 1, 3: 1 }, errors: { 3: "no" }, sharedEvents: 1, sharedPatches: 1, rows: [["=", 1], ["-", 1, "skipped"], ["=", 2]] }, trace);
  const line = new Line(trace, branch);
  assert.deepEqual([linksOf(line, 0), linksOf(line, 1), linksOf(line, 3)], [[], [[1, 3], [1, 4]], [[1, 3]]]);
  assert.deepEqual(failingRows(line), [2, 4]);
  assert.deepEqual(failingRows(new Line(trace)), [2]);
});

test("the strip says what it shows", () => {
  const { lanes } = lanesOf(lineOf([{ type: "bank.Opened" }, { type: "bank.Paid" }, { type: "bank.Paid" }]));
  assert.equal(stripText(lanes, 3, 1), "3 events: 2 Paid, 1 Opened; the fold fails at 1");
  assert.equal(stripText([], 0, 0), "no events");
});

// ---- Notes and the watched field ---------------------------------------------------------------------------------------------

test("a note is put in its place, changed, and taken away by an empty one", () => {
  const notes = withNote(withNote(new Map([[9, "late"]]), 3, "  early "), 9, "later");
  assert.deepEqual([...notes], [[3, "early"], [9, "later"]]);
  assert.deepEqual([...withNote(notes, 3, "  ")], [[9, "later"]]);
});

/** A random patch that fits `state`, which it changes: mappings and lists, set, added and removed. */
function randomPatch(chance, state) {
  const patch = [];
  const tree = (value) => (value instanceof Map ? map(...[...value].map(([key, one]) => [key, tree(one)])) : Array.isArray(value) ? value.map(tree) : value);
  for (let count = chance(3); count > 0; count -= 1) {
    const account = ["ada", "bob", "cy"][chance(3)];
    const fresh = new Map([["balance", chance(90)], ["items", [chance(9), chance(9)]]]);
    const box = state.get(account);
    const kind = box ? chance(5) : 0;
    if (kind === 0) patch.push(["=", [account], tree(fresh)]) && state.set(account, fresh);
    else if (kind === 1) patch.push(["=", [account, "balance"], chance(90)]) && box.set("balance", patch.at(-1)[2]);
    else if (kind === 2) patch.push(["-", [account]]) && state.delete(account);
    else if (kind === 3 && box.get("items").length) patch.push(["-", [account, "items", 0]]) && box.get("items").shift();
    else patch.push(["=", [account, "items", box.get("items").length], chance(9)]) && box.get("items").push(patch.at(-1)[2]);
  }
  return patch;
}

test("a series is what reading the field in every state gives, and keeps only the changes", () => {
  const chance = chanceFrom(11);
  const state = new Map();
  const trace = traceOf(Array.from({ length: 400 }, () => ({ patch: randomPatch(chance, state) })));
  for (const path of [["ada", "balance"], ["bob"], ["cy", "items", 1], ["ada", "items"], ["nobody", "balance"]]) {
    const [series, replay] = [new Series(trace, path), new Replay(trace)];
    for (let number = 1; number <= trace.length; number += 1) series.take(number);
    for (let number = 0; number <= trace.length; number += 1) assert.equal(series.at(number), plainAt(replay.seek(number), path), `${path} at ${number}`);
    series.values.forEach((value, index) => assert.ok(!index || value !== series.values[index - 1]));
  }
});

test("a watcher follows the watched field, and gives a series for the history and one for the branch", () => {
  const [idle, session] = [new FakeIdle(), sessionOf(traceOf([{ patch: [["=", ["n"], 1]] }, { patch: [["=", ["n"], 2]] }]))];
  new Watcher(session, idle);
  watch(session, ["n"]);
  idle.pass();
  assert.deepEqual([session.desk.series.all.length, session.desk.series.all[0].values, session.desk.series.busy], [1, [undefined, 1, 2], false]);
  session.branch = new Replay(traceOf([{ patch: [["=", ["n"], 7]] }]));
  for (const tell of session.lines) tell(session);
  idle.pass();
  assert.deepEqual(session.desk.series.all.map(({ values }) => values), [[undefined, 1, 2], [undefined, 7]]);
  watch(session, []);
  assert.deepEqual([session.desk.watched, session.desk.series], [null, null]);
});

test("numbers have a lowest and a highest; other values are bands, and what is missing is a gap", () => {
  const numbers = scaleOf([{ values: [undefined, 5, "7.5", null] }, { values: [-5] }]);
  assert.deepEqual([numbers.low, numbers.high, numbers.level(0), numbers.level(undefined), numbers.level(null)], [-5, 7.5, 0.4, null, null]);
  assert.equal(scaleOf([{ values: [3] }]).level(3), 0.5);
  const words = scaleOf([{ values: ["placed", "paid", undefined, "placed", true] }]);
  assert.deepEqual([words.levels, words.level("paid"), words.level(undefined)], [["placed", "paid", "True"], 0.5, null]);
  const many = scaleOf([{ values: [..."aabbccdefgh"] }]);
  assert.deepEqual([many.levels, many.level("h"), many.level("a")], [["a", "b", "c", "d", "4 other values"], 1, 0]);
  assert.deepEqual(scaleOf([{ values: [undefined] }]).levels, []);
});

test("the fields on offer are those of the state, the changed ones first", () => {
  const state = decode(map(["ada", map(["balance", 5], ["open", true])], ["total", 5]));
  const paths = pathsOf(state, [{ mark: "=", path: ["total"], now: 5 }, { mark: "-", path: ["gone"] }]);
  assert.deepEqual([...paths], [["total", ["total"]], ["ada › balance", ["ada", "balance"]], ["ada › open", ["ada", "open"]]]);
  assert.equal(pathsOf(state, [], 2).size, 2);
});

test("a field is meant by what is offered, or by its keys", () => {
  const offered = pathsOf(decode(map(["a.b", map(["c d", 1])], ["rows", [4, 5]])));
  assert.deepEqual(pathFrom("a.b › c d", offered), ["a.b", "c d"]);
  assert.deepEqual(pathFrom("A.b/C d", offered), ["a.b", "c d"]);
  assert.deepEqual(pathFrom("rows.1", offered), ["rows", 1]);
  assert.deepEqual(pathFrom("order-9.status", offered), ["order-9", "status"]);
  assert.deepEqual(pathFrom("  ", offered), []);
});
