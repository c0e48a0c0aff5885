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
# - write a report of six lines that others can trust.

# %%
import hpkit as hk
import numpy as np
import pandas as pd
from torch import nn
from hpkit.exercises import lesson_11_your_own as ex

frame = pd.read_csv("../data/breast_cancer.csv")
cells = hk.Dataset.from_frame(frame, target="diagnosis", name="cells")
base = hk.Hyperparameters(batch_size=16, epochs=30)
simple = base.but(hidden=())  # the same without a hidden layer
lrs, layers = [0.001, 0.01, 0.1, 1], [(), (16,), (16, 16)]

# %% [markdown]
# ## 1. From a table to a data set (7 minutes)
#
# This table is real. Doctors in Wisconsin took cells from 569 lumps and measured them
# under a microscope. The column `diagnosis` says what was found later: malignant
# (cancer) or benign (harmless).
#
# Before you use a table, look for two things: where it comes from, and what you may do
# with it. This one comes from W. Wolberg and others (see the end of the lesson). Its
# licence is CC BY 4.0: use it as you like, and name the source. Here are four of its
# 569 rows, and 5 of its 31 columns.

# %%
frame.iloc[[0, 1, 2, -1], [0, 1, 3, 4, -1]]

# %%
cells

# %% [markdown]
# `Dataset.from_frame` has shuffled the rows and cut them in three: to learn from, to
# choose by, to judge at the end (lesson 05). And it has put all columns on one scale.
# In the rows above `mean_area` is a hundred or a thousand, `mean_smoothness` about 0.1,
# and one learning rate must suit the weights of both. The scale comes from the mean and
# the spread of the *training* rows only, since the others stand for patients who are
# not there yet.
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
# And the column to predict? If it names classes (text, or whole numbers of up to 20
# kinds), the model says a class, as here. If it is a number, such as a price or a
# temperature, the model says a number. Then nothing is "right" or "wrong". The loss
# says how far off it is: 1 is as bad as always saying the mean, 0 is perfect.
#
# Now yours. Any table will do that has a column worth predicting. If you have none, the
# hints know two. We call it `my_data`, since you will need it again in section 2.

# %%
ex.own_data

# %%
my_data = ...
ex.own_data.check(my_data)

# %%
# ex.own_data.hint()
# ex.own_data.solution()

# %% [markdown]
# ## 2. The search (10 minutes)
#
# What do we know? Learning rates live on a log scale (lesson 02). At a constant
# learning rate epochs are no knob: train long enough, keep the best one (lesson 04).
# One seed is luck (lesson 06). And nobody has told us whether this table needs a large
# network, a small one, or no hidden layer at all. So that is a question for the grid.
#
# **Predict.** No hidden layer, one of 16 units, or two? Which one will have the lowest
# validation loss?

# %%
grid = hk.grid_search(cells, base, lr=lrs, hidden=layers, seeds=range(3))
ax = hk.plot_grid(grid)

# %%
default = hk.grid_search(cells, base, lr=[base.lr], seeds=range(3))
print(f"default: loss {default.mean_val_loss[0]:.3f}")
for i in grid.runs.order[:5]:
    s, runs = grid.settings[i], [grid.runs[i, k] for k in range(3)]
    right = sum(run.val_accuracy[run.best_epoch] for run in runs) / 3
    print(
        f"hidden {s.hidden!s:9} lr {s.lr:<6g} loss {grid.mean_val_loss[i]:.3f} "
        f"(spread {grid.runs.std_val_loss[i]:.3f}), {right:.1%} right"
    )
print("\nat the edge:", grid.edge or "nothing")

# %% [markdown]
# In the picture the thick frame is the lowest loss. A dashed frame is as
# good, as far as three seeds can tell.
#
# **What you see.** The search ends clearly below the default setting.
# <!-- claim: own-search-pays --> And the hidden layers hardly help: without any, the
# share of right answers is the same within three points.
# <!-- claim: own-hidden-layers-hardly-help --> That is common with tables. Always let
# the simplest model take part. If it is as good, take it: it is quicker, and easier to
# explain. So we do: from here on our setting is `simple`, without a hidden layer.
#
# The same live, for your own questions.
#
# **Do.**
#
# 1. The sentence of the panel names the pairs that are as good as the best one. How
#    many are they? Is this a needle, or a plateau (lesson 08)? (The sentence rounds to
#    two digits; the cells show a third one.)
# 2. Put momentum or weight decay in the place of the batch size. Does it lower the
#    loss, or only move the dark cells?
# 3. Ask your own question: other values, more epochs. (What takes less than half a
#    second starts by itself. Anything longer waits for **Start**.)

