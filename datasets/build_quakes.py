"""Build quakes.jsonl: a week of earthquakes, with the moments of each quake and of its report."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sources import event, unpacked, write_events


def main() -> None:
    with unpacked("npm", "vega-datasets", "3.2.1") as folder:
        text = (folder / "package" / "data" / "earthquakes.json").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    recorded_order = sorted(features, key=lambda feature: (feature["properties"]["updated"], feature["id"]))
    write_events("quakes.jsonl", [report(feature) for feature in recorded_order])


def report(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature["properties"]
    longitude, latitude, depth_km = feature["geometry"]["coordinates"]
    data = {
        "magnitude": float(properties["mag"]),
        "magnitude_type": properties["magType"],
        "place": properties["place"],
        "latitude": float(latitude),
        "longitude": float(longitude),
        "depth_km": float(depth_km),
        "kind": properties["type"],
        "status": properties["status"],
        "ids": [part for part in properties["ids"].split(",") if part],
    }
    return event(
        "quakes.EarthquakeReported", f"quake-{feature['id']}",
        occurred=moment(properties["time"]), recorded=moment(properties["updated"]), data=data,
    )  # fmt: skip


def moment(epoch_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    at = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=epoch_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


if __name__ == "__main__":
    main()
