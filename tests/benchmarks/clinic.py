"""How often the clinic's remedies help: 500 patients, every remedy, 20 seeds each.

    python tests/benchmarks/clinic.py [patients] [seed]

For each fault: in which share of the seeds the right remedy lowers the validation loss
at the end, and in which share each remedy cures, that is, lowers it by a fifth.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "panels"))


def main(count=500, seed=0):
    from test_clinic import REMEDIES, outcome

    from hpkit.panels.clinic import CURED, HELPS, draw_patient

    rng = np.random.default_rng(seed)
    lower, cures = defaultdict(list), defaultdict(list)
    for _ in range(count):
        *_, patient = draw_patient(rng)
        for remedy in REMEDIES:
            before, after = outcome(patient, remedy)
            cures[patient.fault, remedy].append(np.mean(after < CURED * before))
            if remedy == HELPS[patient.fault]:
                lower[patient.fault].append(np.mean(after < before))
    print(f"{'fault':12} patients lower", *(f"{remedy:>10}" for remedy in REMEDIES))
    for fault, shares in lower.items():
        each = (f"{np.mean(cures[fault, remedy]):10.2f}" for remedy in REMEDIES)
        print(f"{fault:12} {len(shares):8} {np.mean(shares):.3f}", *each)
    right = np.concatenate(list(lower.values()))
    wrong = [
        np.mean(c) for (f, r), each in cures.items() if HELPS[f] != r for c in each
    ]
    print(f"right remedy lowers: {right.mean():.3f}; wrong cures: {np.mean(wrong):.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
