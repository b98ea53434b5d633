"""A page is a player written into one HTML file: it opens from disk, without kernel and without network.

The page may run its own script and nothing else: its content security policy names that script by its digest. What
comes from data stands in data blocks, with every "<" written as JSON may write it, so that no text can end its block.
"""

from __future__ import annotations

import base64
import hashlib
import html
from typing import Any

import msgspec

from eslab.show import shortened

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px; background: Canvas; color: CanvasText; font-family: system-ui, sans-serif; }
main { max-width: 1500px; margin: 0 auto; }
h1 { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }
table { border-collapse: collapse; } th, td { padding: 2px 10px; text-align: left; } caption { text-align: left; }
"""
START = """
const block = (id) => document.getElementById(id).textContent;
const { notes, position } = JSON.parse(block("about"));
const place = document.getElementById("player");
place.replaceChildren();
mountPage(place, { trace: block("trace"), branch: block("branch"), notes, position });
"""


def page(
    title: str, module: str, style: str, *, trace: bytes, branch: bytes, notes: list[Any], position: int, fallback: str
) -> str:
    """The whole page as text, of the player's ES module and style sheet, and what they are to show.

    `trace` and `branch` are JSON lines (see `traces`; no bytes for no branch), `notes` are [position, text], position 0
    is before the first event, and `fallback` is HTML for a browser that runs no scripts.
    """
    style, script = f"{STYLE}{style}", f"{module}\n{START}"
    policy = (
        f"default-src 'none'; img-src data:; script-src {_digest(script)}; style-src {_digest(style)}; "
        f"style-src-attr 'unsafe-inline'"  # the fallback's tables have their own; data cannot, it is escaped
    )
    title = html.escape(shortened(title, 80))
    about = msgspec.json.encode({"notes": notes, "position": position})
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main><h1>{title}</h1><div id="player">{fallback}</div></main>
<script type="application/json" id="about">{_block(about)}</script>
<script type="application/x-ndjson" id="trace">{_block(trace)}</script>
<script type="application/x-ndjson" id="branch">{_block(branch)}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def _block(data: bytes) -> str:
    return data.decode("utf-8").replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
