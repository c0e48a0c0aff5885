"""``python -m hpkit lab|test|doctor|...``: the commands, in ``hpkit/_cli``.

This file and ``hpkit/__init__.py`` must parse on any old Python, because all they do
there is to report that it is too old.
"""

import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(
            "hpkit needs Python 3.11 or newer, this is Python %d.%d (%s); install a "
            "newer one from https://www.python.org/downloads/ and call that one."
            % (sys.version_info[0], sys.version_info[1], sys.executable)
        )
    from hpkit._cli import main

    main(sys.argv[1:])
