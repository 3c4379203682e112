"""Runs at the start of every Python process of a judged run, children included, before any project code.

Python imports `sitecustomize` after it has read the `.pth` files of site-packages, so this is the first moment at
which editable installs are known and the last one at which nothing of the project is loaded. The work is done in
`redgreen_origin`; a `sitecustomize` of the interpreter itself (Debian ships one) still runs afterwards.
"""

import os

if os.environ.get("REDGREEN_RUN"):
    import redgreen_origin

    redgreen_origin.install(os.environ["REDGREEN_RUN"])
    redgreen_origin.run_other_sitecustomize()
