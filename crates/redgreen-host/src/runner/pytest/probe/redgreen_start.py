"""Starts the probe. A program is compiled anew by each process that runs it; a module it imports is not."""

import sys

import redgreen_probe

if __name__ == "__main__":
    sys.exit(redgreen_probe.main())
