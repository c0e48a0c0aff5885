# %% [markdown] words=1240 teaser="Inside the network."
# # Parameters and hyperparameters
#
# When you bake bread, you set the temperature and the timer and close the door. Inside,
# the dough changes by itself. What you set decides what you get.
#
# **About 35 minutes.** By the end you'll be able to
#
# - say which numbers you set before training, and which it changes,
# - write the training loop yourself,
# - read a training curve: six shapes, and what to do about each.
#
# What the lessons say holds for nearly all seeds; where it doesn't, they say so.

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
# **Predict.** Which of the panel's three sliders on the left moves while the network
# trains?
#
# **Do.** Switch on **Slow** and move the learning rate a little to the right.

# %%
start = hk.Hyperparameters(lr=0.03, batch_size=32, epochs=60)
hk.TrainingPanel(moons, start)

# %% [markdown]
# **What you see: none.** The lines and the map move; the sliders stay.
# <!-- claim: training-changes-parameters -->
#
# The three are **hyperparameters**, set before training:
#
# - the **learning rate** (`lr`): how long each step is,
# - the **batch size**: how many points the network looks at before a step,
# - the **epochs**: how many times it goes through all the points.
#
# A fourth is the number of **units**: here 16 in each of two **hidden layers**.

# %% tags=["drawing"]
# drawing: the network
fig, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
ends, inner = (-2, 2), [k - 7.5 for k in range(16)]
columns = [[(x, y) for y in ys] for x, ys in enumerate((ends, inner, inner, ends))]
for x in range(3):
    for one, other in [(a, b) for a in columns[x] for b in columns[x + 1]]:
        ax.plot(*zip(one, other, strict=True), "o-", c="#8C8C8C", lw=0.4, mfc="#0072B2")
for x, name in enumerate(["2 inputs", *["hidden layer\n16 units"] * 2, "2 outputs"]):
    ax.text(x, -9, name, ha="center", va="top")
ax.set_ylim(-11.5, 8)
ax.set_axis_off()
ax = hk.alt_text(ax, "Four columns of circles; lines from each to all of the next.")

# %% [markdown]
# Each line has a number, a **weight**, each unit and output another, a **bias**: the
# network's **parameters**, which training can change.
#
# **Predict.** How many parameters are there? Ten? A hundred? More?

# %%
torch.manual_seed(0)  # decides the first weights
net = nn.Sequential(  # two inputs, two layers of 16 units, two outputs
    nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
)
print(sum(p.numel() for p in net.parameters()), "weights and biases")

# %%
ex.hyperparameters

# %%
answer = ...
ex.hyperparameters.check(answer)

# %% [markdown]
# ## 2. The loop (10 minutes)
#
# Training is one loop, for this little network as for the largest. If PyTorch is new to
# you, read the loop's comments. To read a folded cell, click its three dots.

# %% tags=["drawing"]
# the data as tensors, three hyperparameters, a new network
X, X_valid = (
    torch.tensor(s.X, dtype=torch.float32) for s in (moons.train, moons.valid)
)
y, y_valid = (torch.tensor(s.y) for s in (moons.train, moons.valid))
lr, batch_size, epochs = 0.1, 32, 30


def new_network():
    torch.manual_seed(0)
    a, b, c = nn.Linear(2, 16), nn.Linear(16, 16), nn.Linear(16, 2)
    return nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c)


before = [p.detach() for p in new_network().parameters()]

# %% [markdown]
# **Predict.** With 400 training points and a batch size of 32, how many times does one
# epoch change the weights?
#
# Read the loop line by line. Its heart is `loss.backward()`: it finds the **slope** of
# the loss, or *gradient*, which says for each weight which way is down.

