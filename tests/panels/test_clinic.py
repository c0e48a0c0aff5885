"""The clinic: its patients are as sick as they are said to be, its remedies help."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from chart_reading import pasted, press, shows

from hpkit import ClinicPanel, train
from hpkit.panels.clinic import CURED, FAULTS, WORDS, draw_patient, last_losses

SEEDS = range(1000, 1020)
HELPS = {fault: remedy for fault, (remedy, *_) in FAULTS.items()}


@functools.cache  # a patient is compared with itself after each remedy
def trained(patient, remedy, seeds):
    settings = patient.treat(remedy)[0] if remedy else patient.setting
    if remedy == "seed":
        seeds = [seed + len(SEEDS) for seed in seeds]
    elif patient.fault == "unlucky":  # its seed stays, whatever that of a remedy
        seeds = [patient.seed]
    *_, runs = train(patient.dataset, settings, seeds=seeds)
    return runs


def outcome(patient, remedy, seeds=SEEDS):
    """Return the losses at the end before and after a remedy, a pair a seed."""
    runs = trained(patient, "validation" if patient.tried else None, SEEDS)
    chosen = last_losses(runs, "train_loss").argmin(0)
    before = last_losses(runs)[chosen, np.arange(len(chosen))][: len(seeds)]
    after = last_losses(trained(patient, remedy, seeds)).min(0)
    return np.broadcast_arrays(before, after)


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(7)
    return {f: [[*draw_patient(rng, (f,))][-1] for _ in range(2)] for f in HELPS}


@pytest.mark.parametrize("fault", HELPS)
def test_the_right_remedy_lowers_the_loss_of_nearly_every_seed(patients, fault):
    for patient in patients[fault]:
        before, after = outcome(patient, HELPS[fault])
        assert (after < before).mean() >= 0.95


def test_slow_patients_have_hardly_moved_and_early_ones_are_still_falling():
    rng = np.random.default_rng(1)
    for _ in range(12):
        (*_, slow), (*_, early) = (draw_patient(rng, (f,)) for f in ("slow", "early"))
        *_, runs = train(slow.dataset, slow.setting, seeds=[slow.seed])
        assert runs.val_loss[0, 0, -1] > 0.85 * runs.val_loss[0, 0, 0]
        *_, runs = train(early.dataset, early.setting, seeds=[early.seed])
        for loss in (runs.train_loss, runs.val_loss):
            assert loss[0, 0, -1] < 0.98 * loss[0, 0, -2]


def test_wrong_remedies_mostly_do_not_cure(patients):
    cures = []
    for fault, (patient, _) in patients.items():
        for remedy in {*HELPS.values()} - {HELPS[fault]}:
            before, after = outcome(patient, remedy, SEEDS[:3])
            cures.append(np.mean(after < CURED * before))
    assert np.mean(cures) < 0.2


def test_a_patient_is_named_treated_and_followed_by_the_next():
    panel = ClinicPanel(seed=3).wait(60)
    fault, first = panel.patient.fault, panel.patient
    wrong = next(other for other in HELPS if HELPS[other] != HELPS[fault])
    panel.fault.value = fault
    assert press(panel, "treat").treated is None  # before both lists are chosen from
    assert not panel.rows
    assert "First" in panel.result

    for named in (wrong, fault):
        panel.fault.value, panel.remedy.value = named, HELPS[named]
        press(panel, "treat")

    rows, said = panel.frame(), WORDS["faults"]
    assert "fault" not in rows  # who named another one looks again
    named = [[False, said[wrong]], [True, said[fault]]]
    assert rows[["right", "named"]].to_numpy().tolist() == named
    assert not rows["loss_after"].iloc[1] >= rows["loss_before"].iloc[1]
    assert "1 of 2 right" in panel.status.value
    assert "After the remedy: " in panel.charts.charts[0].alt
    assert f"<b>{rows['loss_after'][1]:#.3g}</b>" in shows(panel)
    press(panel, "treat")  # once more after the same diagnosis, which counts once
    assert len(panel.rows) == 3
    assert "1 of 2 right" in panel.status.value

    press(panel, "next")

    assert panel.patient is not first
    assert panel.treated is None
    assert panel.fault.label == panel.remedy.label == "Choose"
    assert "Patient 2" in panel.record.value
    panel.patient = replace(panel.patient, fault="unlucky")
    panel.fault.value, panel.remedy.value = "slow", "longer"
    press(panel, "treat")
    panel.rows[-1] |= {"loss_before": 1.0, "loss_after": 0.5}  # as luck may have it
    panel.rows[0] |= {"loss_after": np.inf}
    panel._draw()
    assert "<td>diverged</td>" in panel.drawers["table"].value
    assert "1.00 before, <b>0.500</b> now. Lower, but not by" in shows(panel)
    panel.patient = replace(panel.patient, fault="training", tried=(0.0,))
    panel.fault.value, panel.remedy.value = "overfitting", "seed"
    assert press(panel, "treat").rows[-1]["right"]  # such a patient overfits, too


def test_the_first_seven_patients_have_all_faults_and_the_chart_names_none():
    panel, faults = ClinicPanel().wait(60), set()
    for _ in FAULTS:
        faults.add(panel.patient.fault)
        assert "nan" not in panel.charts.charts[0].alt
        assert not panel.charts.charts[0].marks[-1].get("label")  # of an X
        press(panel, "next")
    assert faults == {*FAULTS}


def test_what_is_stopped_counts_for_nothing_and_a_stopped_patient_is_not_there():
    panel = ClinicPanel(seed=3).wait(60)
    job = panel._train_treated(panel.patient.fault, "longer")
    next(job)
    assert panel.treated is not None
    job.close()  # as Stop does
    assert panel.treated is None
    assert not panel.rows
    job = panel._admit_next()
    next(job)
    while panel.run is None:
        next(job)

    job.close()
    panel._draw()

    assert panel.run is panel.patient is None
    assert panel.treat_button.disabled
    assert not panel.record.value  # of the patient before
    assert "Next patient" in panel.result
    assert "Patient 2" in press(panel, "next").record.value  # nobody was skipped


def test_code_trains_the_patient():
    panel, twin = (ClinicPanel(seed=2).wait(60) for _ in range(2))
    np.testing.assert_array_equal(pasted(panel)["run"].val_loss, panel.run.val_loss)
    for name in ("fault", "data_seed", "setting", "seed"):  # of the same seed, the same
        assert getattr(twin.patient, name) == getattr(panel.patient, name)
