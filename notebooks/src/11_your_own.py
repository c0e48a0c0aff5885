# %% [markdown]
# # Your own
#
# So far the data were ours, the networks were ours, and so were the questions. Now it
# is your turn. In this lesson you see once, from beginning to end, how a table that
# somebody hands you becomes a tuned model. Then you do it with a table of your own.
#
# **About 40 minutes.** When you are through, you can
#
# - turn a CSV file into a data set with three splits,
# - search on it, with ranges of your own,
# - put your own `nn.Module` through every search,
# - hand the search to Optuna, or to more machines,
# - write a report of five lines that others can trust.

# %%
import hpkit as hk
import pandas as pd
from torch import nn
from hpkit.exercises import lesson_11_your_own as ex

frame = pd.read_csv("../data/breast_cancer.csv")
cells = hk.Dataset.from_frame(frame, target="diagnosis", name="cells")
base = hk.Hyperparameters(batch_size=16, epochs=30)

# %% [markdown]
# ## 1. From a table to a data set (8 minutes)
#
# This table is real. Doctors in Wisconsin took cells from 569 lumps and measured them
# under a microscope. The column `diagnosis` says what was found later: malignant
# (cancer) or benign (harmless). Where it comes from, and what you may do with it,
# stands in `data/README.md`. Look for these two things first in every table that you
# are given.

# %%
frame.iloc[:4, [0, 1, 2, 3, -1]]

# %%
cells

# %% [markdown]
# `Dataset.from_frame` has shuffled the rows and cut them in three: to learn from, to
# choose by, to judge at the end (lesson 05). And it has put all columns on one scale:
# "area" goes to 2500, "smoothness" to 0.2, and one learning rate must suit the weights
# of both. The scale comes from the mean and the spread of the *training* rows only,
# since the others stand for patients who are not there yet.
#
# **Predict.** Before any model: how often is somebody right who always gives the same
# answer?

# %%
shares = frame["diagnosis"].value_counts(normalize=True)
print(shares.round(3).to_string())

# %% [markdown]
# **What you see.** A model that always says "benign" is right in more than six of ten
# cases, and useless. <!-- claim: own-always-the-same --> Every accuracy must be
# compared with this number.
#
# Your own table may have gaps, or text where numbers should be. Then `from_frame`
# refuses, and says what to do:

# %%
broken = frame.assign(hospital="Madison")
try:
    hk.Dataset.from_frame(broken, target="diagnosis")
except ValueError as error:
    print(error)

# %% [markdown]
# Now yours. Any table will do that has a column worth predicting. If you have none at
# hand, the hints know one.

# %%
ex.own_data

# %%
answer = ...
ex.own_data.check(answer)

# %%
# ex.own_data.hint()
# ex.own_data.solution()

# %% [markdown]
# ## 2. The search (9 minutes)
#
# What do we know? Learning rates live on a log scale (lesson 02). Epochs are no knob:
# train long enough, keep the best one (lesson 04). One seed is luck (lesson 06). And
# nobody has told us whether this table needs a large network, a small one, or no hidden
# layer at all. So that is a question for the grid.
#
# **Predict.** No hidden layer, one of 16 units, or two? Which one will have the lowest
# validation loss?

# %%
grid = hk.grid_search(
    cells, base, lr=[0.001, 0.01, 0.1, 1], hidden=[(), (16,), (16, 16)], seeds=range(3)
)
ax = hk.plot_grid(grid)

# %%
default = hk.fit(cells, base, seed=0)
print(f"default: loss {default.best_val_loss:.3f}")
for i in grid.runs.order[:5]:
    s, runs = grid.settings[i], [grid.runs[i, k] for k in range(3)]
    right = sum(run.val_accuracy[run.best_epoch] for run in runs) / 3
    print(
        f"hidden {s.hidden!s:9} lr {s.lr:<6g} loss {grid.mean_val_loss[i]:.3f}, "
        f"{right:.1%} right"
    )
print("\nat the edge:", grid.edge or "nothing")

# %% [markdown]
# **What you see.** The search ends clearly below the default setting.
# <!-- claim: own-search-pays --> And the hidden layers hardly help: without any, the
# share of right answers is the same within three points.
# <!-- claim: own-hidden-layers-hardly-help --> That is common with tables. Always let
# the simplest model take part. If it is as good, take it: it is quicker, and easier to
# explain.
#
# The same live, for your own questions. Change the lists; try momentum or weight decay
# instead.

