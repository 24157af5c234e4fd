"""Compares answers of `endoked label` with the findings that the reports carry, by corpus and language.

usage: score.py [--wrong] (REPORTS ANSWERS)…
With --compare answers (a `model` in each line) the model's figures stand beside those of the rules. Text of a report is
never printed.
"""

import json
import os
import sys
from collections import defaultdict

FIELDS = ("count", "sites", "max_size_mm", "morphology")


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def is_same(field, found, truth):
    if field in ("sites", "morphology"):
        return set(found or []) == set(truth or [])
    if field == "max_size_mm" and found is not None and truth is not None:
        return abs(found - truth) < 0.06
    return found == truth


def tell(reader, truth, answer, tally):
    """Counts one reading; returns what is wrong with it."""
    tally["all"] += 1
    if answer is None:
        tally["invalid"] += 1
        return ["no answer"]
    wrong = []
    if answer["polyp"] == truth["polyp"]:
        tally["agree"] += 1
    else:
        wrong.append(f"polyp {truth['polyp']} read as {answer['polyp']}")
        tally["opposite"] += {answer["polyp"], truth["polyp"]} == {"yes", "no"}
    if truth["polyp"] == "yes":
        for field in FIELDS:
            if field in truth:
                tally[field + " all"] += 1
                if is_same(field, answer.get(field), truth[field]):
                    tally[field] += 1
                else:
                    wrong.append(field)
    return wrong


def share(tally, name, of="all"):
    return f"{100 * tally[name] / tally[of]:6.1f}" if tally[of] else "     -"


def main(arguments):
    shows_wrong = "--wrong" in arguments
    files = [argument for argument in arguments if argument != "--wrong"]
    rows = {}
    misread = []
    for reports, answers in zip(files[::2], files[1::2]):
        corpus = os.path.basename(reports)
        found = {answer.get("id"): answer for answer in read(answers)}
        for truth in read(reports):
            if "polyp" not in truth or truth["id"] not in found:
                continue
            answer = found[truth["id"]]
            is_answered = "error" not in answer
            readings = {"rules": answer if "polyp" in answer else None}
            if "model" in answer or not is_answered:
                readings["model"] = answer.get("model") if is_answered else None
            for reader, reading in readings.items():
                if reader == "rules" and not is_answered:
                    continue
                wrong = None
                for language in ("all", truth["language"]):
                    wrong = tell(reader, truth, reading, rows.setdefault((corpus, reader, language), defaultdict(int)))
                if wrong:
                    misread.append((corpus, reader, truth["id"], ", ".join(wrong)))
    print(f"{'corpus':24}{'reader':8}{'lang':5}{'n':>5} {'agree':>6} {'oppos.':>6} {'count':>6} {'sites':>6} {'size':>6} {'shape':>6} invalid")
    for (corpus, reader, language), tally in sorted(rows.items(), key=lambda row: (row[0][0], row[0][1] == "model", row[0][2])):
        figures = [share(tally, "agree"), share(tally, "opposite")] + [share(tally, field, field + " all") for field in FIELDS]
        print(f"{corpus:24}{reader:8}{language:5}{tally['all']:5} {' '.join(figures)} {tally['invalid']:7}")
    if shows_wrong:
        for row in misread:
            print(" ".join(row[:3]) + ": " + row[3])


main(sys.argv[1:])
