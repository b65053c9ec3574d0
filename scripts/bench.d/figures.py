"""What was measured, as a table of medians and ratios."""

import statistics


class Figures:
    """By line and column. The first column is the floor, the second stackup, the rest are peers."""

    def __init__(self, peers):
        self.peers = peers
        self.lines = {}

    def add(self, line, column, value):
        self.lines.setdefault(line, {}).setdefault(column, []).append(value)

    def print(self):
        columns = ["floor", "stackup", *self.peers]
        ratios = [("stackup", "floor")] + [(peer, "stackup") for peer in self.peers]
        width = max(len(line) for line in self.lines)
        titles = [f"{name:>9}" for name in columns] + [f"{above}/{below}" for above, below in ratios] + [f"{'spread':>13}"]
        print(f"{'':{width}}  " + "  ".join(titles))
        for line, measured in self.lines.items():
            medians = {name: statistics.median(values) for name, values in measured.items()}

            def figure(name):
                return f"{medians[name]:.2f}" if name in medians else "-"

            def ratio(above, below):
                if above not in medians or not medians.get(below):
                    return "-"
                quotient = medians[above] / medians[below]
                return f"{quotient:.2f}" if quotient < 10 else f"{quotient:.1f}"

            own = measured.get("stackup", [])
            spread = f"{min(own):.1f}..{max(own):.1f}" if own else "-"
            cells = [f"{figure(name):>9}" for name in columns]
            cells += [f"{ratio(above, below):>{len(above) + len(below) + 1}}" for above, below in ratios] + [f"{spread:>13}"]
            print(f"{line:{width}}  " + "  ".join(cells))
