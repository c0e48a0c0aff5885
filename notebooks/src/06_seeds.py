# %% [markdown]
# # Seeds
#
# **About 30 minutes.** When you are through, you can
#
# - say how far the result of a run depends on luck,
# - tell a difference that counts from one that does not,
# - decide how many seeds you need, and compare two settings fairly.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_06_seeds as ex

moons, digits = hk.load_dataset("moons"), hk.load_dataset("digits")
base = hk.Hyperparameters(batch_size=32, epochs=30)
ana, jun = base.but(lr=0.25), base.but(lr=0.3)

# %% [markdown]
# ## 1. The same again, with other luck (5 minutes)
#
# Throw a die. It shows 5. Is it a good die? Nobody would say so after one throw.
#
# But with networks people do just that. They train once, see 0.11, train another
# setting once, see 0.13, and say: "the first one is better". Let us see how much of
# such a number is the die.
#
# You know the **seed** from lesson 00: it decides the first weights and the order of
# the points. Everything else below is the same: the data, the learning rate 0.3, the
# batch size, the epochs.
#
# **Predict.** Twenty seeds. By how much do you think the highest of the twenty losses
# is above the lowest? By 1 percent? By 5? More?

# %%
*_, runs = hk.train(moons, base.but(lr=0.3), seeds=range(20))
ax = hk.plot_seeds(runs)
loss = np.sort(runs.best_val_loss[0])
rest = loss[:-1]
print(f"lowest {loss[0]:.3f}, highest {loss[-1]:.3f}")
print(f"mean {loss.mean():.3f}, spread {loss.std():.3f}")
print(f"without the highest dot: mean {rest.mean():.3f}, spread {rest.std():.3f}")

# %% [markdown]
# **What you see.** The highest of the twenty is far above the lowest, with any twenty
# seeds by more than 10 percent. <!-- claim: seeds-same-setting-spreads --> Twenty times
# the very same setting!
#
# Two numbers sum up such a cloud of dots: its middle, the **mean** (the short bar), and
# its width, the **spread**. The spread is the standard deviation: about how far the
# dots lie from the mean, where far ones count more.
#
# Two numbers do not say all. Does one dot lie far out, all alone? It pulls the mean to
# its side, and it makes the spread larger than most of the dots deserve: compare the
# last two lines. So look at the dots, too.
#
# ## 2. Ana and Jun (8 minutes)
#
# Ana trains moons with learning rate 0.25, Jun with 0.3. Each has a seed of their own.
# Whoever gets the lower loss has won.
#
# **Predict.** They do this twenty times, always with new seeds. Does the same one win
# each time?

# %%
*_, runs = hk.train(moons, [ana, jun], seeds=range(40))
of_ana, of_jun = runs.best_val_loss[0, :20], runs.best_val_loss[1, 20:]
wins = of_ana < of_jun
print("".join("A" if win else "J" for win in wins))
print(f"Ana wins {wins.sum()} of 20, Jun {20 - wins.sum()}")

# %% [markdown]
# **What you see.** Sometimes Ana, sometimes Jun.
# <!-- claim: seeds-duels-go-both-ways --> If they had met only once, one of them would
# now go around and tell everybody that this learning rate is better.
#
# Here are the two learning rates in a panel. One thing is new: both get the *same*
# seeds. Each dot is a seed; a gray line joins the dots of the same seed, and the
# sentence counts how many lines go down. Leave the lines alone for now, section 5 comes
# back to them. Look at the diamonds (the means) and the bars beside the dots (one
# spread up, one spread down).

# %%
hk.SeedsPanel(moons, [ana, jun], seeds=3)

# %% [markdown]
# **Do.** Move **seeds** to 1, then to 2, to 5, to 30. Read the end of the sentence each
# time.
#
# **Say what you see.** The numbers change with each seed that joins. What stays the
# same in the verdict? How far is one diamond above the other, next to the length of the
# bars?

# %%
means, spreads = runs.mean_val_loss, runs.std_val_loss  # of 40 seeds
print(f"means {means.round(3)}, their difference {abs(means[0] - means[1]):.4f}")
print(f"spreads {spreads.round(3)}, the larger one {spreads.max():.4f}")
rest = np.sort(runs.best_val_loss)[:, :-1]
gap = abs(rest[0].mean() - rest[1].mean())
print("without the highest dot of each:")
print(f"difference {gap:.4f}, larger spread {rest.std(axis=1).max():.4f}")

# %% [markdown]
# **What you see.** The means differ by less than the larger of the two spreads.
# <!-- claim: seeds-difference-below-spread --> And that is not the work of one dot that
# lies far out: without the highest dot of each it is the same.
# <!-- claim: seeds-not-one-dot --> Then a single run of each tells nothing, and it
# hardly matters which of the two you take.
#
# There is a nasty trick in this. Ana wants to win, so she trains with twenty seeds and
# shows her best run. Jun does the same.