# %%
hk.GridPanel(cells, "lr", "batch_size", base=simple)

# %% [markdown]
# **What you see.** A plateau: several pairs are as good. And no knob beside the
# learning rate gains much. With momentum or weight decay in the place of the batch size
# the lowest loss is the same within a tenth. <!-- claim: own-third-knob --> Momentum
# only moves the dark cells: with 0.9 the best learning rate is a smaller one.
# <!-- claim: own-momentum-moves --> (It is a longer step, lesson 09.)

# %% [markdown]
# ### How sure is that?
#
# 113 patients decide here which setting wins. Were they easy ones? Let us cut the same
# table in ten other ways, and search each time with three seeds.
#
# **Predict.** The highest of the ten losses: about the same as the lowest, twice as
# high, or more than that?

# %%
cuts = []
for cut in range(1, 11):
    other = hk.Dataset.from_frame(frame, target="diagnosis", name="cells", seed=cut)
    found = hk.grid_search(other, simple, lr=lrs, seeds=range(3))
    cuts.append(found.mean_val_loss.min())
    print(f"cut {cut:2}: lowest loss {cuts[-1]:.3f} at lr {found.best.lr:g}")

# %% [markdown]
# Is that the cut, or is it the luck of the seeds? For comparison ten seeds on our own
# cut, where the rows stay the same.

# %%
ours = hk.grid_search(cells, simple, lr=lrs, seeds=range(10)).runs
losses = {"ten cuts": cuts, "our cut, ten seeds": ours.best_val_loss.min(axis=0)}
for name, loss in losses.items():
    low, high = min(loss), max(loss)
    print(f"{name:18}: {low:.3f} to {high:.3f}, a factor of {high / low:.1f}")
run, rows = ours[int(ours.order[0]), 0], cells.valid
right = run.predict_proba(rows)[range(len(rows.y)), rows.y]  # share of what is right
each = np.sort(-np.log(right))  # the loss of each row
print(f"the 6 worst of {len(each)} rows make {each[-6:].sum() / each.sum():.0%} of it")
loss = ours.mean_val_loss.min()
print(f"our cut has {loss:.3f}; {sum(c < loss for c in cuts)} of the ten are lower")

# %% [markdown]
# **What you see.** Same table, same search, and from cut to cut the loss differs by a
# factor of two at least, mostly by much more. <!-- claim: own-split-luck --> The seeds
# are not to blame: on our cut they move it by less than a third.
# <!-- claim: own-seeds-move-little --> A few rows are. Six of the 113 make about half
# of the loss or more: <!-- claim: own-few-rows-most-of-the-loss --> there the model is
# in doubt, or sure and wrong. Another cut puts other rows there. Our own has got hard
# ones: nearly all other cuts give a lower loss. <!-- claim: own-cut-is-a-hard-one -->
#
# So never compare your loss with somebody else's who has cut the table in another way.
# Compare settings on the *same* cut. (A cut may end at the edge, at learning rate 1.
# With a longer list its loss might be lower still. Lesson 08 says what to do.)
#
# Now search on `my_data`, and call the result `my_search`.

# %%
ex.search

# %%
my_search = ...
ex.search.check(my_search)

# %%
# ex.search.hint()
# ex.search.solution()

# %% [markdown]
# ## 3. Your own network (8 minutes)
#
# One day you will have a network that hpkit does not know: from a paper, from a friend,
# from your own head. You will not want to write a search for it as well.
#
# You need not. Every search takes `model=`: a function that gets the number of
# features, the number of outputs and the setting, and returns a new network. Write this
# one function, and all searches, pictures and tables are there.
#
# First a small test, so that you can trust it. We write out the network that hpkit
# would build itself.
#
# **Predict.** Trained with the same seed: the same curve, or one that is only similar?


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
# <!-- claim: own-network-is-trained-as-by-a-plain-loop --> Frozen layers stay frozen,
# and dropout follows the seed. An LSTM, or whatever else cannot be stacked, is trained
# run after run: hpkit says so once, and it takes longer.
#
# Now one that hpkit has not got. In section 2 a straight model was as good as a bent
# one. Why choose? This network has both ways, and adds them up. A list `hidden` means
# what *you* make of it: here its number is the width of the bent way.


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


# %% [markdown]
# **Predict.** A bent way of 2, 8 or 32 units: does the width matter? And will the new
# network beat the best loss of section 2?

