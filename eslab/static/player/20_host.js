// ---- Host: a notebook's widget model on one side, playback and views on the other -----------------------------------------------

/** Keep `model`'s position and the playback's the same; the kernel hears of it at most once a frame. */
function connect(model, playback) {
  let waiting = false;
  const send = () => {
    if (model.get("position") === playback.position) return;
    model.set("position", playback.position);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      model.save_changes();
    });
  };
  playback.goTo(model.get("position"));
  model.on("change:position", () => {
    playback.goTo(model.get("position"));
    send(); // a linked slider may have a wider range
  });
  playback.listen(send);
}

/** Make the keyframes while nothing else is going on, a few milliseconds at a time. */
function prepareInIdleTime(replay) {
  const work = () => {
    const until = performance.now() + 6;
    while (performance.now() < until) if (!replay.prepare()) return;
    timer = setTimeout(work, 10);
  };
  let timer = setTimeout(work, 300);
  return () => clearTimeout(timer);
}

function explain(parent, error) {
  const words = `The player cannot read its trace: ${error.message}`;
  parent.append(make("div", { class: "eslab-frame" }, make("p", { class: "eslab-error", role: "alert" }, visible(words, 800))));
}

/** One player, as anywidget asks for it: called once for each model; `initialize` once, `render` for each view of it. */
export default () => {
  let session, failure;
  return {
    initialize({ model }) {
      try {
        session = new Session(new Trace(model.get("_trace")));
      } catch (error) {
        failure = error;
        return undefined;
      }
      connect(model, session.playback);
      const stop = prepareInIdleTime(session.history);
      return () => (session.playback.pause(), stop());
    },
    render({ el }) {
      if (failure) return explain(el, failure);
      const view = new View(el, session);
      return () => view.dispose();
    },
  };
};