# %%
for name, other, i in (("Ana", "Jun", 0), ("Jun", "Ana", 1)):
    best, rival = runs.best_val_loss[i, :20].min(), means[1 - i]
    print(f"{name}'s best run {best:.3f}, {other}'s mean {rival:.3f}: {best < rival}")

# %% [markdown]
# **What you see.** Each best run is below the other one's mean. With a seed chosen
# after looking, both can "prove" that they are right.
# <!-- claim: seeds-luckiest-proves-anything --> So a seed is not something to tune.
# Report the mean and the spread.
#
# Write down the rule as a function:

# %%
ex.differ


# %%
def can_tell(a, b):
    return ...


ex.differ.check(can_tell)

# %%
# ex.differ.hint()
# ex.differ.solution()

# %% [markdown]
# ## 3. When one seed is enough (4 minutes)
#
# Is a single run worth nothing, then? Ana now takes 0.01, Jun stays with 0.3.
#
# **Predict.** Twenty duels. Who wins how often?

# %%
*_, runs = hk.train(moons, [base.but(lr=0.01), jun], seeds=range(40))
wins = runs.best_val_loss[0, :20] < runs.best_val_loss[1, 20:]
print(f"Ana wins {wins.sum()} of 20, Jun {20 - wins.sum()}")
ax = hk.plot_seeds(runs, pairs=False)

# %% [markdown]
# **What you see.** Jun, each time. The two clouds do not even touch.
# <!-- claim: seeds-large-difference-one-run --> A difference that is many times the
# spread can be seen in one run. That is why the coarse list of lesson 02, with factors
# of three or ten between its values, worked so well, and why it is no use to look for a
# third digit.

# %%
ex.four_pairs

# %%
answer = ...
ex.four_pairs.check(answer)

# %%
# ex.four_pairs.hint()
# ex.four_pairs.solution()

# %% [markdown]
# ## 4. How many seeds? (5 minutes)
#
# One throw of a die says little, the mean of many throws says much. How quickly does
# the luck go away? We train 320 seeds, and take the mean of groups: of 1, of 4, of 16.
#
# **Predict.** The mean of 4 seeds: is its spread a quarter of that of one seed?

# %%
*_, runs = hk.train(moons, jun, seeds=range(320))
loss = runs.best_val_loss[0]
fig, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
for row, n in enumerate((1, 4, 16)):
    means = loss.reshape(-1, n).mean(axis=1)
    ax.plot(means, np.full(len(means), row), "o", alpha=0.3)
    share = means.std() / loss.std()
    print(f"mean of {n:2}: spread {means.std():.4f}, {share:.2f} of that of one seed")
ax.set(yticks=range(3), ylim=(2.5, -0.5), xlabel="mean lowest validation loss")
ax.set_yticklabels(["1 seed", "mean of 4", "mean of 16"])
ax = hk.alt_text(ax, "Three rows of dots, each about half as wide as the one above.")

# %% [markdown]
# **What you see.** Four times as many seeds, about half the spread; sixteen times,
# about a quarter. <!-- claim: seeds-four-times-halve --> It is the same rule as with
# the batches of lesson 03: the spread of a mean of `n` is the spread of one, divided by
# the square root of `n`. The shares above are not exactly 0.50 and 0.25: the last row
# has only twenty dots, and a spread of twenty dots is itself a bit of luck.
#
# So the first few seeds bring the most. Three to five are a good start. If that is not
# enough to tell two settings apart, ask first whether it matters.

# %%
ex.enough_seeds

# %%
answer = ...
ex.enough_seeds.check(answer)

# %%
# ex.enough_seeds.hint()
# ex.enough_seeds.solution()

# %% [markdown]
# ## 5. The same seed for both (4 minutes)
#
# Two runners, each on another track, in another wind: who is faster? Better let both
# run on the *same* track on the same day. For networks: give both settings the **same
# seed**, so the same first weights and the same order of points.
#
# Digits, learning rates 0.2 and 0.3, 20 seeds.
#
# **Predict.** In how many of 20 duels does 0.3 win, if each side has seeds of its own?
# And if both have the same?

# %%
pair = [hk.Hyperparameters(lr=lr, epochs=10, hidden=(32,)) for lr in (0.2, 0.3)]
*_, runs = hk.train(digits, pair, seeds=range(20))
ax = hk.plot_seeds(runs)
low, high = runs.best_val_loss
print("own seeds:  0.3 wins", (high < np.roll(low, 1)).sum(), "of 20")
print("same seeds: 0.3 wins", (high < low).sum(), "of 20")
print(f"spread {low.std():.4f}, spread of the differences {(high - low).std():.4f}")