# %%
values = {"lr": [0.01, 0.1, 1], "hidden": [(2,), (8,), (32,)]}
mine = hk.grid_search(cells, base, model=skip, seeds=range(3), **values)
ax = hk.plot_grid(mine)
grid = hk.grid_search(cells, base, lr=lrs, hidden=layers, seeds=range(3))
print(f"both ways: lowest loss {mine.mean_val_loss.min():.3f}")
print(f"section 2: lowest loss {grid.mean_val_loss.min():.3f}")

# %% [markdown]
# **What you see.** The width hardly matters: the best cells of the three rows differ by
# less than a tenth. <!-- claim: own-width-hardly-matters --> Dark cells side by side: a
# plateau (lesson 08). And the new network has gained nothing, or a few percent at most.
# <!-- claim: own-skip-gains-nothing --> It was a good idea, it cost three minutes, and
# now you know. Many good ideas end so. That is why they need a fair test: same cut,
# same seeds.
#
# (Thick frame and dashes mean what they meant in section 2. The colors reach over
# a factor of two at least, so that small differences look small.)
#
# **Do.** Change something in `Skip`: `nn.ReLU()` for `nn.Tanh()`, or a second bent way.
# Run the three cells again.
#
# ## 4. Optuna on your data (5 minutes)
#
# A grid wants lists, and gets more expensive with every hyperparameter. When you have
# four of them and no idea where to look, Optuna is a relief: it wants ranges only
# (lesson 09). Here it looks for a learning rate and a weight decay. A third or a fourth
# would be one line more.
#
# To compare it with section 2 we must be fair: the same network, the same cut, the mean
# of the same three seeds.
#
# **Predict.** Fifteen trials. Where will the study end: above the grid of section 2, at
# about the same loss, or far below?

# %%
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    lr = trial.suggest_float("lr", 1e-3, 3, log=True)
    decay = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
    setting = simple.but(lr=lr, weight_decay=decay)
    return sum(hk.fit(cells, setting, seed=k).best_val_loss for k in range(3)) / 3


# %%
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(objective, n_trials=15)
few = hk.grid_search(cells, simple, lr=lrs, seeds=range(3))
best, spread = few.mean_val_loss.min(), few.runs.std_val_loss[few.runs.order[0]]
print(f"no search, lr {simple.lr:g}: {few.mean_val_loss[1]:.3f}")
print(f"grid, 4 learning rates: {best:.3f} (spread over seeds {spread:.3f})")
print(f"Optuna, 15 trials: {study.best_value:.3f}")
ax = hk.plot_parallel(hk.from_optuna(study, cells, simple))

# %% [markdown]
# In the picture each line is a trial; the five best are in color. `hk.from_optuna` has
# made a search of hpkit out of the study.
#
# **What you see.** The study ends below the loss without a search,
# <!-- claim: own-study-pays --> and at about the loss of the grid or lower.
# <!-- claim: own-study-not-above-the-grid --> Is Optuna the winner, then? Compare the
# difference with the spread of one run. And it had fifteen tries where the grid had
# four, and a wider range. Follow the five lines: they lie closer together at the
# learning rate than at the weight decay. <!-- claim: own-rate-matters-more --> So
# mostly one knob counts here, and a list for one knob is short. Optuna pays when there
# are more.
#
# ## 5. More machines (3 minutes)
#
# Your training takes ten minutes, your search has sixty of them. That is ten hours on
# one computer, and at best one hour on ten. So there is one thing to know: how to tell
# a search where to work. Every search takes `executor=`, something that runs work
# elsewhere. Here it is Dask, which many clusters speak. To start at once, its two
# workers live in this very program, and nobody outside your computer can reach them
# (`127.0.0.1`). On a cluster you write its address, `Client("tcp://...")`, and all
# other lines stay the same.
#
# You have nothing to write here. Guess, run, and change the number of workers if you
# like.
#
# **Predict.** Will other workers give other numbers?

# %%
import warnings
from distributed import Client

warnings.filterwarnings("ignore", module="distributed")  # a busy computer makes it talk


def straight(n_features, n_outputs, setting):
    return nn.Linear(n_features, n_outputs)