# %%
hk.GridPanel(cells, "lr", "batch_size", base=base.but(hidden=(16,)))

# %% [markdown]
# ### How sure is that?
#
# 113 patients decide here which setting wins. Were they easy ones? Let us cut the same
# table in ten other ways.
#
# **Predict.** The lowest loss of the ten: about the same, or does it differ by a factor
# of two?

# %%
for cut in range(1, 11):
    other = hk.Dataset.from_frame(frame, target="diagnosis", name="cells", seed=cut)
    found = hk.grid_search(other, base, lr=[0.01, 0.1, 1], hidden=[(16,)])
    print(
        f"cut {cut:2}: lowest loss {found.mean_val_loss.min():.3f} "
        f"at lr {found.best.lr:g}"
    )

# %% [markdown]
# **What you see.** Same table, same search, and the highest of the ten is more than
# twice the lowest. <!-- claim: own-split-luck --> So never compare your loss with
# somebody else's who has cut the table in another way. Compare settings on the *same*
# cut.

# %%
ex.search

# %%
answer = ...
ex.search.check(answer)

# %%
# ex.search.hint()
# ex.search.solution()

# %% [markdown]
# ## 3. Your own network (9 minutes)
#
# Every search takes `model=`: a function that gets the number of features, the number
# of outputs and the setting, and returns a new network. First a small test. We write
# out the network that hpkit would build itself.


# %%
def written_out(n_features, n_outputs, setting):
    return nn.Sequential(
        nn.Linear(n_features, 16),
        nn.ReLU(),
        nn.Linear(16, 16),
        nn.ReLU(),
        nn.Linear(16, n_outputs),
    )


own = hk.fit(cells, base, model=written_out)

# %%
built_in = hk.fit(cells, base.but(hidden=(16, 16)))
print("largest difference:", f"{abs(own.val_loss - built_in.val_loss).max():.4f}")

# %% [markdown]
# **What you see.** The same numbers. <!-- claim: own-network-same-numbers --> Your
# network is trained as your loop of lesson 01 would train it.
# <!-- claim: own-network-is-trained-as-by-a-plain-loop -->
#
# Now one that hpkit has not got. In section 2 a straight model was as good as a bent
# one. Why choose? This network has both ways, and adds them up.


# %%
class Skip(nn.Module):
    def __init__(self, n_features, n_outputs, width):
        super().__init__()
        self.straight = nn.Linear(n_features, n_outputs)
        self.bent = nn.Sequential(
            nn.Linear(n_features, width), nn.Tanh(), nn.Linear(width, n_outputs)
        )

    def forward(self, x):
        return self.straight(x) + self.bent(x)


# %%
def skip(n_features, n_outputs, setting):
    return Skip(n_features, n_outputs, setting.hidden[0])


# %%
values = {"lr": [0.01, 0.1, 1], "hidden": [(2,), (8,), (32,)]}
mine = hk.grid_search(cells, base, model=skip, seeds=range(3), **values)
ax = hk.plot_grid(mine)
print(f"lowest loss {mine.mean_val_loss.min():.3f}")

# %% [markdown]
# The list `hidden` now means what *you* make of it: here the width of the bent way.
# `mine` is a search like any other, with all its pictures, tables and seeds.
#
# **Say what you see.** Which row, which column is best? Is the best cell far below its
# neighbors, or is this a plateau (lesson 08)?
#
# ## 4. Optuna on your data (5 minutes)
#
# A grid gets more expensive with every hyperparameter (lesson 09). Optuna needs ranges
# only. Here it looks for a learning rate and a weight decay; a third or a fourth would
# be one line more.

# %%
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    lr = trial.suggest_float("lr", 1e-3, 3, log=True)
    decay = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
    run = hk.fit(cells, base.but(lr=lr, weight_decay=decay), seed=0)
    return min(run.best_val_loss, 10)


# %%
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(objective, n_trials=15)
default = hk.fit(cells, base, seed=0)
print(f"default {default.best_val_loss:.3f}, study {study.best_value:.3f}")
ax = hk.plot_parallel(hk.from_optuna(study, cells, base))

