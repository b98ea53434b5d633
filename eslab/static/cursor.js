// A chart whose cursor follows a player: the picture is drawn once, and only a line moves over it.

const make = (tag, className) => Object.assign(document.createElement(tag), { className });

/** The position whose place is nearest to `x`; places that go back, as out-of-order times do, are all looked at. */
export function nearest(places, x) {
  let best = 0;
  for (let index = 1; index < places.length; index += 1) {
    if (Math.abs(places[index] - x) < Math.abs(places[best] - x)) best = index;
  }
  return best;
}

function render({ model, el }) {
  const picture = make("img", "");
  const url = URL.createObjectURL(new Blob([model.get("_image")], { type: "image/png" }));
  [picture.src, picture.alt] = [url, model.get("_title")];
  const line = make("div", "eslab-cursor-line");
  const label = line.appendChild(make("span", ""));
  const frame = make("figure", "eslab-cursor");
  frame.append(picture, line);
  frame.style.setProperty("--width", `${model.get("_width") * 96}px`);
  const [, right, top, bottom] = model.get("_box");
  line.style.top = `${100 * top}%`;
  line.style.height = `${100 * (bottom - top)}%`;
  const bytes = model.get("_places");
  const places = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const place = () => {
    const position = Math.min(model.get("position"), places.length - 1);
    line.style.left = `${100 * places[position]}%`;
    label.textContent = String(position);
    label.className = places[position] > right - 0.08 ? "eslab-cursor-left" : "";
  };
  frame.addEventListener("click", (event) => {
    const { left, width } = frame.getBoundingClientRect();
    model.set("position", nearest(places, (event.clientX - left) / width));
    model.save_changes();
  });
  model.on("change:position", place);
  place();
  el.append(frame);
  return () => {
    model.off("change:position", place);
    URL.revokeObjectURL(url);
  };
}

export default { render };
