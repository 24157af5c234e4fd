"""What a model's server received: how often each report was asked for, and whether an identifier was in it.

usage: received.py LOG REPORTS… [--studies FILE…]
LOG is server.py's; REPORTS carry `text` and `identifiers`. --studies names tables of an archive whose study and patient
names must not be there either. Prints numbers only; exits 1 when an identifier was found or an answer was given twice.
"""

import collections
import json
import sys


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


arguments = sys.argv[1:]
tables = []
if "--studies" in arguments:
    place = arguments.index("--studies")
    arguments, tables = arguments[:place], arguments[place + 1 :]
log, files = arguments[0], arguments[1:]

received = [entry for entry in read(log) if entry.get("body")]
asked, answered = collections.Counter(), collections.Counter()
for entry in received:
    if entry["status"] == 422:
        continue
    try:
        prompt = json.loads(entry["body"])["messages"][-1]["content"]
    except (ValueError, KeyError, IndexError):
        continue
    asked[prompt] += entry["status"] == "received"
    answered[prompt] += entry["status"] == 200

identifiers = {name for path in files for report in read(path) for name in report.get("identifiers", [])}
identifiers |= {report[key] for path in tables for report in read(path) for key in ("study", "patient") if report.get(key)}
everything = "\n".join(json.dumps(entry.get("headers", {})) + entry["body"] for entry in received)
everything += json.dumps([list(asked)], ensure_ascii=False)
found = sum(name in everything for name in identifiers)
twice = sum(count > 1 for count in answered.values())
again = sum(count > 1 for count in asked.values())
print(
    f"received {sum(asked.values())} questions about {len(asked)} texts; answered {sum(answered.values())}, twice {twice}; "
    f"asked again {again}; {found} of {len(identifiers)} identifiers found in what was received"
)
sys.exit(1 if found or twice else 0)
