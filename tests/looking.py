"""What to look for in a player: whatever axe finds, how texts stand out, how large they are, where the focus goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import Locator

FOCUSABLE = "button, select, input, textarea, a[href], summary, [tabindex], [contenteditable]"
FOCUSED = """() => {
  const node = document.activeElement;
  const player = node.closest(".eslab-player");
  if (!player) return null;
  const drawn = ({ outlineStyle, outlineWidth, boxShadow }) =>
    Math.max(outlineStyle === "none" ? 0 : parseFloat(outlineWidth), boxShadow === "none" ? 0 : 2);
  const around = [node, node.parentElement].map((one) => drawn(getComputedStyle(one)));
  const name = node.getAttribute("aria-label") ?? (node.innerText || node.title || node.placeholder);
  return [node.localName, node.className, name, Math.max(...around)];
}"""


def walked(player: Locator) -> list[tuple[str, str, str, float]]:
    """Where Tab goes in the player, from the first place to the last: kind, class, name, width of its mark."""
    player.evaluate("node => node.focus()")
    places = []
    for _ in range(80):
        player.page.keyboard.press("Tab")
        focused = player.page.evaluate(FOCUSED)
        if not focused:
            break
        places.append(tuple(focused))
    return places


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """async (player, values) => {
  const { violations, passes } = await axe.run(player, { runOnly: { type: "tag", values } });
  if (passes.length < 15) return ["axe has looked at next to nothing"];
  return violations.flatMap(({ id, impact, help, nodes }) => nodes.map((node) =>
    `${id} (${impact}): ${help}: ${node.html.slice(0, 160)} ${node.failureSummary.replace(/\\s+/g, " ")}`));
}"""


def violations(player: Locator) -> list[str]:
    """What axe finds wrong in a player, one line each."""
    player.page.evaluate(AXE_SCRIPT)
    found: list[str] = player.evaluate(RUN_AXE, RULES)
    return found


LOOKS = {
    "at the start": ["Home"],
    "pinned, writing a note": ["p", "n", "a"],
    "the keys": ["Escape", "?"],
    "large, with a loop": ["Escape", "f", "End", "l", "ArrowLeft", "l"],
}


def found_in(player: Locator) -> dict[str, list[str]]:
    """What axe finds as the player is used, by what is shown."""
    found = {}
    for name, keys in LOOKS.items():
        player.locator(".eslab-slider").focus()
        for key in keys:
            player.page.keyboard.press(key)
        found[name] = violations(player)
    return {name: lines for name, lines in found.items() if lines}


CONTRASTS = """(player) => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = (node) => (node
    ? over(rgba(getComputedStyle(node).backgroundColor), behind(node.parentElement))
    : [255, 255, 255, 1]);
  const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const opacity = (node) => (node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1);
  const ratio = (node) => {
    const ground = behind(node);
    const ink = rgba(getComputedStyle(node).color);
    const [one, other] = [light(over([...ink.slice(0, 3), ink[3] * opacity(node)], ground)), light(ground)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  const off = (node) => node.closest("select, datalist, :disabled, [aria-disabled=true]");
  const texts = [...player.querySelectorAll("*")]
    .filter((node) => hasText(node) && node.checkVisibility() && !off(node));
  return texts.map((node) => [Number(ratio(node).toFixed(2)), node.className, node.textContent.slice(0, 30)]);
}"""


def contrasts(player: Locator) -> list[Any]:
    """Of each text in sight: its contrast with its ground, its class, its beginning."""
    found: list[Any] = player.evaluate(CONTRASTS)
    return found


SMALLEST = """player => Math.min(...[...player.querySelectorAll("*")]
  .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()))
  .filter(node => node.checkVisibility() && !node.closest(".eslab-live, datalist"))
  .map(node => parseFloat(getComputedStyle(node).fontSize)))"""
OUTSIDE = """player => [...player.querySelectorAll("button, select, input")]
  .filter(node => node.checkVisibility() && !node.closest(".eslab-list, .eslab-card"))
  .filter(node => { const [a, b] = [node.getBoundingClientRect(), player.getBoundingClientRect()];
                    return a.right > b.right + 1 || a.left < b.left - 1 || a.bottom > b.bottom + 1; })
  .map(node => node.outerHTML.slice(0, 80))"""


def smallest(player: Locator) -> float:
    """The size of the smallest text in sight, in pixels."""
    return float(player.evaluate(SMALLEST))


def outside(player: Locator) -> list[str]:
    """The buttons and fields that do not lie within the player, as HTML."""
    found: list[str] = player.evaluate(OUTSIDE)
    return found