# %%
net, loss_of, losses, steps = new_network(), nn.CrossEntropyLoss(), [], 0
optimizer = torch.optim.SGD(net.parameters(), lr=lr)
shuffle = torch.Generator().manual_seed(0)  # decides the order of the points
for _ in range(epochs):
    for rows in torch.randperm(len(X), generator=shuffle).split(batch_size):
        loss = loss_of(net(X[rows]), y[rows])  # how wrong are we on this batch?
        optimizer.zero_grad()  # forget the slope of the last batch
        loss.backward()  # find the slope
        optimizer.step()  # one step, as long as lr says
        steps += 1
    with torch.no_grad():  # after each epoch: how good is it on new points?
        losses.append(loss_of(net(X_valid), y_valid).item())

# %%
print(steps // epochs, "steps in an epoch,", steps, "steps in all")
print(f"validation loss: {losses[0]:.2f} after epoch 1, {losses[-1]:.2f} at the end")

# %% [markdown]
# **What you see: 13.** Twelve full batches and one of 16.
# <!-- claim: training-changes-parameters -->
#
# **Predict.** Does `hk.fit` give the same numbers?

# %%
run = hk.fit(moons, hk.Hyperparameters(lr=0.1, batch_size=32, epochs=30), seed=0)
print("epoch    the loop   hk.fit")
for epoch in (1, 2, 5, 10, 20, 30):
    print(f"{epoch:5}   {losses[epoch - 1]:9.3f}   {run.val_loss[epoch]:6.3f}")

# %% [markdown]
# **What you see: the same numbers.** `hk.fit` is this loop, only quicker.
# <!-- claim: loop-equals-fit -->

# %%
ex.loop


# %%
def train_epoch(net, optimizer, X, y, batch_size):
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
        ...


ex.loop.check(train_epoch)

# %% [markdown]
# **Predict.** How many of the 354 parameters did the loop change?

# %%
after = [p.detach() for p in net.parameters()]
changed = sum((a != b).sum().item() for a, b in zip(after, before, strict=True))
print("parameters that training changed:", changed)
print("lr, batch size, epochs:", lr, batch_size, epochs)

# %% [markdown]
# **What you see: more than half.** A `ReLU` that gives 0 takes away its lines' slope.
# Some lines never had one: no step. <!-- claim: training-changes-parameters -->
#
# ## 3. The boundary grows (3 minutes)
#
# **Predict.** In the map, the white band is the boundary between "blue" and "orange".
# What shape will it have after one epoch?
#
# **Do.** Drag the slider **Epoch of the map** to its left end, epoch 0, then slowly to
# the right.

# %%
base = hk.Hyperparameters(lr=0.3, batch_size=32)
hk.TrainingPanel(moons, base.but(epochs=60), controls=("lr", "epochs"))

# %% [markdown]
# **What you see: a straight cut, then a curve.** The boundary first cuts through both
# moons, then bends around them: more points lie on their own color.
# <!-- claim: border-gets-better -->
#
# ## 4. Six shapes (6 minutes)
#
# A chart of loss against epoch is a **training curve**. Some runs below train on moons,
# some on handwritten **digits** of 64 pixels. Guessing gives a loss of 0.69 with two
# classes, 2.3 with ten.

# %%
ax = hk.plot_data(hk.load_dataset("digits"))

# %% [markdown]
# **Predict.** Run the next two cells. Which of the six runs would you keep? Which would
# you stop at once?

# %% tags=["drawing"]
# the settings of six runs
H = hk.Hyperparameters
six = [
    ("moons", H(lr=0.001)),
    ("digits", H(lr=0.1, hidden=(32,))),
    ("moons", H(lr=3)),
    ("digits", H(lr=5, hidden=(32,), epochs=10)),
    ("small_moons", H(0.1, 10, 200, momentum=0.9, hidden=(64, 64))),
    ("moons", H(lr=0.1, batch_size=2)),
]

# %% tags=["drawing"]
# drawing: their training curves
fig, axes = plt.subplots(2, 3, figsize=(11, 5.8), layout="constrained")
fig.get_layout_engine().set(h_pad=0.1)
for k, (ax, (data, setting)) in enumerate(zip(axes.flat, six, strict=True)):
    run = hk.fit(hk.load_dataset(data), setting, seed=4)
    hk.plot_training_curves(run, ax).set_title(f"run {k + 1}")
    if run.diverged:  # the label at the X would tell
        ax.texts[-1].remove()

# %% [markdown]
# **What you see: six shapes, six remedies.**
#
# - **1, too slow.** Nearly flat. <!-- claim: u-left-hardly-moves --> *Try a larger
#   learning rate.*
# - **2, good.** Both lines fall quickly and stay low. <!-- claim: shape-good --> *Keep
#   it.*
# - **3, bouncing.** The loss jumps back up to where it began, and usually ends high.
#   <!-- claim: shape-bouncing --> *Try a smaller learning rate.*
# - **4, diverged.** The line leaves the chart at the X: soon the loss is no longer a
#   number (`nan`), <!-- claim: digits-nan --> or ends far above its start. *Divide the
#   learning rate by ten, or more.*
# - **5, overfitting.** The training loss keeps falling, but the validation loss climbs.
#   <!-- claim: shape-over-fitting lower-training-higher-validation --> The network has
#   learned its points by heart, so choose by the **validation loss**. *Stop at the
#   ring, the lowest point; or get more data.*
# - **6, noisy.** Low, with many small jumps, from small batches.
#   <!-- claim: shape-noisy --> *Fine, if it falls.*
#
# Your turn:

# %%
ex.mystery_curves

# %%
ex.six_curves

# %%
answer = ...
ex.six_curves.check(answer)

# %% [markdown]
# ## 5. A trap (2 minutes)
#
# **"The validation loss is below the training loss, so my code is wrong."**
#
# **Predict.** Of ten runs, each on new points, how many end with the validation loss
# below the training loss?

# %%
below = 0
for seed in range(10):
    data = hk.load_dataset("moons", seed=seed)  # new points
    run = hk.fit(data, hk.Hyperparameters(lr=0.1, epochs=10))
    below += run.val_loss[-1] < run.train_loss[-1]
print(f"validation loss below training loss: {below} of 10 runs")

# %% [markdown]
# **What you see: in six.** Luck decides which of the two got the easier points.
# <!-- claim: validation-below-training -->
#
# ## 6. Defaults are a start (2 minutes)
#
# By default, PyTorch's `SGD` takes a learning rate of 0.001 and its `DataLoader` a
# batch size of 1.
#
# **Predict.** Do these defaults beat 0.3 and 32 on moons?

# %%
pytorch = hk.fit(moons, hk.Hyperparameters(lr=0.001, batch_size=1, epochs=30))
other = hk.fit(moons, hk.Hyperparameters(lr=0.3, batch_size=32, epochs=30))
ax = hk.plot_training_curves([pytorch, other], split="valid")

# %% [markdown]
# **What you see: no, too slow.** After 12,000 steps the defaults' lowest loss is still
# more than twice the other run's after 390. <!-- claim: default-is-a-start -->
#
# ## 7. The clinic (6 minutes)
#
# Each patient is a run with one fault; the gray curves are the same setting with other
# seeds. The first three have faults you know. The next three bring new ones:
#
# - *stopped too early*: few epochs, and both losses still fall,
# - *unlucky seed*: the gray curves do far better,
# - *chosen by training loss*: a note on the left says so.
#
# One remedy is new: **weight decay** fights overfitting by keeping the weights small.
#
# **Do.** Choose what is wrong and what helps, and click **Treat**: is it cured? Then
# **Next patient**, at least to the sixth.

# %%
hk.ClinicPanel()

# %% [markdown]
# ## 8. Four questions (1 minute)

# %%
ex.quiz

# %%
hk.progress(1)

# %% [markdown]
# ## What you saw
#
# - Training is one loop: loss, slope, step. It changes parameters; hyperparameters
#   stay.
# - The shape of the training curve says what to do.
# - Choose by the validation loss.
#
# ## Further reading
#
# - I. Goodfellow and others, *Deep Learning* (2016), section 5.2 (overfitting), 5.3
#   (hyperparameters), 8.3 (the loop: SGD).
# - A. Zhang and others, *Dive into Deep Learning* (2023), section 3.4: the loop.
# - All words of this lesson: [glossary](glossary.md).
