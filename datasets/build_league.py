"""Build league.jsonl: the Premier League 2013-14 as it was recorded, and as it was put right years later."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sources import HERE, event, unpacked, write_events

Results = dict[tuple[str, str], tuple[str, tuple[int, int]]]  # home and away club: day and score
SPELLINGS = {"Norwich": "Norwich City", "Swansea": "Swansea City"}


def main() -> None:
    facts = json.loads((HERE / "league_facts.json").read_text(encoding="utf-8"))
    with unpacked("npm", "football.json", "1.0.0") as folder:
        results = read_results(folder / "package" / "2013-14" / "en.1.json")
    check_corrections(results, facts)
    first = facts["first_recorded"]
    lines = [result(day, first, home, away, *score) for (home, away), (day, score) in results.items()]
    lines += [result(f["occurred"], f["recorded"], f["home"], f["away"], *f["score"]) for f in facts["late"]]
    lines += [correction(fact) for fact in facts["corrected"]]
    write_events("league.jsonl", lines)


def read_results(path: Path) -> Results:
    """The results in the order of their days; the order of the package decides within a day."""
    rounds = json.loads(path.read_text(encoding="utf-8"))["rounds"]
    matches = sorted((match for each in rounds for match in each["matches"]), key=lambda match: match["date"])
    return {
        (club(match["team1"]), club(match["team2"])): (match["date"], (match["score1"], match["score2"]))
        for match in matches
    }


def club(team: dict[str, str]) -> str:
    return SPELLINGS.get(team["name"], team["name"])


def check_corrections(results: Results, facts: dict[str, Any]) -> None:
    """Stop unless the package has the scores that were corrected later, and lacks what came late."""
    for fact in facts["corrected"]:
        found = results[fact["home"], fact["away"]][1]
        if found != tuple(fact["was"]):
            raise SystemExit(f"found {found} for {fact['home']} - {fact['away']}, expected {fact['was']}")
    for fact in facts["late"]:
        if (fact["home"], fact["away"]) in results:
            raise SystemExit(f"found {fact['home']} - {fact['away']} in the package, expected it later")


def result(day: str, recorded: str, home: str, away: str, home_goals: int, away_goals: int) -> dict[str, Any]:
    data = {"home": home, "away": away, "home_goals": home_goals, "away_goals": away_goals}
    return match_event("league.ResultRecorded", day, recorded, data)


def correction(fact: dict[str, Any]) -> dict[str, Any]:
    data = {
        "home": fact["home"], "away": fact["away"],
        "home_goals": fact["now"][0], "away_goals": fact["now"][1],
        "home_goals_before": fact["was"][0], "away_goals_before": fact["was"][1],
    }  # fmt: skip
    return match_event("league.ResultCorrected", fact["occurred"], fact["recorded"], data)


def match_event(kind: str, day: str, recorded: str, data: dict[str, Any]) -> dict[str, Any]:
    """Only days are known, so midnight UTC stands for each of them."""
    slug = re.sub(r"\W+", "-", f"{data['home']} {data['away']}".lower())
    midnight = "T00:00:00Z"
    return event(kind, f"match-{slug}", occurred=day + midnight, recorded=recorded + midnight, data=data)


if __name__ == "__main__":
    main()
