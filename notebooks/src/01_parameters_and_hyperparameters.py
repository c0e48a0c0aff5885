# %% [markdown]
# # Parameters and hyperparameters
#
# **About 30 minutes.** When you are through, you can
#
# - say which numbers training changes, and which ones you set before it,
# - write the training loop of a network yourself,
# - read a training curve: six shapes, and what each one tells you to do.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import torch
from torch import nn
from hpkit.exercises import lesson_01_parameters_and_hyperparameters as ex

moons = hk.load_dataset("moons")
torch.set_num_threads(1)  # a small network is quickest on one thread

# %% [markdown]
# ## 1. Two kinds of numbers (4 minutes)
#
# Think of baking bread. You set the oven to a temperature and the clock to a time. Then
# you close the door. Inside, the dough changes all by itself. But the oven does not
# choose its own temperature.
#
# A network is like that. Here is one, written in PyTorch: two numbers go in, sixteen
# units work on them, sixteen more work on the result, two numbers come out, one for
# each moon. Each layer holds **weights** and **biases**.
#
# **Predict.** How many numbers does this small network hold? Ten? A hundred? More?

# %%
torch.manual_seed(0)  # decides the first weights
net = nn.Sequential(
    nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
)
print(sum(p.numel() for p in net.parameters()), "weights and biases")

# %% [markdown]
# These are the **parameters**. Nobody sets them by hand: training changes them, again
# and again, so that the loss goes down.
#
# What you do set are the **hyperparameters**, before training starts. In this course
# you will meet mainly three:
#
# - the **learning rate** (`lr`): how long each step is,
# - the **batch size**: how many points the network looks at before each step,
# - the **epochs**: how many times it goes through all the points.
#
# There are more. One is how many units the network has in its hidden layers, 16 and 16
# here. Once training runs, all of them stay as they are.

# %%
ex.hyperparameters

# %%
answer = ...
ex.hyperparameters.check(answer)

# %%
# ex.hyperparameters.hint()
# ex.hyperparameters.solution()

# %% [markdown]
# ## 2. The loop (10 minutes)
#
# All of training is one loop. It looks the same for this little network and for the
# largest ones. First the data, as PyTorch wants it, the three hyperparameters, and the
# network with its first weights:

# %%
X, X_valid = (
    torch.tensor(s.X, dtype=torch.float32) for s in (moons.train, moons.valid)
)
y, y_valid = (torch.tensor(s.y) for s in (moons.train, moons.valid))
loss_of = nn.CrossEntropyLoss()
lr, batch_size, epochs = 0.1, 32, 30

torch.manual_seed(0)
net = nn.Sequential(
    nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
)
before = [p.detach().clone() for p in net.parameters()]

# %% [markdown]
# **Predict.** There are 400 training points. With a batch size of 32, how many times
# are the weights changed in one epoch?
#
# Now the loop. Read it slowly, line by line. The four lines in the middle are the heart
# of it: *how wrong are we? forget the last slope; which way is down? one step.*

# %%
optimizer = torch.optim.SGD(net.parameters(), lr=lr)
shuffle = torch.Generator().manual_seed(0)  # decides the order of the points
losses, steps = [], 0
for _ in range(epochs):
    for rows in torch.randperm(len(X), generator=shuffle).split(batch_size):
        loss = loss_of(net(X[rows]), y[rows])  # how wrong are we on this batch?
        optimizer.zero_grad()  # forget the slope of the last batch
        loss.backward()  # which way is down?
        optimizer.step()  # one step, as long as lr says
        steps += 1
    with torch.no_grad():  # at the end of each epoch: how good is it on new points?
        losses.append(loss_of(net(X_valid), y_valid).item())

