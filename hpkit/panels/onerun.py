"""`OneRun`: the training of one setting as a live job; it rests, goes on, is kept."""

import math
import time

from hpkit.engine.training import Training
from hpkit.panels.lists import Kept
from hpkit.panels.live import FRAME
from hpkit.panels.run_view import updates_per_epoch

REST = 0.4  # seconds without a move after which a run counts as chosen
PACE = 0.05  # seconds an epoch takes at least in a slow training: enough to watch


class OneRun:
    """What a `TrainingPanel` trains at the moment.

    Parameters
    ----------
    dataset : Dataset
    model : function or None
    live : Live
        Its thread works through the jobs.
    keep : function (Run)
        Called with each run that was trained for an epoch or more.

    Attributes
    ----------
    now : Kept or None
        The run in training.
    slow : bool
        Whether an epoch takes `PACE` seconds at least.
    rest_at : int or None
        Epoch at which to rest.
    unbegun : bool
        Whether the last training was stopped before its first epoch.
    """

    def __init__(self, dataset, model, live, keep):
        self.dataset, self.model, self.live, self.keep = dataset, model, live, keep
        self.now = self.rest_at = self.halted = None
        self.slow, self.unbegun, self.per_update = False, False, 0.0

    def job(self, setting, seed, *, wait=False, rest_at=None, halted=None):
        """Return the job that trains one setting.

        Parameters
        ----------
        setting : Hyperparameters
        seed : int
        wait : bool
            Whether to end only after a moment in which no newer job came.
        rest_at : int, optional
            Epoch at which to rest.
        halted : Training, optional
            One that was stopped; it goes on.
        """
        self.rest_at = rest_at
        return self._job(setting, seed, wait, halted)

    def _job(self, setting, seed, wait, training):
        if training is None:
            data, model = self.dataset, self.model
            training = Training(data, setting, seeds=(seed,), model=model)
        self.halted, self.unbegun, run = None, False, None
        try:
            while not training.finished:
                due = time.perf_counter() + PACE
                rest_at = self.rest_at or math.inf
                if self.slow:
                    rest_at = min(rest_at, run.epochs_done + 1 if run else 0)
                training.advance(FRAME, pause=rest_at)
                run = training.runs[0, 0]
                self.now = Kept(run, 0)
                if self.rest_at and run.epochs_done >= self.rest_at:
                    self.rest_at = None
                    self.live.pause()
                yield
                while self.slow and time.perf_counter() < due:
                    time.sleep(0.01)
                    yield False
            until = time.perf_counter() + REST
            while wait and time.perf_counter() < until and not self.live.asked:
                time.sleep(0.02)
                yield False
        finally:
            with self.live.lock:
                self._end(training, run)

    def _end(self, training, run):
        """Write down what there is, unless a newer job waits.

        Then the run stays on the chart until the newer one has something to show: the
        chosen one would flash up between any two places of a slider.
        """
        if self.live.asked:
            return
        self.now = None
        if run is None:
            return
        self.halted = None if training.finished else training
        self.unbegun = not run.epochs_done
        if not self.unbegun:
            updates = updates_per_epoch(self.dataset, run.setting)
            self.per_update = run.fit_time / (run.epochs_done * updates)
            self.keep(run)

    def to_go_on(self, setting, seed):
        """Return the training that was stopped, if it is of that setting and seed."""
        if self.halted is None:
            return None
        run = self.halted.runs[0, 0]
        return self.halted if (run.setting, run.seed) == (setting, seed) else None

    def seconds(self, setting):
        """Return about how long a training of the setting takes, from the last one."""
        each = self.per_update * updates_per_epoch(self.dataset, setting)
        return max(each, PACE * self.slow) * setting.epochs
