"""When a plan was written: one from before the first result stays in the log."""

# What a learner reads.
WORDS = {
    "late": "The report says of this plan: {when} A plan from before the first result "
    "stays there, too.",
    "before": "Written before the first epoch was spent.",
    "spent": "Written after {spent} of {budget} epochs were spent.",
    "tested": "Written after the test set was opened.",
}


def keep(data, text):
    """Write a plan into a log; it replaces only one from the same stage.

    Parameters
    ----------
    data : dict
        Of a log; it is changed.
    text : str
    """
    texts, now = data["texts"], stage(data)
    found = versions(texts)
    if found and found[-1]["text"] == text:  # the cell was run again
        return
    if found and found[-1]["stage"] == now:
        found.pop()
    texts["plans"] = [*found, {"text": text, "stage": now}]
    texts["plan"] = text


def versions(texts):
    """Return the plans of a log, the first one first: dicts of text and stage."""
    old = [{"text": texts["plan"], "stage": None}] if texts.get("plan") else []
    return list(texts.get("plans", old))


def stage(data):
    """Return what had been seen when a plan was written: epochs, or "tested"."""
    spent = sum(entry["epochs"] for entry in data["entries"])
    return "tested" if data["test"] else spent


def when(plan, budget):
    """Return in words when a plan was written, "" where the log does not say."""
    if plan["stage"] is None:
        return ""
    kind = {"tested": "tested", 0: "before"}.get(plan["stage"], "spent")
    return WORDS[kind].format(spent=plan["stage"], budget=budget)


def late(data):
    """Return what to tell who has just written a plan too late, or nothing."""
    plans = versions(data["texts"])
    if not plans or plans[-1]["stage"] in (None, 0):
        return ""
    return WORDS["late"].format(when=when(plans[-1], data["budget"]))