# %% [markdown]
# **What you see.** With the same seed for both, 0.3 wins in nearly all duels; nearly
# all the lines lean the same way. With seeds of their own it wins in most, not in all.
# The differences of pairs spread much less than the losses themselves: a lucky seed
# helps both sides, and drops out. <!-- claim: seeds-same-seed-is-fairer -->
#
# So the pairs can see a difference that single runs hide. With Ana and Jun, too:

# %%
*_, runs = hk.train(moons, [ana, jun], seeds=range(20))
wins = runs.best_val_loss[0] < runs.best_val_loss[1]
print(f"same seeds: Ana wins {wins.sum()} of 20, Jun {20 - wins.sum()}")

# %% [markdown]
# **What you see.** With the same seed for both, Jun wins in most of the duels.
# <!-- claim: seeds-pairs-see-more --> So on these points 0.3 is a little better than
# 0.25, by less than the luck of one run.
#
# Sharing the seed costs nothing. That is why all searches of hpkit give every setting
# the same seeds.
#
# ## 6. The band (4 minutes)
#
# Now you can read the band around a validation curve: it is the spread over seeds.
#
# **Predict.** Learning rates 0.05 to 4. Is there one winner, or are there several that
# you cannot tell apart?

# %%
hk.ValidationCurvePanel(
    moons, "lr", base, param_range=[0.05, 0.1, 0.3, 0.5, 1, 2, 4], seeds=10
)

# %% [markdown]
# Read the panel's sentence with care. It goes by a **shorter rule** than yours. You
# weighed the spreads of *both* settings (section 2). A search has many settings, so it
# takes one spread for all, that of the *best*: what lies within it counts as good.
#
# **Predict.** The same search with both rules. Which list will be the longer one?

# %%
curve = hk.validation_curve(
    moons, base, param_name="lr", param_range=[0.05, 0.1, 0.3, 0.5, 1, 2, 4],
    seeds=range(10),
)  # fmt: skip
lrs, means, spreads = curve.param_range, curve.mean_val_loss, curve.std_val_loss
best = means.argmin()
gaps, larger = means - means[best], np.maximum(spreads, spreads[best])
print("the best:", lrs[best])
print("rule of section 2, not to be told apart:", np.array(lrs)[gaps <= larger])
print("shorter rule, as good as the best:", np.array(lrs)[gaps <= spreads[best]])

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
ax.axhspan(means[best], means[best] + spreads[best], color="#D55E00", alpha=0.3)
ax.errorbar(lrs, means, spreads, fmt="o", capsize=5)
ax.set(xscale="log", xlabel="learning rate", ylabel="mean lowest validation loss")
ax.set(ylim=(0.08, 0.33), xticks=lrs, xticklabels=map("{:g}".format, lrs))
ax.minorticks_off()
ax = hk.alt_text(ax, "Means with their spreads; a strip one spread above the lowest.")

# %% [markdown]
# **What you see.** The orange strip is the shorter rule: it begins at the lowest mean
# and is one spread of the best high. A dot inside counts as good. The bars are the
# spreads of all settings; what is above 0.33 is cut off.
#
# The second list is never longer than the first, for the larger of two spreads is at
# least that of the best. With more than half of the sets of ten seeds it is shorter.
# <!-- claim: seeds-search-is-stricter --> So what a search calls as good, your rule
# cannot tell from the best, either. The other way around it need not hold. Find a dot
# above the strip with a long bar. Your rule may say "not to be told apart", only
# because its runs are so unsteady. But unsteady is not good. That is why a search that
# has to choose is stricter. When two settings are left that matter to you, compare them
# as in section 2, with more seeds.
#
# So when somebody asks for "the best learning rate", the honest answer is often a
# region: all values that are as good. Three values or more: take one in the middle,
# which has good neighbors on both sides. Two values: take either, or one between them.
# Then go on.
#
# ## 7. Three questions (2 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - The same setting, 20 seeds: the highest loss was more than 10 percent above the
#   lowest. <!-- claim: seeds-same-setting-spreads -->
# - Learning rates 0.25 and 0.3: their means differ by less than the larger spread, and
#   in duels with one run each both win some.
#   <!-- claim: seeds-duels-go-both-ways seeds-difference-below-spread -->
# - Learning rates 0.01 and 0.3: one run of each was enough.
#   <!-- claim: seeds-large-difference-one-run -->
# - 4 times as many seeds halve the spread of the mean.
#   <!-- claim: seeds-four-times-halve -->
# - The same seed for both sides makes a comparison fairer, for nothing.
#   <!-- claim: seeds-same-seed-is-fairer -->
#
# ## Where to read on
#
# - X. Bouthillier and others, *Accounting for Variance in Machine Learning Benchmarks*
#   (2021): where the luck of a result comes from, and what to do.
# - P. Henderson and others, *Deep Reinforcement Learning that Matters* (2018): results
#   that turned around with other seeds.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 5.4.3 (the
#   spread of a mean), 8.4 (first weights).
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [07 One at a time](07_one_at_a_time.ipynb).
