#!/bin/sh
# aider as an agent (written for 0.86): one message, no commits of its own, no questions.
#
#   [agent]
#   command = ["sh", "/path/to/examples/agents/aider.sh", "--model", "sonnet"]
#   environment = ["ANTHROPIC_API_KEY"]        # the key of whatever model you name
#
# aider edits the files it is given. The author gets the test folder, the implementer the source folder with the tests to
# read; what it writes elsewhere is left out or rejected by the gate, whatever it says. Its exit code is always 0.
set -eu
set -- "$@" --message-file "$REDGREEN_PROMPT" --yes-always --no-auto-commits --no-check-update \
    --analytics-disable --no-stream --no-pretty --no-show-model-warnings --no-detect-urls
case "$REDGREEN_ROLE" in
author) mkdir -p tests; set -- "$@" $(git ls-files tests) ;;
*)
    for test in $(git ls-files tests); do set -- "$@" --read "$test"; done
    set -- "$@" $(git ls-files src)
    ;;
esac
aider "$@"
rm -f .aider.chat.history.md .aider.input.history
rm -rf .aider.tags.cache.v4
