"""Exercises of lesson 12: roles, warm-up with cosine, what follows a range test."""

from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

DEEP = Hyperparameters(momentum=0.9, epochs=10, hidden=(32,) * 4)
LOW = 0.5  # loss: the bottom of the valley is at 0.35


@Exercise
def roles(answer):
    """The batch size is asked about, the learning rate is tuned, the rest stays."""
    names = "scientific", "nuisance", "fixed"
    read.check_matching(answer, roles.answer(), names)


@Exercise
def warm_cosine(answer):
    """The rate climbs for `warm` updates, then falls like half a wave."""
    read.check_cases(answer, *warm_cosine.cases())


@Exercise
def after_the_test(answer):
    """A rate that trains the deep network, whatever the rule of a third says."""
    lr = read.number(answer, above=0)
    loss = trained("digits", [DEEP.but(lr=lr)], seeds=range(3)).mean_val_loss[0]
    poor = not loss <= LOW
    facts = {"lr": lr, "loss": loss, "low": LOW}
    return wrong_if(facts, too_large=poor and lr > 0.04, too_small=poor)


EXERCISES, quiz = lesson_of(roles, warm_cosine, after_the_test)
