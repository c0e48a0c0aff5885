"""The capstone: tune on a budget of epochs that is counted, and report it."""