# %%
print(steps // epochs, "steps in an epoch,", steps, "steps in all")
print(f"validation loss: {losses[0]:.2f} after epoch 1, {losses[-1]:.2f} at the end")

# %% [markdown]
# 400 points in batches of 32 make twelve full batches and one of 16: thirteen steps an
# epoch.
#
# `hk.fit` does this very loop for you. Does it give the same numbers?

# %%
run = hk.fit(moons, hk.Hyperparameters(lr=0.1, batch_size=32, epochs=30), seed=0)
print("epoch   your loop   hk.fit")
for epoch in (1, 2, 5, 10, 20, 30):
    print(f"{epoch:5}   {losses[epoch - 1]:9.3f}   {run.val_loss[epoch]:6.3f}")

# %% [markdown]
# **What you see.** The same numbers. <!-- claim: loop-equals-fit --> There is no magic
# in `hk.fit`: it is this loop, only quicker, because it can train many settings at
# once. That is what you will need it for in the next lessons.

# %%
ex.loop


# %%
def train_epoch(net, optimizer, X, y, batch_size):
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
        ...


ex.loop.check(train_epoch)

# %%
# ex.loop.hint()
# ex.loop.solution()

# %% [markdown]
# ### Before and after
#
# **Predict.** The loop is done. How many of the weights and biases have changed? And
# how many of the three hyperparameters?

# %%
after = [p.detach() for p in net.parameters()]
changed = sum((a != b).sum().item() for a, b in zip(after, before, strict=True))
print("parameters that training changed:", changed)
print("lr, batch size, epochs:", lr, batch_size, epochs)

# %%
first, last = before[0].flatten(), after[0].flatten()
fig, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
ax.vlines(range(32), first, last, color="#999999")
ax.plot(first, "o", mfc="white", color="#D55E00", label="before training")
ax.plot(last, "o", color="#0072B2", label="after training")
ax.set(xlabel="weight number", ylabel="value")
ax.legend()
ax = hk.alt_text(ax, "The 32 weights of the first layer before and after training.")

# %% [markdown]
# **What you see.** More than half of the parameters have moved. The chart shows the 32
# weights of the first layer, a hollow dot before and a full dot after.
# <!-- claim: training-changes-parameters --> The others have to do with units that are
# silent: a unit with ReLU turns every negative number into 0, and where the answer is 0
# for all points, there is no slope.
#
# The three hyperparameters have not changed at all. That is the whole difference
# between the two words.
#
# ## 3. The border grows (3 minutes)
#
# What do those moving weights mean? Each training begins with the same first weights
# here, and is stopped after 1, 5, 20 and 60 epochs. So the four pictures are one
# training, seen four times. The black line is the border between "blue" and "orange".
# The points are the validation points, and the title counts those on the right side.
#
# **Predict.** Which shape has the border after one epoch? And at the end?

# %%
base = hk.Hyperparameters(lr=0.3, batch_size=32)
fig, axes = plt.subplots(1, 4, figsize=(11, 2.9), sharey=True, layout="constrained")
for ax, n in zip(axes, (1, 5, 20, 60), strict=True):
    run = hk.fit(moons, base.but(epochs=n), seed=0)
    hk.plot_decision_boundary(run, ax, epoch="last", split="valid").label_outer()
    right = run.val_accuracy[-1] * len(moons.valid.y)
    ax.set_title(f"epoch {n}: {right:.0f} of {len(moons.valid.y)}")

# %% [markdown]
# **What you see.** At first the border cuts right through both moons. Then it bends
# around them. More of the validation points are on the right side in the end than after
# the first epoch. <!-- claim: border-gets-better -->
#
# Now see it grow, as slowly as you like. The panel has trained already, for 100 epochs.
# Take the slider **the network at epoch**, above the right-hand picture, to the far
# left, and pull it slowly to the right. Or switch on **Slow** and click **Train**: the
# training begins anew, at 20 epochs a second. Or click **+1 epoch** again and again: it
# rests after each epoch.

# %%
hk.TrainingPanel(moons, base.but(lr=0.1, epochs=100), controls=("lr", "epochs"))

# %% [markdown]
# ## 4. Six shapes (6 minutes)
#
# The loss against the epoch is the **training curve**. (It has this name although it
# shows two lines, training and validation.) It is the most useful chart there is: one
# look tells what to do next. These six shapes are enough for a long way.
#
# **Predict.** Before you read on below the chart: which of the six would you keep as it
# is? Which one would you stop at once?

# %%
H = hk.Hyperparameters
six = {
    "too slow": ("moons", H(lr=0.001)),
    "good": ("digits", H(lr=0.1, hidden=(32,))),
    "bouncing": ("moons", H(lr=3)),
    "diverged": ("digits", H(lr=5, hidden=(32,), epochs=10)),
    "overfitting": (
        "small_moons",
        H(lr=0.1, batch_size=10, epochs=200, momentum=0.9, hidden=(64, 64)),
    ),
    "noisy": ("moons", H(lr=0.1, batch_size=2)),
}

# %%
fig, axes = plt.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
for ax, (name, (data, setting)) in zip(axes.flat, six.items(), strict=True):
    run = hk.fit(hk.load_dataset(data), setting, seed=4)
    hk.plot_training_curves(run, ax).set_title(name)
    first, low, last = run.val_loss[0], run.best_val_loss, run.val_loss[-1]
    print(f"{name:12}  start {first:.2f}   lowest {low:.2f}   end {last:.2f}")

# %% [markdown]
# **What you see.** The lines of numbers give the validation loss of each chart.
#
# - **Too slow.** Nearly flat: after 30 epochs the loss is still above four fifths of
#   its start. <!-- claim: shape-too-slow --> The steps are too short. *Try a larger
#   learning rate.*
# - **Good.** Both lines fall quickly, then stay low: less than a fifth of the start.
#   <!-- claim: shape-good --> *Keep it.*
# - **Bouncing.** The loss jumps up and down. In most runs it ends above half of its
#   start. <!-- claim: shape-bouncing --> The steps are too long. *Try a smaller
#   learning rate.*
# - **Diverged.** The X at the top edge is where the line has left the chart for good. A
#   run has *diverged* when its loss is no number any more (`nan`, "not a number"), as
#   here, <!-- claim: shape-diverged --> or when its training loss ends above three
#   times its start. The steps are far too long. *Take a tenth of the learning rate.*
# - **Overfitting.** The training loss goes on down, with jumps. The validation loss
#   has turned and climbs: compare its *end* with its *lowest*. In nearly every seed
#   that we tried the end is more than one and a half times as high, in most of them
#   more than twice. <!-- claim: shape-over-fitting --> The network learns its training
#   points by heart. *Stop at the ring, the lowest point; or get more data.*
# - **Noisy.** The loss is low, but it shakes. Small batches do this: with all the
#   points in one batch, the line at this learning rate is smooth.
#   <!-- claim: shape-noisy --> *Fine, if it goes down. If the shaking disturbs you:
#   larger batches, or a smaller learning rate.*
#
# Ready? Here are six others, without labels.

# %%
ex.mystery_curves

# %%
ex.six_curves

# %%
answer = ...
ex.six_curves.check(answer)

# %%
# ex.six_curves.hint()
# ex.six_curves.solution()

# %% [markdown]
# ## 5. Two traps (4 minutes)
#
# **Trap one: "the lower training loss is the better model".** Take the overfitting run
# again, and look at two moments of it: at the ring, and at the end.
#
# **Predict.** At the end, which of the two losses is higher than it was at the ring?

# %%
small = hk.load_dataset("small_moons")
setting = hk.Hyperparameters(0.1, 10, 200, momentum=0.9, hidden=(64, 64))
run = hk.fit(small, setting, seed=4)
for name, epoch in (("at the ring", run.best_epoch), ("at the end", run.epochs_done)):
    train_loss, val_loss = run.train_loss[epoch], run.val_loss[epoch]
    print(f"{name}:  training loss {train_loss:.2f}, validation loss {val_loss:.2f}")

# %% [markdown]
# **What you see.** The training loss went on falling; on points that it has not seen,
# the network got worse. <!-- claim: lower-training-higher-validation --> So we choose
# by the **validation loss**, always. The training loss only tells whether something is
# learned at all.
#
# **Trap two: "the validation loss is below the training loss, so my code is wrong".**
# Let us draw the moons ten times anew: new points, the same network.
#
# **Predict.** In how many of the ten runs does the validation loss end below the
# training loss?

# %%
below = 0
for seed in range(10):
    data = hk.load_dataset("moons", seed=seed)  # new points
    run = hk.fit(data, hk.Hyperparameters(lr=0.1, epochs=10))
    below += run.val_loss[-1] < run.train_loss[-1]
print(f"validation loss below training loss: {below} of 10 runs")

# %% [markdown]
# **What you see.** It happens in some of the runs, and not in others.
# <!-- claim: validation-below-training --> The code is the same in all ten. One split
# simply holds more easy points than the other.
#
# ## 6. Defaults are a start (2 minutes)
#
# If you say nothing, you get defaults. Here they are:

# %%
default = hk.Hyperparameters()
print(default)

# %% [markdown]
# **Predict.** Somebody chose these values without knowing your data. We change one of
# them, the learning rate, from 0.01 to 0.3. Better, worse, or about the same?

# %%
pair = [hk.fit(moons, default), hk.fit(moons, default.but(lr=0.3))]
ax = hk.plot_training_curves(pair, split="valid")

# %% [markdown]
# **What you see.** With the other learning rate the lowest validation loss is much
# lower. <!-- claim: default-is-a-start --> A default is a place to start from. It is
# nobody's best answer, and how to find a better one is what this course is about.
#
# ## 7. Four questions (1 minute)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - Training changes parameters. Hyperparameters are set before, and training leaves
#   them alone.
#   <!-- claim: training-changes-parameters -->
# - Training is one loop: loss, slope, step. `hk.fit` gives its numbers.
#   <!-- claim: loop-equals-fit -->
# - A training curve has a few shapes that tell what to do: too slow, good, bouncing,
#   diverged, overfitting, noisy.
#   <!-- claim: shape-too-slow shape-good shape-bouncing -->
#   <!-- claim: shape-diverged shape-over-fitting shape-noisy -->
# - A lower training loss can go with a higher validation loss. Choose by validation.
#   <!-- claim: lower-training-higher-validation -->
# - A validation loss below the training loss can be plain luck of the split.
#   <!-- claim: validation-below-training -->
# - A default is a start: another learning rate did much better here.
#   <!-- claim: default-is-a-start -->
#
# ## Where to read on
#
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 5.2
#   (overfitting), 5.3 (hyperparameters and validation sets), 8.3 (the loop: SGD).
# - A. Zhang, Z. Lipton, M. Li, A. Smola, *Dive into Deep Learning* (2023), section 3.4
#   (a training loop from scratch), 3.6 (generalization).
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [02 The learning rate](02_learning_rate.ipynb).