values = {"lr": lrs, "batch_size": [16, 64], "model": straight}
here = hk.grid_search(cells, base, **values)
local = {"protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
with Client(processes=False, n_workers=2, silence_logs=40, **local) as client:
    there = hk.grid_search(cells, base, executor=client.get_executor(), **values)
print("same numbers:", (there.val_loss == here.val_loss).all())

# %% [markdown]
# **What you see.** The same numbers, to the last digit, whichever worker has trained
# them. <!-- claim: own-machines-same-numbers --> (Machines with another kind of
# processor round otherwise, and the last digits can differ.) For runs as short as these
# more machines are no gain. They pay when a search takes minutes or hours.
#
# ## 6. The last look, and the report (7 minutes)
#
# You have chosen by the validation rows: no hidden layer, the simplest of those that
# are as good. Now, and only now, the test rows. Once.
#
# **Predict.** The test accuracy: above or below the validation accuracy, and how far?

# %%
chosen = hk.grid_search(cells, simple, lr=lrs, seeds=range(3))
run, n = chosen.best_run, len(cells.test.y)
right, test = run.val_accuracy[run.best_epoch], run.test_accuracy()
own = test - right
print(f"chosen: hidden {run.setting.hidden}, lr {run.setting.lr:g}")
print(f"validation {right:.1%} right, test {test:.1%} right")
print(f"one of {n} rows is {1 / n:.1%}")
chance = 2 * (right * (1 - right) / n) ** 0.5
print(f"chance moves such a share by up to {chance:.1%}, mostly by less")

# %% [markdown]
# The last line is twice the spread of a share among so many rows, as in lesson 10.
#
# The model is chosen, so use it. `predict` takes new rows as your table has them, in
# its own units, and scales them itself. Here three old rows stand in for new patients.

# %%
new = frame.drop(columns="diagnosis").sample(3, random_state=1)
for number, sure in zip(run.predict(new), run.predict_proba(new).max(1), strict=True):
    print(f"{cells.classes[number]}, {sure:.0%} sure")

# %% [markdown]
# Was the test accuracy luck? Nothing is left to choose now. So we may do the whole
# thing again with twenty other cuts, and only count.

# %%
gaps = []
for cut in range(1, 21):
    other = hk.Dataset.from_frame(frame, target="diagnosis", name="cells", seed=cut)
    run = hk.grid_search(other, simple, lr=lrs, seeds=range(3)).best_run
    gaps.append(run.test_accuracy() - run.val_accuracy[run.best_epoch])
above, below = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
print(f"test above validation in {above} of 20 cuts, below in {below}")
print(f"from {100 * min(gaps):+.1f} to {100 * max(gaps):+.1f} points")
higher = sum(gap >= own for gap in gaps)
print(f"our own cut: {100 * own:+.1f} points; as much or more: {higher} of the 20")

# %% [markdown]
# **What you see.** Above or below? Either: about half of the cuts go one way and half
# the other, nearly always by five points or less.
# <!-- claim: own-test-above-or-below --> Our own cut is one of the lucky ones, as the
# last line says; its gap is about as large as what chance can do. The validation rows
# had only a few settings to choose from, so the choice has hardly made them too
# hopeful. The luck of 113 rows is larger than that.
#
# So do not believe in a perfect model, even when all test rows are right. A model that
# errs in 2 of 100 cases gets 113 of 113 right once in ten times.
# <!-- claim: own-two-in-a-hundred --> Say "113 of 113" in your report, and that a few
# in a hundred may still be wrong.
#
# Now yours: take the `#` away from the line that fits your data, and run it once.

# %%
# print(my_search.best_run.test_accuracy())  # the target names classes
# print(my_search.best_run.test_loss())  # the target is a number

# %% [markdown]
# A report needs six lines:
#
# 1. **data**: which table, how many rows to train, to validate and to test;
# 2. **tried**: which hyperparameters, over which range, how many seeds;
# 3. **chosen**: what, and compared with what: its neighbors, the simplest model,
#    "always the same answer";
# 4. **sure**: how sure it is: the spread over seeds, the edge, the plateau;
# 5. **test**: one number from the test rows, looked at once;
# 6. **mistake**: what a mistake costs. Only you can write this line. To call a
#    malignant lump benign is far worse than the other way round. A loss or an accuracy
#    does not know that.

# %%
ex.report

# %%
my_report = """
data: ...
tried: ...
chosen: ...
sure: ...
test: ...
mistake: ...
"""
ex.report.check(my_report)

# %%
# ex.report.hint()
# ex.report.solution()

# %%
ex.quiz

# %%
hk.progress("11")

# %% [markdown]
# ## What you saw
#
# - A table becomes a data set in one line; what is wrong with it is said before
#   anything is trained.
# - The search ended below the default, and a network without hidden layers did about as
#   well as a larger one. <!-- claim: own-search-pays own-hidden-layers-hardly-help -->
# - Another cut of the same rows gives another loss, often several times as high, since
#   a few rows make most of it. Compare on the same cut.
#   <!-- claim: own-split-luck own-few-rows-most-of-the-loss -->
# - The test accuracy is above or below the validation accuracy by luck: 113 rows are
#   few. <!-- claim: own-test-above-or-below -->
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