# %% [markdown]
# **What you see.** Fifteen trials, and the loss is below that of the default setting.
# <!-- claim: own-study-pays --> In the picture each line is a trial. `hk.from_optuna`
# has made a search of hpkit out of the study.
#
# ## 5. More machines (4 minutes)
#
# When your trainings take minutes, one computer is not enough. Every search takes
# `executor=`, something that can run work elsewhere. Here it is Dask, which many
# clusters speak. So that it starts at once, its two workers live in this very program.
# On a cluster you write its address, `Client("tcp://...")`, and all other lines stay
# the same.
#
# **Predict.** Will other workers give other numbers?

# %%
import warnings
from distributed import Client

warnings.filterwarnings("ignore", module="distributed")  # a busy computer makes it talk


def straight(n_features, n_outputs, setting):
    return nn.Linear(n_features, n_outputs)


values = {"lr": [0.01, 0.1, 1], "batch_size": [16, 64], "model": straight}
here = hk.grid_search(cells, base, **values)
quiet = {"dashboard_address": None, "silence_logs": "error"}
with Client(processes=False, n_workers=2, **quiet) as client:
    there = hk.grid_search(cells, base, executor=client.get_executor(), **values)
print("same numbers:", (there.val_loss == here.val_loss).all())

# %% [markdown]
# **What you see.** The same numbers, to the last digit, whichever worker has trained
# them. <!-- claim: own-machines-same-numbers --> (Machines with another kind of
# processor round otherwise, and the last digits can differ.) For runs as short as these
# more machines are no gain. They pay when a search takes minutes or hours.
#
# ## 6. The last look, and the report (5 minutes)
#
# You have chosen by the validation rows. Now, and only now, the test rows. Once.
#
# **Predict.** The test accuracy: above or below the validation accuracy, and how far?

# %%
grid = hk.grid_search(
    cells, base, lr=[0.001, 0.01, 0.1, 1], hidden=[(), (16,), (16, 16)], seeds=range(3)
)
run = grid.best_run
print(f"chosen: hidden {run.setting.hidden}, lr {run.setting.lr:g}")
print(
    f"validation {run.val_accuracy[run.best_epoch]:.1%} right, "
    f"test {run.test_accuracy():.1%} right"
)

# %% [markdown]
# A report needs five lines:
#
# 1. the **data**: which table, how many rows to train, validate and test;
# 2. what was **tried**: which hyperparameters, over which range, how many seeds;
# 3. what was **chosen**, and what it was compared with: its neighbors, the simplest
#    model, "always the same answer";
# 4. how **sure** it is: the spread over seeds, the edge, the plateau;
# 5. one number from the **test** rows, looked at once.
#
# And one line that only you can write: what a mistake costs. To call a malignant lump
# benign is far worse than the other way round. A loss or an accuracy does not know
# that.

# %%
ex.report

# %%
answer = ...
ex.report.check(answer)

# %%
# ex.report.hint()
# ex.report.solution()

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - A table becomes a data set in one line; what is wrong with it is said before
#   anything is trained.
# - The search ended below the default, and a network without hidden layers did about as
#   well as a larger one. <!-- claim: own-search-pays own-hidden-layers-hardly-help -->
# - Another cut of the same rows gives another loss, twice as high or more. Compare on
#   the same cut. <!-- claim: own-split-luck -->
# - Your own `nn.Module` goes through every search, in this program or on workers, with
#   the same numbers. <!-- claim: own-network-same-numbers own-machines-same-numbers -->
#
# This is the end of the course, and the beginning of yours: **look, change one thing
# knowingly, keep what is better, doubt it, and tell how you found it.**
#
# ## Where to read on
#
# - W. Wolberg, O. Mangasarian, N. Street, W. Street, *Breast Cancer Wisconsin
#   (Diagnostic)*, UCI Machine Learning Repository (1993).
# - V. Godbole and others, *Deep Learning Tuning Playbook* (2023): how people tune who
#   do it every day.
# - L. Grinsztajn, E. Oyallon, G. Varoquaux, *Why do tree-based models still outperform
#   deep learning on tabular data?* (2022): for tables, try a forest of trees as well.
# - T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*
#   (2009), section 7.2 and 7.10: splits, and what is done wrong with them.
# - Words that are new to you are in the [glossary](glossary.md).
