"""The label-fraction curve of ops/bench/biopsy/run: argument 1 evaluations.csv, 2 the picture to draw."""
import csv
import statistics
import sys
from collections import defaultdict

areas = defaultdict(list)
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    if row["level"] == "biopsy" and row["metric"] == "auc" and row["centre"] == "all" and row["value"]:
        start, percent, _ = row["subject"].split("-")
        areas[row["data_set"], start, int(percent)].append(float(row["value"]))
for (split, start, percent), values in sorted(areas.items()):
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    print(f"{split:5} {start:9} {percent:3} % of the patients: AUC {statistics.mean(values):.3f} ± {spread:.3f} over {len(values)} draws")
try:
    import matplotlib
except ImportError:
    sys.exit("no picture: matplotlib is not installed")
matplotlib.use("Agg")
import matplotlib.pyplot as plot

figure, axes = plot.subplots(figsize=(5, 3.5), dpi=150)
split = "test"
for start in dict.fromkeys(key[1] for key in areas):
    percents = sorted(key[2] for key in areas if key[:2] == (split, start))
    means = [statistics.mean(areas[split, start, percent]) for percent in percents]
    spreads = [statistics.stdev(areas[split, start, percent]) if len(areas[split, start, percent]) > 1 else 0 for percent in percents]
    axes.errorbar(percents, means, yerr=spreads, marker="o", capsize=3, label=start)
axes.set(xscale="log", xlabel="patients with pathology that were learnt from, %", ylabel="AUC, test studies", ylim=(0.4, 1))
axes.axhline(0.5, color="grey", linewidth=0.5)
axes.legend()
figure.tight_layout()
figure.savefig(sys.argv[2])
